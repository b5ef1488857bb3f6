/** The verbs of a call (calls/call-verbs.ts), done to one of its parties. */
import type { AgentCallVerbs, MediaPlane, PlayRequest, Sound, VerbResult } from '../calls/index.ts';
import { type Clock, CodedError, type LegId, type PortId } from '../kernel/index.ts';
import { pressKey } from './digit-relay.ts';
import type { LegMedia } from './leg-media.ts';
import type { LiveCall } from './live-call.ts';
import type { StandingParts } from './standing-parts.ts';
import { type AskedTransfer, DONE, refusal } from './verb-result.ts';

export interface Place {
  readonly live: LiveCall;
  /** The party that the verbs are done to. */
  readonly legId: LegId;
}

export interface PartyVerbsOptions {
  /** Where the party is now, or why there is none to do anything to. */
  readonly find: () => Place | Exclude<VerbResult, { isDone: true }>;
  readonly hangUp: (q850: number) => VerbResult;
  readonly transfer: (asked: AskedTransfer) => Promise<VerbResult>;
  readonly holds: Holds;
  readonly media: MediaPlane;
  readonly clock: Clock;
}

/** Who is on hold by a verb, and whose port was muted for it beside its own. Stays with a party that is transferred. */
export type Holds = WeakMap<LegMedia, PortId | undefined>;

const DIGITS = /^[0-9*#A-Dw]{1,64}$/;
const PRESS_MS = 160;
const BETWEEN_MS = 100;
const REST_MS = 500;
const NORMAL_CLEARING = 16;

export class PartyVerbs implements AgentCallVerbs {
  readonly #options: PartyVerbsOptions;
  /** Keys go one after another. */
  #pressing: Promise<unknown> = Promise.resolve();

  constructor(options: PartyVerbsOptions) {
    this.#options = options;
  }

  async hangUp(q850 = NORMAL_CLEARING): Promise<VerbResult> {
    if (!Number.isInteger(q850) || q850 < 1 || q850 > 127) return refusal('VERB_INVALID', 'a cause is 1 to 127');
    return this.#options.hangUp(q850);
  }

  async transfer(target: string): Promise<VerbResult> {
    const place = this.#options.find();
    if ('isDone' in place) return place;
    const standing = place.live.parties.standing(place.legId);
    const result = await this.#options.transfer({ ...place, target });
    if (result.isDone && standing !== undefined) await this.#free(standing);
    return result;
  }

  async sendDigits(digits: string): Promise<VerbResult> {
    const keys = digits.replaceAll('W', 'w');
    if (!DIGITS.test(keys)) return refusal('VERB_INVALID', 'digits are 0-9 * # A-D and w, 64 at most');
    const before = this.#pressing;
    const pressing = before.then(async () => this.#press(keys));
    this.#pressing = pressing;
    return pressing;
  }

  async #press(keys: string): Promise<VerbResult> {
    for (const key of keys) {
      const pressed = key === 'w' ? DONE : await this.#pressOne(key);
      if (!pressed.isDone) return pressed;
      await this.#pause(key === 'w' ? REST_MS : PRESS_MS + BETWEEN_MS);
    }
    return DONE;
  }

  async #pressOne(digit: string): Promise<VerbResult> {
    const place = this.#options.find();
    if ('isDone' in place) return place;
    const { live, legId } = place;
    if (live.parties.heardDigit(legId, digit, PRESS_MS)) return DONE;
    return this.#attempt(async ({ standing }) => {
      const isSent = await pressKey({ digit, durationMs: PRESS_MS }, standing, this.#options.media);
      return isSent ? DONE : refusal('VERB_IMPOSSIBLE', 'the party takes no keys');
    });
  }

  hold(): Promise<VerbResult> {
    const { media, holds } = this.#options;
    return this.#attempt(async ({ standing, otherPort }) => {
      if (holds.has(standing.media)) return DONE;
      holds.set(standing.media, otherPort);
      const { portId } = standing.leg;
      // Music gives way to whoever is heard: on hold nobody is.
      await Promise.all([media.mute(portId, true), otherPort === undefined ? undefined : media.mute(otherPort, true)]);
      await media.play(portId, { kind: 'music' });
      return DONE;
    });
  }

  resume(): Promise<VerbResult> {
    const { media, holds } = this.#options;
    return this.#attempt(async ({ standing, otherPort }) => {
      if (!holds.has(standing.media)) return DONE;
      const other = holds.get(standing.media) ?? otherPort;
      await this.#free(standing);
      if (other !== undefined) await media.mute(other, false);
      return DONE;
    });
  }

  /** With whom it talks now it hears that one, and is heard. */
  async #free(standing: StandingParts): Promise<void> {
    const { media, holds } = this.#options;
    const { portId } = standing.leg;
    const isHeld = holds.delete(standing.media);
    await this.#caught(async () => {
      await media.stopPlaying(portId);
      if (isHeld) await media.mute(portId, false);
      return DONE;
    });
  }

  async mute(isMuted: boolean): Promise<VerbResult> {
    const place = this.#options.find();
    if ('isDone' in place) return place;
    const portId = portOf(place.live, place.legId);
    if (portId === undefined) return refusal('CALL_OVER', 'the party is gone');
    return this.#caught(async () => {
      await this.#options.media.mute(portId, isMuted);
      return DONE;
    });
  }

  play(sound: PlayRequest): Promise<VerbResult> {
    return this.#attempt(async ({ standing }) => {
      await this.#options.media.play(standing.leg.portId, soundOf(sound, standing.media));
      return DONE;
    });
  }

  stopPlaying(): Promise<VerbResult> {
    return this.#attempt(async ({ standing }) => {
      await this.#options.media.stopPlaying(standing.leg.portId);
      return DONE;
    });
  }

  /** Something that needs a party with a network side, of which we carry the media. */
  async #attempt(work: (found: Found) => Promise<VerbResult>): Promise<VerbResult> {
    const place = this.#options.find();
    if ('isDone' in place) return place;
    const { live, legId } = place;
    const standing = live.parties.standing(legId);
    if (standing === undefined) return refusal('VERB_IMPOSSIBLE', 'the party has no media of its own here');
    const other = live.parties.counterpartOf(legId);
    return this.#caught(async () =>
      work({ standing, otherPort: other === undefined ? undefined : portOf(live, other) }),
    );
  }

  async #caught(work: () => Promise<VerbResult>): Promise<VerbResult> {
    try {
      return await work();
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      const isUnknown = error instanceof CodedError && error.code === 'MEDIA_NO_SOUND';
      return refusal(isUnknown ? 'VERB_INVALID' : 'VERB_FAILED', text);
    }
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#options.clock.after(ms, resolve);
    });
  }
}

interface Found {
  readonly standing: StandingParts;
  /** Of the other party. */
  readonly otherPort: PortId | undefined;
}

function portOf({ call: { inbound, branches } }: LiveCall, legId: LegId): PortId | undefined {
  return [inbound, ...branches].find((leg) => leg.legId === legId)?.portId;
}

function soundOf(sound: PlayRequest, { profile }: LegMedia): Sound {
  if (sound.kind === 'music') return { kind: 'music' };
  if (sound.kind === 'file') return { kind: 'file', name: sound.name, isLooped: sound.isLooped === true };
  const { ringback = 'eu' } = profile;
  return { kind: 'ringback', tone: ringback === 'none' ? 'eu' : ringback };
}
