export type Dispose = () => void | Promise<void>;

/** A lifetime: whatever subscribes, waits or opens registers its undoing here. */
export class Scope {
  readonly #disposers = new Set<Dispose>();
  #closed = false;

  get isClosed(): boolean {
    return this.#closed;
  }

  /** How many things this Scope still owns. */
  get size(): number {
    return this.#disposers.size;
  }

  /** Registers `dispose`; the result takes it out again without calling it. On a closed Scope it is called at once. */
  add(dispose: Dispose): () => void {
    if (this.#closed) {
      void dispose();
      return () => {};
    }
    this.#disposers.add(dispose);
    return () => {
      this.#disposers.delete(dispose);
    };
  }

  /** Undoes everything, newest first. Idempotent. The first error is thrown after all have been tried. */
  async close(): Promise<void> {
    this.#closed = true;
    const disposers = [...this.#disposers].toReversed();
    this.#disposers.clear();
    const failures: unknown[] = [];
    for (const dispose of disposers) {
      try {
        await dispose();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
