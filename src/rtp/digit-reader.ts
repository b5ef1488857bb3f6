/**
 * Recognizes the keys pressed in a stream of telephone-event packets: each event is reported once, at its end, keyed by
 * SSRC and timestamp (RFC 4733 §2.5.1.2). Neither the marker of the first packet nor any of the three end packets is
 * needed: what began and was not heard of for IDLE_MS, or is followed by another event, has ended.
 */
import { timestampDelta } from './sequence.ts';
import { digitOf, MAX_EVENT_DURATION, type TelephoneEvent } from './telephone-event.ts';

/** An event without packets for so long has ended, ms: packets come every 20 to 50 ms, and several may be lost. */
const IDLE_MS = 250;
/** Ended events that are remembered, so that their late and repeated packets are not taken for new ones. */
const REMEMBERED = 8;

export interface DigitPress {
  readonly digit: string;
  readonly durationMs: number;
}

interface Pressed {
  readonly ssrc: number;
  readonly event: number;
  readonly firstTimestamp: number;
  timestamp: number;
  /** Of the segment at `timestamp`. */
  duration: number;
  clockRate: number;
  heardMs: number;
}

interface Ended {
  readonly ssrc: number;
  readonly timestamp: number;
}

export class DigitReader {
  #pressed: Pressed | undefined;
  readonly #ended: Ended[] = [];

  /** Whether a key is down: then `expire` wants to be called now and then. */
  get isPressed(): boolean {
    return this.#pressed !== undefined;
  }

  /** Takes one packet; answers with the keys that it completes, in the order they were pressed (mostly none). */
  take(event: TelephoneEvent, clockRate: number, nowMs: number): readonly DigitPress[] {
    if (this.#ended.some(({ ssrc, timestamp }) => ssrc === event.ssrc && timestamp === event.timestamp)) return [];
    const done: DigitPress[] = [];
    if (this.#pressed && !belongs(event, this.#pressed)) this.#finish(this.#pressed, done);
    const pressed = (this.#pressed ??= begin(event, clockRate, nowMs));
    advance(pressed, event);
    pressed.heardMs = nowMs;
    if (event.isEnd) this.#finish(pressed, done);
    return done;
  }

  /** The key whose end packets were all lost, when it is time to say so. */
  expire(nowMs: number): DigitPress | undefined {
    if (!this.#pressed || nowMs - this.#pressed.heardMs < IDLE_MS) return undefined;
    const done: DigitPress[] = [];
    this.#finish(this.#pressed, done);
    return done[0];
  }

  #finish(pressed: Pressed, done: DigitPress[]): void {
    this.#pressed = undefined;
    this.#ended.push({ ssrc: pressed.ssrc, timestamp: pressed.timestamp });
    if (pressed.firstTimestamp !== pressed.timestamp) {
      this.#ended.push({ ssrc: pressed.ssrc, timestamp: pressed.firstTimestamp });
    }
    while (this.#ended.length > REMEMBERED) this.#ended.shift();
    const digit = digitOf(pressed.event);
    if (digit === undefined) return;
    const units = timestampDelta(pressed.timestamp, pressed.firstTimestamp) + pressed.duration;
    done.push({ digit, durationMs: Math.round((units * 1000) / pressed.clockRate) });
  }
}

function begin(event: TelephoneEvent, clockRate: number, nowMs: number): Pressed {
  const { ssrc, timestamp, duration } = event;
  return { ssrc, event: event.event, firstTimestamp: timestamp, timestamp, duration, clockRate, heardMs: nowMs };
}

/** The same event, or the next segment of a long one, or a late packet of an earlier segment. */
function belongs(event: TelephoneEvent, pressed: Pressed): boolean {
  if (event.ssrc !== pressed.ssrc || event.event !== pressed.event) return false;
  const step = timestampDelta(event.timestamp, pressed.timestamp);
  if (step === 0 || step === MAX_EVENT_DURATION) return true;
  return step < 0 && timestampDelta(event.timestamp, pressed.firstTimestamp) >= 0;
}

function advance(pressed: Pressed, event: TelephoneEvent): void {
  const step = timestampDelta(event.timestamp, pressed.timestamp);
  if (step > 0) {
    pressed.timestamp = event.timestamp;
    pressed.duration = event.duration;
  } else if (step === 0 && event.duration > pressed.duration) pressed.duration = event.duration;
}
