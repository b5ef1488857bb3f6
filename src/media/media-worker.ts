/** One mediasoup worker process with its WebRtcServer, restarted with backoff when it dies. */
import { createWorker, type types } from 'mediasoup';
import type { Clock, Logger, Timer } from '../kernel/index.ts';
import { CodedError } from '../kernel/index.ts';
import { mediaErrors } from './media-errors.ts';
import { deafLogSettings, strayLogSettings } from './stray-log.ts';
import { type WebRtcListen, webRtcListenInfos } from './webrtc-listen.ts';

const firstBackoffMs = 500;
const lastBackoffMs = 30_000;
/** A worker that lived this long is taken for healthy again. */
const stableMs = 60_000;

export interface MediaWorkerOptions {
  readonly workerBin: string;
  readonly listen: WebRtcListen;
  /** UDP and TCP port of this worker's WebRtcServer. */
  readonly port: number;
  readonly logger: Logger;
  readonly clock: Clock;
}

interface Running {
  readonly worker: types.Worker;
  readonly server: types.WebRtcServer;
  readonly startedAt: number;
}

export class MediaWorker {
  readonly #options: MediaWorkerOptions;
  readonly #onDied: (worker: MediaWorker) => void;
  #running: Running | undefined;
  #restart: Timer | undefined;
  #backoffMs = firstBackoffMs;
  #isClosed = false;
  /** How many routers live here: the measure of load. */
  #routers = 0;

  constructor(options: MediaWorkerOptions, onDied: (worker: MediaWorker) => void) {
    this.#options = options;
    this.#onDied = onDied;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Process id, for measurements of its CPU time; undefined while it is down. */
  get pid(): number | undefined {
    return this.#running?.worker.pid;
  }

  get routers(): number {
    return this.#routers;
  }

  async start(): Promise<void> {
    const { workerBin, listen, port, clock } = this.#options;
    const worker = await createWorker({ workerBin, ...strayLogSettings }).catch((cause: unknown) => {
      throw mediaErrors.MEDIA_WORKER_MISSING([workerBin], { cause });
    });
    let server: types.WebRtcServer;
    try {
      server = await worker.createWebRtcServer({ listenInfos: webRtcListenInfos(listen, port) });
    } catch (cause) {
      worker.close();
      throw mediaErrors.MEDIA_LISTEN_IN_USE([port, listen.addresses.map((entry) => entry.address).join(', ')], {
        cause,
      });
    }
    if (this.#isClosed) {
      worker.close();
      return;
    }
    const running: Running = { worker, server, startedAt: clock.now() };
    this.#running = running;
    worker.once('died', (error) => this.#died(running, error));
  }

  async createRouter(
    mediaCodecs: types.RouterRtpCodecCapability[],
  ): Promise<{ router: types.Router; server: types.WebRtcServer }> {
    const running = this.#running;
    if (running === undefined) throw mediaErrors.MEDIA_NO_WORKER();
    const router = await running.worker.createRouter({ mediaCodecs });
    this.#routers += 1;
    router.observer.once('close', () => {
      this.#routers -= 1;
    });
    return { router, server: running.server };
  }

  /** Whether the worker tells of packets that no Producer was made for. */
  async tellStrays(isTold: boolean): Promise<void> {
    try {
      await this.#running?.worker.updateSettings(isTold ? strayLogSettings : deafLogSettings);
    } catch (error) {
      this.#options.logger.debug({ error }, 'media worker went away while it was set up');
    }
  }

  /** Counts in the worker itself, not in our books: a leak shows here. */
  async counts(): Promise<{ routers: number; webRtcTransports: number }> {
    const running = this.#running;
    if (running === undefined) return { routers: 0, webRtcTransports: 0 };
    try {
      const [worker, server] = await Promise.all([running.worker.dump(), running.server.dump()]);
      return { routers: worker.routerIds.length, webRtcTransports: server.webRtcTransportIds.length };
    } catch (error) {
      this.#options.logger.debug({ error }, 'media worker went away while it was counted');
      return { routers: 0, webRtcTransports: 0 };
    }
  }

  /** Ends the process and resolves when it is gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#restart?.cancel();
    const running = this.#running;
    this.#running = undefined;
    if (running === undefined) return;
    // Ctrl-C reaches the worker as well, and mediasoup closes it by itself: it may be gone already.
    if (running.worker.subprocessClosed) return;
    const gone = new Promise<void>((resolve) => {
      running.worker.once('subprocessclose', resolve);
    });
    running.worker.close();
    await gone;
  }

  #died(running: Running, error: Error): void {
    if (this.#running !== running) return;
    this.#running = undefined;
    const { logger, clock, port } = this.#options;
    if (clock.now() - running.startedAt > stableMs) this.#backoffMs = firstBackoffMs;
    logger.error({ port, error, restartMs: this.#backoffMs }, 'media worker died');
    this.#onDied(this);
    this.#restartLater();
  }

  #restartLater(): void {
    if (this.#isClosed) return;
    const waitMs = this.#backoffMs;
    this.#backoffMs = Math.min(waitMs * 2, lastBackoffMs);
    this.#restart = this.#options.clock.after(waitMs, () => {
      void this.#tryAgain();
    });
  }

  async #tryAgain(): Promise<void> {
    const { logger, port } = this.#options;
    try {
      await this.start();
      logger.info({ port }, 'media worker restarted');
    } catch (error) {
      logger.error(
        { port, error, code: error instanceof CodedError ? error.code : undefined },
        'media worker did not restart',
      );
      this.#restartLater();
    }
  }
}
