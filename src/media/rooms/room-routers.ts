/**
 * The routers of one room: on as many cores as it has participants for, joined by pipes. A pipe carries what somebody
 * on the other core subscribes to, once.
 */
import type { types } from 'mediasoup';
import type { ParticipantId } from '../../rooms/index.ts';
import type { PortRange } from '../inner-ports.ts';
import type { MediaWorker } from '../media-worker.ts';
import type { PlacedRouter, WorkerPool } from '../worker-pool.ts';
import { roomCodecs } from './room-codecs.ts';

export interface RoomRoutersOptions {
  readonly pool: WorkerPool;
  /** How many participants a router takes before another core is asked. */
  readonly participantsPerRouter: number;
  /** For the pipes. */
  readonly innerPorts: PortRange;
}

interface Place {
  readonly placed: PlacedRouter;
  readonly participants: Set<ParticipantId>;
}

export class RoomRouters {
  readonly #options: RoomRoutersOptions;
  readonly #places: Place[] = [];
  /** `id>router` → under way or there. */
  readonly #pipes = new Map<string, Promise<void>>();
  /** One participant is placed after another: two that come at once must not open two routers. */
  #queue: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: RoomRoutersOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#places.length;
  }

  get pipes(): number {
    return this.#pipes.size;
  }

  /** The router with which the room began: where who speaks is judged. */
  get home(): types.Router | undefined {
    return this.#places[0]?.placed.router;
  }

  /** The router of a participant, the same one for all its transports. Throws MEDIA_NO_WORKER. */
  place(participantId: ParticipantId): Promise<PlacedRouter> {
    const placing = this.#queue.then(() => this.#place(participantId));
    this.#queue = placing.catch(() => {});
    return placing;
  }

  /** The participant has no transport any more. */
  leave(participantId: ParticipantId): void {
    for (const { participants } of this.#places) participants.delete(participantId);
  }

  /** Makes what is published on `from` known on `to`. */
  pipe(id: string, kind: 'media' | 'data', from: types.Router, to: types.Router): Promise<void> {
    if (from === to) return Promise.resolve();
    const key = `${id}>${to.id}`;
    const known = this.#pipes.get(key);
    if (known !== undefined) return known;
    const piping = this.#pipe(id, kind, from, to);
    this.#pipes.set(key, piping);
    piping.catch(() => this.#pipes.delete(key));
    return piping;
  }

  /** What was published is gone, and with it its pipes. */
  forget(id: string): void {
    for (const key of this.#pipes.keys()) if (key.startsWith(`${id}>`)) this.#pipes.delete(key);
  }

  /** Takes out the router of a worker that has died; returns whom it had. */
  workerDied(worker: MediaWorker): readonly ParticipantId[] {
    const index = this.#places.findIndex(({ placed }) => placed.worker === worker);
    const [dead] = index < 0 ? [] : this.#places.splice(index, 1);
    if (dead === undefined) return [];
    for (const key of this.#pipes.keys()) if (key.endsWith(`>${dead.placed.router.id}`)) this.#pipes.delete(key);
    return [...dead.participants];
  }

  close(): void {
    this.#isClosed = true;
    for (const { placed } of this.#places) placed.router.close();
    this.#places.length = 0;
    this.#pipes.clear();
  }

  async #place(participantId: ParticipantId): Promise<PlacedRouter> {
    const before = this.#places.find(({ participants }) => participants.has(participantId));
    const place = before ?? (await this.#choose());
    place.participants.add(participantId);
    return place.placed;
  }

  async #choose(): Promise<Place> {
    const { pool, participantsPerRouter } = this.#options;
    const [emptiest] = this.#places.toSorted((a, b) => a.participants.size - b.participants.size);
    if (emptiest !== undefined && emptiest.participants.size < participantsPerRouter) return emptiest;
    const used = new Set(this.#places.map(({ placed }) => placed.worker));
    if (emptiest !== undefined && !pool.hasOther(used)) return emptiest;
    const place: Place = { placed: await pool.createRouter(roomCodecs, used), participants: new Set() };
    if (this.#isClosed) place.placed.router.close();
    else this.#places.push(place);
    return place;
  }

  async #pipe(id: string, kind: 'media' | 'data', from: types.Router, to: types.Router): Promise<void> {
    await from.pipeToRouter({
      ...(kind === 'media' ? { producerId: id } : { dataProducerId: id }),
      router: to,
      listenInfo: { protocol: 'udp', ip: '127.0.0.1', portRange: this.#options.innerPorts },
    });
  }
}
