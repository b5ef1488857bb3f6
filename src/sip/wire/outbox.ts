/**
 * The order and the moment in which one application gets its frames. Frames of one event-loop turn leave in one
 * write. drachtio-srf loses a response that arrives in the same TCP chunk as the echo of its request
 * (drachtio-protocol §9.3), so a frame may name the transaction whose echo must have been read first: it waits, and
 * everything behind it waits too, until that echo's write was flushed and the application has had time to read it.
 */

/** The socket and the event loop, as far as an Outbox needs them. */
export interface OutboxPort {
  /** Writes one buffer; `flushed` is called when the kernel has it. */
  write(data: Buffer, flushed: () => void): void;
  /** Calls `turn` in a later turn of the event loop. */
  defer(turn: () => void): void;
  /** Calls `settled` when an application that reads at all has read what was flushed before. */
  settle(settled: () => void): void;
}

export interface OutboxEntry {
  readonly frame: Buffer;
  /** The transaction of which this frame is the echo; '' when it is none. */
  readonly echoOf: string;
  /** The transaction whose echo must have settled before; '' when none, 'all' for every one. */
  readonly after: string;
}

export const AFTER_ALL = 'all';

export class Outbox {
  readonly #port: OutboxPort;
  #ready: Buffer[] = [];
  #readyEchoes: string[] = [];
  /** How many echoes of a transaction were queued or written but may not have reached the application yet. */
  readonly #unsettled = new Map<string, number>();
  #held: OutboxEntry[] = [];
  #heldBytes = 0;
  #scheduled = false;

  constructor(port: OutboxPort) {
    this.#port = port;
  }

  /** Bytes that wait here, not counting what the socket holds. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  push(entry: OutboxEntry): void {
    if (this.#held.length > 0 || this.#isBlocked(entry)) {
      this.#held.push(entry);
      this.#heldBytes += entry.frame.length;
      return;
    }
    this.#admit(entry);
  }

  /** Writes what is ready now, without waiting for the turn to end. */
  flush(): void {
    if (this.#ready.length === 0) return;
    const [first] = this.#ready;
    const data = this.#ready.length === 1 && first !== undefined ? first : Buffer.concat(this.#ready);
    const echoes = this.#readyEchoes;
    this.#ready = [];
    this.#readyEchoes = [];
    this.#port.write(data, () => {
      if (echoes.length > 0) this.#port.settle(() => this.#settle(echoes));
    });
  }

  #isBlocked(entry: OutboxEntry): boolean {
    if (entry.after === '') return false;
    return entry.after === AFTER_ALL ? this.#unsettled.size > 0 : this.#unsettled.has(entry.after);
  }

  #admit(entry: OutboxEntry): void {
    this.#ready.push(entry.frame);
    if (entry.echoOf !== '') {
      this.#unsettled.set(entry.echoOf, (this.#unsettled.get(entry.echoOf) ?? 0) + 1);
      this.#readyEchoes.push(entry.echoOf);
    }
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#port.defer(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  #settle(echoes: readonly string[]): void {
    for (const transactionId of echoes) {
      const left = (this.#unsettled.get(transactionId) ?? 1) - 1;
      if (left === 0) this.#unsettled.delete(transactionId);
      else this.#unsettled.set(transactionId, left);
    }
    let released = 0;
    for (const entry of this.#held) {
      if (this.#isBlocked(entry)) break;
      this.#heldBytes -= entry.frame.length;
      this.#admit(entry);
      released += 1;
    }
    if (released > 0) this.#held = this.#held.slice(released);
  }
}
