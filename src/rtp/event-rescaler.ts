/**
 * Carries telephone-events from one clock to another (48000 ⇄ 8000): the duration is scaled, and a timestamp on the
 * outgoing stream's time line is kept for the whole event. Both ways round the 16 bits of the duration matter: at
 * 48 kHz they are full after 1.4 s, at 8 kHz after 8.2 s, so segments (RFC 4733 §2.5.1.3) are joined on the way down
 * and made on the way up.
 */
import { timestampDelta } from './sequence.ts';
import { MAX_EVENT_DURATION, type TelephoneEvent } from './telephone-event.ts';

export interface RescaledEvent {
  readonly timestamp: number;
  readonly duration: number;
}

export class EventRescaler {
  #ssrc = -1;
  #event = -1;
  #firstTimestamp = 0;
  #lastTimestamp = 0;
  #hasEnded = true;
  #outTimestamp = 0;

  /**
   * `fallback` is where the event would begin on the outgoing time line if this were its first packet. Every later
   * packet of the event gets what the first one got.
   */
  apply(
    event: TelephoneEvent,
    clocks: { readonly fromHz: number; readonly toHz: number },
    fallback: number,
  ): RescaledEvent {
    if (!this.#continues(event)) {
      this.#ssrc = event.ssrc;
      this.#event = event.event;
      this.#firstTimestamp = event.timestamp;
      this.#outTimestamp = fallback;
    }
    this.#lastTimestamp = event.timestamp;
    this.#hasEnded = event.isEnd;
    const total = timestampDelta(event.timestamp, this.#firstTimestamp) + event.duration;
    const scaled = Math.round((total * clocks.toHz) / clocks.fromHz);
    const segment = scaled > MAX_EVENT_DURATION ? Math.floor((scaled - 1) / MAX_EVENT_DURATION) : 0;
    const begin = segment * MAX_EVENT_DURATION;
    return { timestamp: (this.#outTimestamp + begin) >>> 0, duration: scaled - begin };
  }

  #continues(event: TelephoneEvent): boolean {
    if (event.ssrc !== this.#ssrc || event.event !== this.#event) return false;
    if (event.timestamp === this.#lastTimestamp) return true;
    return !this.#hasEnded && timestampDelta(event.timestamp, this.#lastTimestamp) === MAX_EVENT_DURATION;
  }
}
