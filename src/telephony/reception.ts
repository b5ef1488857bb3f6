/** Requests come from the moment the engine knows us: those before the parts that serve them stand wait for them. */
export class Reception<Parts> {
  #parts: Parts | undefined;
  #waiting: ((parts: Parts) => void)[] = [];

  /** Undefined until it is open. */
  get parts(): Parts | undefined {
    return this.#parts;
  }

  serve(request: (parts: Parts) => void): void {
    if (this.#parts === undefined) this.#waiting.push(request);
    else request(this.#parts);
  }

  open(parts: Parts): void {
    this.#parts = parts;
    for (const request of this.#waiting.splice(0)) request(parts);
  }
}
