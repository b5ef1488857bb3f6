/** The verbs of a call (calls/call-verbs.ts), done to one of its parties. */
import type { AgentCallVerbs, MediaPlane, PlayRequest, Sound, VerbResult } from '../calls/index.ts';
import { type Clock, CodedError, type LegId, type PortId } from '../kernel/index.ts';
import { pressKey } from './digit-relay.ts';
import type { HeldParty, Holding } from './holding.ts';
import type { LegMedia } from './leg-media.ts';
import type { LiveCall } from './live-call.ts';
import type { TransferDesk } from './transfer-desk.ts';
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
  readonly consult: (asked: AskedTransfer) => Promise<VerbResult>;
  readonly consultations: TransferDesk['consultations'];
  readonly holding: Holding;
  readonly media: MediaPlane;
  readonly clock: Clock;
}

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
    if (result.isDone && standing !== undefined)
      await this.#caught(async () => {
        await this.#options.holding.free(standing);
        return DONE;
      });
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

  consult(target: string): Promise<VerbResult> {
    return this.#placed(async (place) => this.#options.consult({ ...place, target }));
  }

  completeConsultation(): Promise<VerbResult> {
    return this.#placed(async ({ live }) => this.#options.consultations.complete(live));
  }

  cancelConsultation(): Promise<VerbResult> {
    return this.#placed(async ({ live }) => this.#options.consultations.cancel(live));
  }

  hold(): Promise<VerbResult> {
    return this.#attempt(async (found) => {
      await this.#options.holding.hold(found);
      return DONE;
    });
  }

  resume(): Promise<VerbResult> {
    return this.#attempt(async (found) => {
      await this.#options.holding.resume(found);
      return DONE;
    });
  }

  async mute(isMuted: boolean): Promise<VerbResult> {
    return this.#placed(async ({ live, legId }) => {
      const portId = portOf(live, legId);
      if (portId === undefined) return refusal('CALL_OVER', 'the party is gone');
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
  async #attempt(work: (found: HeldParty) => Promise<VerbResult>): Promise<VerbResult> {
    return this.#placed(async ({ live, legId }) => {
      // Until it is over, who hears what is its business.
      if (this.#options.consultations.isIn(live)) return refusal('VERB_BUSY', 'somebody is being consulted');
      const standing = live.parties.standing(legId);
      if (standing === undefined) return refusal('VERB_IMPOSSIBLE', 'the party has no media of its own here');
      const other = live.parties.counterpartOf(legId);
      return work({ standing, otherPort: other === undefined ? undefined : portOf(live, other) });
    });
  }

  async #placed(work: (place: Place) => Promise<VerbResult>): Promise<VerbResult> {
    const place = this.#options.find();
    return 'isDone' in place ? place : this.#caught(async () => work(place));
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

function portOf({ call: { inbound, branches } }: LiveCall, legId: LegId): PortId | undefined {
  return [inbound, ...branches].find((leg) => leg.legId === legId)?.portId;
}

function soundOf(sound: PlayRequest, { profile }: LegMedia): Sound {
  if (sound.kind === 'music') return { kind: 'music' };
  if (sound.kind === 'file') return { kind: 'file', name: sound.name, isLooped: sound.isLooped === true };
  const { ringback = 'eu' } = profile;
  return { kind: 'ringback', tone: ringback === 'none' ? 'eu' : ringback };
}
