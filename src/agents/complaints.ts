/** An agent that sends nothing but nonsense is told of in the log a few times, and not for ever. */
import type { Logger } from '../kernel/index.ts';

const MAX_COMPLAINTS = 3;

export class Complaints {
  readonly #logger: Logger;
  #count = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  about(error: unknown): void {
    if (++this.#count <= MAX_COMPLAINTS) this.#logger.warn({ err: error }, 'message of an agent not understood');
  }
}
