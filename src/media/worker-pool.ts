/** All media workers of this process. A new router goes to the one that has the fewest. */
import type { types } from 'mediasoup';
import type { Clock, Logger } from '../kernel/index.ts';
import { mediaErrors } from './media-errors.ts';
import { MediaWorker } from './media-worker.ts';
import type { WebRtcListen } from './webrtc-listen.ts';

export interface WorkerPoolOptions {
  readonly workerBin: string;
  readonly workers: number;
  readonly listen: WebRtcListen;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** A router with the server its WebRtcTransports listen on, and the worker both live in. */
export interface PlacedRouter {
  readonly router: types.Router;
  readonly server: types.WebRtcServer;
  readonly worker: MediaWorker;
}

export class WorkerPool {
  readonly #workers: readonly MediaWorker[];

  constructor(options: WorkerPoolOptions, onDied: (worker: MediaWorker) => void) {
    this.#workers = Array.from(
      { length: options.workers },
      (_, index) => new MediaWorker({ ...options, port: options.listen.port + index }, onDied),
    );
  }

  /** Starts every worker; when one cannot start, none is left behind. */
  async start(): Promise<void> {
    try {
      await Promise.all(this.#workers.map((worker) => worker.start()));
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  get pids(): readonly number[] {
    return this.#workers.flatMap((worker) => worker.pid ?? []);
  }

  get running(): number {
    return this.#workers.filter((worker) => worker.isRunning).length;
  }

  /** Whether a worker is up that is none of these. */
  hasOther(used: ReadonlySet<MediaWorker>): boolean {
    return this.#workers.some((worker) => worker.isRunning && !used.has(worker));
  }

  /** On the worker that has the fewest, `used` ones aside. */
  async createRouter(
    mediaCodecs: types.RouterRtpCodecCapability[],
    used: ReadonlySet<MediaWorker> = new Set(),
  ): Promise<PlacedRouter> {
    let best: MediaWorker | undefined;
    for (const worker of this.#workers) {
      if (!worker.isRunning || used.has(worker)) continue;
      if (best === undefined || worker.routers < best.routers) best = worker;
    }
    if (best === undefined) throw mediaErrors.MEDIA_NO_WORKER();
    return { ...(await best.createRouter(mediaCodecs)), worker: best };
  }

  /** Whether the workers tell of packets that no Producer was made for. */
  async tellStrays(isTold: boolean): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.tellStrays(isTold)));
  }

  async counts(): Promise<{ routers: number; webRtcTransports: number }> {
    const all = await Promise.all(this.#workers.map((worker) => worker.counts()));
    return {
      routers: all.reduce((sum, one) => sum + one.routers, 0),
      webRtcTransports: all.reduce((sum, one) => sum + one.webRtcTransports, 0),
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close()));
  }
}
