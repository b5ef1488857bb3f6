/** What browsers tell of their own media, added up for the metrics. */
import type { StatsReport } from '../signaling/index.ts';

export class ClientStats {
  #reports = 0;
  #packetsLost = 0;
  #freezes = 0;
  #relayed = 0;

  add({ received, candidateType }: StatsReport): void {
    this.#reports += 1;
    if (candidateType === 'relay') this.#relayed += 1;
    for (const stream of received) {
      this.#packetsLost += stream.packetsLost ?? 0;
      this.#freezes += stream.freezes ?? 0;
    }
  }

  get figures(): Readonly<Record<string, number>> {
    return {
      reports: this.#reports,
      packetsLost: this.#packetsLost,
      freezes: this.#freezes,
      relayed: this.#relayed,
    };
  }
}
