/** Whether the stream that a port receives has been the same for so long that it may be left to itself. Pure. */

/** What a port looks like at one of its regular looks. */
export interface FlowLook {
  readonly source: string;
  readonly ssrc: number;
  /** How many streams the port has received so far. */
  readonly streams: number;
  readonly packets: number;
  /** Neither on hold nor busy with a digit. */
  readonly isPlain: boolean;
}

export class FlowProof {
  readonly #stableMs: number;
  #last: FlowLook | undefined;
  #sinceMs = 0;

  constructor(stableMs: number) {
    this.#stableMs = stableMs;
  }

  /** True once for every `stableMs` without any change and with packets between all looks. */
  take(look: FlowLook, nowMs: number): boolean {
    const last = this.#last;
    this.#last = look;
    const isSame =
      last !== undefined &&
      look.isPlain &&
      last.isPlain &&
      look.source === last.source &&
      look.ssrc === last.ssrc &&
      look.streams === last.streams &&
      look.packets > last.packets;
    if (!isSame) {
      this.#sinceMs = nowMs;
      return false;
    }
    if (nowMs - this.#sinceMs < this.#stableMs) return false;
    this.#sinceMs = nowMs;
    return true;
  }

  /** The proof begins anew. */
  reset(): void {
    this.#last = undefined;
  }
}
