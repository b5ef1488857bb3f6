/** Who is on hold by our own doing: it hears music, and nobody hears it. */
import type { MediaPlane } from '../calls/index.ts';
import type { PortId } from '../kernel/index.ts';
import type { LegMedia } from './leg-media.ts';
import type { StandingParts } from './standing-parts.ts';

export interface HeldParty {
  readonly standing: StandingParts;
  /** Of the other party. */
  readonly otherPort: PortId | undefined;
}

export class Holding {
  readonly #media: MediaPlane;
  /** Whose port was muted for it beside its own. Stays with a party that is transferred. */
  readonly #held = new WeakMap<LegMedia, PortId | undefined>();

  constructor(media: MediaPlane) {
    this.#media = media;
  }

  isHeld(media: LegMedia): boolean {
    return this.#held.has(media);
  }

  /** Idempotent, as is `resume`. */
  async hold({ standing, otherPort }: HeldParty): Promise<void> {
    if (this.#held.has(standing.media)) return;
    this.#held.set(standing.media, otherPort);
    const { portId } = standing.leg;
    // Music gives way to whoever is heard: on hold nobody is.
    await Promise.all([
      this.#media.mute(portId, true),
      otherPort === undefined ? undefined : this.#media.mute(otherPort, true),
    ]);
    await this.#media.play(portId, { kind: 'music' });
  }

  async resume({ standing, otherPort }: HeldParty): Promise<void> {
    if (!this.#held.has(standing.media)) return;
    const other = this.#held.get(standing.media) ?? otherPort;
    await this.free(standing);
    if (other !== undefined) await this.#media.mute(other, false);
  }

  /** With whom it talks now it hears that one, and is heard. */
  async free({ media, leg: { portId } }: StandingParts): Promise<void> {
    const isHeld = this.#held.delete(media);
    await this.#media.stopPlaying(portId);
    if (isHeld) await this.#media.mute(portId, false);
  }
}
