/** All rooms of this process, each kept in the Store for as long as somebody is in it. */
import type { Clock, Logger } from '../kernel/index.ts';
import {
  afterRestart,
  createRoom,
  type Room,
  type RoomId,
  type RoomLimits,
  type RoomMedia,
  roomIdOf,
} from '../rooms/index.ts';
import type { Json, Store } from '../store/index.ts';
import { RoomHost } from './room-host.ts';

export interface RoomBookOptions {
  readonly media: RoomMedia;
  readonly store: Store;
  readonly limits: RoomLimits;
  readonly resumeMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

const PREFIX = 'rooms/state/';

export class RoomBook {
  readonly #options: RoomBookOptions;
  readonly #hosts = new Map<RoomId, RoomHost>();
  /** Whose state has to be written once more. */
  readonly #changed = new Set<RoomId>();
  #isWriting = false;

  constructor(options: RoomBookOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#hosts.size;
  }

  get participants(): number {
    let count = 0;
    for (const { room } of this.#hosts.values()) count += room.participants.length;
    return count;
  }

  get rooms(): readonly Room[] {
    return [...this.#hosts.values()].map(({ room }) => room);
  }

  /** The rooms of the last run; their participants are expected back. */
  async load(): Promise<void> {
    const kept = await this.#options.store.list(PREFIX);
    for (const { value } of kept) {
      const room = afterRestart(value as unknown as Room);
      this.#add(room).expectAll(this.#options.resumeMs);
    }
    if (kept.length > 0) this.#options.logger.info({ rooms: kept.length }, 'rooms of the last run are open again');
  }

  find(roomId: RoomId): RoomHost | undefined {
    return this.#hosts.get(roomId);
  }

  open(tenant: string, name: string): RoomHost {
    const roomId = roomIdOf(tenant, name);
    return this.#hosts.get(roomId) ?? this.#add(createRoom(roomId, tenant, name));
  }

  /** A room that nobody has joined is nothing to keep. */
  endIfEmpty(host: RoomHost): void {
    const { roomId, participants } = host.room;
    if (participants.length === 0 && !host.hasListeners && this.#hosts.get(roomId) === host) this.#end(roomId);
  }

  close(): void {
    for (const host of this.#hosts.values()) host.close();
    this.#hosts.clear();
  }

  #add(room: Room): RoomHost {
    const { media, limits, clock, logger } = this.#options;
    const host = new RoomHost({
      room,
      media,
      limits,
      clock,
      logger: logger.child({ room: room.roomId }),
      onChange: ({ roomId }) => {
        this.endIfEmpty(host);
        this.#changed.add(roomId);
        void this.#write();
      },
    });
    this.#hosts.set(room.roomId, host);
    return host;
  }

  #end(roomId: RoomId): void {
    this.#hosts.get(roomId)?.close();
    this.#hosts.delete(roomId);
  }

  /** One write after another, each of the newest state: a room of many that all come at once is written a few times. */
  async #write(): Promise<void> {
    if (this.#isWriting) return;
    this.#isWriting = true;
    try {
      for (const roomId of this.#changed) {
        this.#changed.delete(roomId);
        await this.#keep(roomId);
      }
    } catch (error) {
      this.#options.logger.error({ err: error }, 'room state not kept');
    } finally {
      this.#isWriting = false;
    }
  }

  async #keep(roomId: RoomId): Promise<void> {
    const host = this.#hosts.get(roomId);
    if (host === undefined || host.room.participants.length === 0) await this.#options.store.delete(PREFIX + roomId);
    else await this.#options.store.put(PREFIX + roomId, host.room as unknown as Json);
  }
}
