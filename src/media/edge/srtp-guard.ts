/** SRTP of one port: what does not open is counted, and told of now and then. */
import type { PortId } from '../../kernel/index.ts';
import { Srtp, type SrtpKeyPair } from '../../rtp/index.ts';
import type { ThreadParts } from './end.ts';

/** Between two events about one port, ms: whoever sends rubbish must not fill the log. */
const EVENT_EVERY_MS = 10_000;

export interface SrtpGuardOptions {
  readonly portId: PortId;
  readonly parts: Pick<ThreadParts, 'clock' | 'totals' | 'emit'>;
}

export class SrtpGuard {
  readonly #options: SrtpGuardOptions;
  readonly #srtp: Srtp;
  #failed = 0;
  #toldMs = Number.NEGATIVE_INFINITY;

  private constructor(keys: SrtpKeyPair, options: SrtpGuardOptions) {
    this.#options = options;
    this.#srtp = new Srtp(keys);
  }

  /** What a port has after a negotiation: nothing, the same under new keys, or a new one. */
  static next(
    current: SrtpGuard | undefined,
    keys: SrtpKeyPair | undefined,
    options: SrtpGuardOptions,
  ): SrtpGuard | undefined {
    if (!keys) return undefined;
    if (!current) return new SrtpGuard(keys, options);
    current.#srtp.rekey(keys, options.parts.clock.now());
    return current;
  }

  openRtp(packet: Buffer, nowMs: number): Buffer | undefined {
    return this.#srtp.openRtp(packet, nowMs) ?? this.#fail(nowMs);
  }

  openRtcp(packet: Buffer, nowMs: number): Buffer | undefined {
    const opened = this.#srtp.openRtcp(packet, nowMs);
    // Counted, and no more: phones protect their sound and forget a report now and then (baresip's goodbye is plain).
    if (opened === undefined) this.#options.parts.totals.srtpPacketsFailed++;
    return opened;
  }

  sealRtp(packet: Buffer): Buffer | undefined {
    return this.#srtp.sealRtp(packet);
  }

  sealRtcp(packet: Buffer): Buffer | undefined {
    return this.#srtp.sealRtcp(packet);
  }

  #fail(nowMs: number): undefined {
    const { portId, parts } = this.#options;
    parts.totals.srtpPacketsFailed++;
    this.#failed++;
    if (nowMs - this.#toldMs < EVENT_EVERY_MS) return;
    parts.emit({ kind: 'srtp-failed', portId, packets: this.#failed });
    this.#toldMs = nowMs;
    this.#failed = 0;
  }
}
