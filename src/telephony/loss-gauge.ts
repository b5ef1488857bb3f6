/** From what a port has counted to the loss that a codec should be chosen by: neither a moment's, nor the whole call's. Pure. */
import type { PortReport } from '../calls/index.ts';

/** Fewer packets between two looks say nothing. */
const MIN_PACKETS = 50;
/** So many looks back a loss still counts: who goes back at the first calm moment goes back and forth. */
const MEMORY = 6;

export type CountedPackets = Pick<PortReport, 'packetsReceived' | 'packetsLost' | 'packetsSent' | 'remotePacketsLost'>;

export class LossGauge {
  #before: CountedPackets | undefined;
  readonly #samples: number[] = [];

  /** A look at the counters: the fraction lost, of the worse direction; undefined as long as it is not known. */
  take(now: CountedPackets): number | undefined {
    const sample = this.#before === undefined ? undefined : lossBetween(this.#before, now);
    this.#before = now;
    if (sample !== undefined) this.#samples.push(sample);
    if (this.#samples.length > MEMORY) this.#samples.shift();
    // Only what lasts for two looks counts.
    const lasting = this.#samples.slice(1).map((each, at) => Math.min(each, this.#samples[at] ?? each));
    return lasting.length === 0 ? undefined : Math.max(...lasting);
  }
}

function lossBetween(before: CountedPackets, now: CountedPackets): number | undefined {
  const lost = now.packetsLost - before.packetsLost;
  const toUs = fraction(lost, now.packetsReceived - before.packetsReceived + lost);
  const remoteLost = (now.remotePacketsLost ?? 0) - (before.remotePacketsLost ?? 0);
  const fromUs = fraction(remoteLost, now.packetsSent - before.packetsSent);
  if (toUs === undefined || fromUs === undefined) return toUs ?? fromUs;
  return Math.max(toUs, fromUs);
}

function fraction(lost: number, all: number): number | undefined {
  return all < MIN_PACKETS ? undefined : Math.min(1, Math.max(0, lost / all));
}
