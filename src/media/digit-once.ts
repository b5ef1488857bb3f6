/**
 * A key that is pressed while a port changes hands may be seen by both, the edge and mediasoup: it is told once. A key held
 * for some time cannot have ended sooner than that after the same key's end. Pure.
 */
import type { PortId } from '../kernel/index.ts';
import type { DigitPress } from '../rtp/index.ts';

interface Told extends DigitPress {
  readonly atMs: number;
}

export class DigitOnce {
  readonly #last = new Map<PortId, Told>();

  /** Whether this is not the press told last. */
  isNew(portId: PortId, { digit, durationMs }: DigitPress, nowMs: number): boolean {
    const last = this.#last.get(portId);
    if (last?.digit === digit && last.durationMs === durationMs && nowMs - last.atMs < durationMs) return false;
    this.#last.set(portId, { digit, durationMs, atMs: nowMs });
    return true;
  }

  forget(portId: PortId): void {
    this.#last.delete(portId);
  }
}
