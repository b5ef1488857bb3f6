/**
 * What to do when the media of a call stays away: the network of this machine has changed, or the path to the gateway
 * is gone. ICE is restarted (RFC 8445 §9) again and again until it is back, for a while.
 */
import type { Clock, Timer } from '../../kernel/index.ts';

/** A browser calls a path disconnected after some seconds of silence; what comes back by itself does so at once. */
const NOTICE_MS = 500;
/** A restart finds only the networks that are there when it begins: another one if it came too early. */
const AGAIN_MS = 3_000;
/** As long as the gateway waits for a browser, about. */
const GIVE_UP_MS = 30_000;

/** Of a peer connection (WebRTC §4.3.3). */
export type PathState = 'new' | 'connecting' | 'connected' | 'disconnected' | 'failed' | 'closed';

export interface RecoveryHooks {
  /** The media is away, or back. */
  onAway(isAway: boolean): void;
  /** Perhaps it is more than the media that is away. */
  onDoubt(): void;
  /** ICE is to be restarted, as soon as the gateway can be asked. */
  onRestartWanted(): void;
  onGaveUp(): void;
}

export class MediaRecovery {
  readonly #clock: Clock;
  readonly #hooks: RecoveryHooks;
  #isAway = false;
  #notice: Timer | undefined;
  #again: Timer | undefined;
  #giveUp: Timer | undefined;

  constructor(clock: Clock, hooks: RecoveryHooks) {
    this.#clock = clock;
    this.#hooks = hooks;
  }

  get isAway(): boolean {
    return this.#isAway;
  }

  onConnectionState(state: PathState): void {
    if (state === 'connected') this.#back();
    else if (state === 'failed') this.#away();
    else if (state === 'disconnected' && !this.#isAway && this.#notice === undefined) {
      this.#notice = this.#clock.after(NOTICE_MS, () => this.#away());
      this.#hooks.onDoubt();
    }
  }

  stop(): void {
    this.#notice?.cancel();
    this.#notice = undefined;
    this.#again?.cancel();
    this.#giveUp?.cancel();
  }

  #away(): void {
    if (this.#isAway) return;
    this.stop();
    this.#isAway = true;
    this.#giveUp = this.#clock.after(GIVE_UP_MS, () => {
      this.stop();
      this.#hooks.onGaveUp();
    });
    this.#hooks.onAway(true);
    this.#restart();
  }

  #restart(): void {
    this.#again = this.#clock.after(AGAIN_MS, () => this.#restart());
    this.#hooks.onRestartWanted();
  }

  #back(): void {
    this.stop();
    if (!this.#isAway) return;
    this.#isAway = false;
    this.#hooks.onAway(false);
  }
}
