/**
 * Whether the remote of a port towards a SIP peer still lives, and that we do to it: when nothing of ours has gone out
 * for a while, it is sent a frame of silence, so that neither a NAT in between forgets us nor it takes us for dead.
 */
import { type SilenceBounds, SilenceWatch } from '../../rtp/index.ts';
import type { EdgeThreadEvent, Place } from './messages.ts';
import type { NetworkEnd } from './network-end.ts';

/** The longest time between two packets of ours: what a NAT is sure to bear (RFC 6263 §7). */
const KEEPALIVE_MS = 15_000;
/** Our stream runs when the last packet is not older. */
const RUNS_MS = 1000;

export interface Expectation {
  readonly isOnHold: boolean;
  readonly bounds: SilenceBounds | undefined;
}

export class LifeSigns {
  readonly #end: NetworkEnd;
  readonly #watch: SilenceWatch;
  #packetsThen = 0;
  #sentMs: number;

  constructor(end: NetworkEnd) {
    const nowMs = end.parts.clock.now();
    this.#end = end;
    this.#watch = new SilenceWatch(nowMs);
    this.#sentMs = nowMs;
  }

  /** Whether packets of ours went out of late. */
  isSending(nowMs: number): boolean {
    return nowMs - this.#sentMs <= RUNS_MS;
  }

  expect({ bounds, isOnHold }: Expectation, nowMs: number): void {
    this.#watch.expect(bounds, isOnHold, nowMs);
  }

  heard(nowMs: number, isNoise: boolean): void {
    this.#watch.heard(nowMs, isNoise);
  }

  sensed(nowMs: number): void {
    this.#watch.sensed(nowMs);
  }

  /** What is to be told, if anything; never of a port that mediasoup hears alone. */
  tick(nowMs: number, place: Place): EdgeThreadEvent | undefined {
    const { packets } = this.#end.outgoing;
    if (packets !== this.#packetsThen || place !== 'carrying') this.#sentMs = nowMs;
    this.#packetsThen = packets;
    if (place === 'away') return undefined;
    const { portId } = this.#end;
    // Its RTCP is heard here only when the port has come back whole.
    if (place === 'listening' && this.#watch.isHalfOver(nowMs)) return { kind: 'quiet', portId };
    const silence = this.#watch.due(nowMs);
    return silence && { kind: 'media-timeout', portId, ...silence };
  }

  /** A frame of silence, when it is time for one. */
  keepalive(nowMs: number): Buffer | undefined {
    if (nowMs - this.#sentMs < KEEPALIVE_MS) return undefined;
    return this.#end.silence(nowMs);
  }
}
