import type { types } from 'mediasoup';
import type { PortRange } from './inner-ports.ts';
import type { MediaWorker } from './media-worker.ts';
import type { RouterFormats } from './router-codecs.ts';
import type { PlacedRouter } from './worker-pool.ts';

/** One Leg's router, or that of two browser Legs with the same payload types (decision D10). Closes with its last user. */
export class SharedRouter {
  readonly formats: RouterFormats;
  /** Where its PlainTransports take their ports. */
  readonly innerPorts: PortRange;
  readonly #placed: PlacedRouter;
  #users = 1;

  constructor(placed: PlacedRouter, formats: RouterFormats, innerPorts: PortRange) {
    this.#placed = placed;
    this.formats = formats;
    this.innerPorts = innerPorts;
  }

  get router(): types.Router {
    return this.#placed.router;
  }

  get server(): types.WebRtcServer {
    return this.#placed.server;
  }

  get worker(): MediaWorker {
    return this.#placed.worker;
  }

  retain(): this {
    this.#users += 1;
    return this;
  }

  release(): void {
    this.#users -= 1;
    if (this.#users === 0) this.#placed.router.close();
  }
}
