/**
 * The keys in a stream that mediasoup carries alone: a Consumer that takes telephone-events and nothing else, so that of
 * fifty packets a second none comes to this process unless a key is pressed. (mediasoup knows events by another name:
 * router-codecs.ts.)
 */
import type { types } from 'mediasoup';
import type { Clock, Timer } from '../kernel/index.ts';
import { type DigitPress, DigitReader, payloadTypeOf, readTelephoneEvent } from '../rtp/index.ts';
import type { TelephoneEventFormat } from '../sdp/index.ts';
import { routerFormats, rtpCapabilities } from './router-codecs.ts';

/** Between two looks whether a key whose end was lost is over, ms. */
const lookMs = 100;
/** A Consumer remembers the number of every packet that it left out; it begins anew before they are many, ms. */
const renewMs = 300_000;

export interface DigitWatchParts {
  readonly transport: types.DirectTransport;
  readonly producer: types.Producer;
  /** As they come; with none there is nothing to watch. */
  readonly telephoneEvents: readonly TelephoneEventFormat[];
  readonly clock: Clock;
  readonly onDigit: (press: DigitPress) => void;
}

export class DigitWatch {
  readonly #parts: DigitWatchParts;
  readonly #reader = new DigitReader();
  #consumer: types.Consumer | undefined;
  #look: Timer | undefined;
  #renewal: Timer | undefined;
  #isClosed = false;

  private constructor(parts: DigitWatchParts) {
    this.#parts = parts;
  }

  static async open(parts: DigitWatchParts): Promise<DigitWatch> {
    const watch = new DigitWatch(parts);
    await watch.#renew();
    return watch;
  }

  /** A key that is down is left to whoever sees its end. */
  close(): void {
    this.#isClosed = true;
    this.#look?.cancel();
    this.#renewal?.cancel();
    this.#consumer?.close();
  }

  async #renew(): Promise<void> {
    const { transport, producer, telephoneEvents, clock } = this.#parts;
    const formats = routerFormats([], telephoneEvents);
    if (formats.length === 0) return;
    const former = this.#consumer;
    this.#consumer = await transport.consume({ producerId: producer.id, rtpCapabilities: rtpCapabilities(formats) });
    former?.close();
    if (this.#isClosed) return this.#consumer.close();
    this.#consumer.on('rtp', (packet) => this.#take(packet));
    // Without one that is new the former one goes on; without either the port is about to be closed.
    this.#renewal = clock.after(renewMs, () => void this.#renew().catch(() => {}));
  }

  #take(packet: Buffer): void {
    const { telephoneEvents, clock, onDigit } = this.#parts;
    const format = telephoneEvents.find(({ payloadType }) => payloadType === payloadTypeOf(packet));
    const event = readTelephoneEvent(packet);
    if (format === undefined || event === undefined || this.#isClosed) return;
    // Each Consumer has an SSRC of its own, and all of them one stream.
    for (const press of this.#reader.take({ ...event, ssrc: 0 }, format.clockRate, clock.now())) onDigit(press);
    if (this.#reader.isPressed) this.#look ??= this.#lookLater();
  }

  #lookLater(): Timer {
    const { clock, onDigit } = this.#parts;
    return clock.after(lookMs, () => {
      const press = this.#reader.expire(clock.now());
      if (press !== undefined) onDigit(press);
      this.#look = this.#reader.isPressed ? this.#lookLater() : undefined;
    });
  }
}
