/** What two parties that talk are owed whenever something about their media has changed. */
import type { MediaPlane } from '../calls/index.ts';
import type { Logger } from '../kernel/index.ts';
import type { CallMediaWork } from './call-media.ts';
import type { CallParties } from './call-parties.ts';
import { needsDetector } from './digit-relay.ts';
import { HoldNotices } from './hold-notices.ts';
import type { Holding } from './holding.ts';
import type { LegMedia } from './leg-media.ts';

interface Given {
  hasMusic: boolean;
  isListenedTo: boolean;
}

export class PartyCare {
  readonly #media: MediaPlane;
  readonly #logger: Logger;
  readonly #holding: Holding;
  readonly #holds = new HoldNotices();
  /** Stays with the party when another call takes it over. */
  readonly #given = new WeakMap<LegMedia, Given>();

  constructor(media: MediaPlane, logger: Logger, holding: Holding) {
    this.#media = media;
    this.#logger = logger;
    this.#holding = holding;
  }

  settle(parties: CallParties, media: CallMediaWork | undefined): void {
    for (const legId of parties.talking) {
      const otherId = parties.counterpartOf(legId);
      const leg = media?.legOf(legId);
      this.#holds.tell(parties.peerOf(legId), leg);
      if (leg !== undefined) this.#give(leg, otherId === undefined ? undefined : media?.legOf(otherId));
    }
  }

  /** Music to whom the other one holds; an ear for keys in the audio where they cannot go on in it. */
  #give(leg: LegMedia, other: LegMedia | undefined): void {
    const given = this.#given.get(leg) ?? { hasMusic: false, isListenedTo: false };
    this.#given.set(leg, given);
    const { portId } = leg.owner;
    const wantsMusic = other?.isHeldByPeer === true;
    // Who is on hold by our own doing has its music already, and keeps it whatever the other one does.
    if (wantsMusic !== given.hasMusic && !this.#holding.isHeld(leg)) {
      given.hasMusic = wantsMusic;
      this.#do(wantsMusic ? this.#media.play(portId, { kind: 'music' }) : this.#media.stopPlaying(portId));
    }
    const wantsDetector = other !== undefined && needsDetector(leg, other);
    if (wantsDetector !== given.isListenedTo) {
      given.isListenedTo = wantsDetector;
      this.#do(this.#media.detectTones(portId, wantsDetector));
    }
  }

  /** The call goes on without. */
  #do(work: Promise<void>): void {
    work.catch((error: unknown) => this.#logger.warn({ err: error }, 'party not cared for'));
  }
}
