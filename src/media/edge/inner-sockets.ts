/**
 * The sockets on loopback towards mediasoup. Every PlainTransport has a port of its own, so several may talk to one
 * socket of ours and be told apart by where they come from. It saves descriptors, not time: 100 calls cost the same
 * either way. Not too many share one, because its receive buffer must hold what comes during a stall of the thread.
 */
import type { RemoteInfo, Socket } from 'node:dgram';
import { bindUdp, closeUdp } from './udp.ts';

export const LOOPBACK = '127.0.0.1';
/** 16 calls at 50 packets per second fill a default receive buffer in a third of a second. */
const SHARED_BY = 16;

export type OnInnerPacket = (packet: Buffer) => void;

export interface InnerSocket {
  readonly socket: Socket;
  readonly port: number;
  readonly users: Map<number, OnInnerPacket>;
  readonly isAlone: boolean;
  /** Endpoints that hold this socket, connected or not. */
  holders: number;
}

export class InnerSockets {
  readonly #sockets = new Set<InnerSocket>();
  readonly #onStranger: () => void;
  #opening: Promise<InnerSocket> | undefined;

  constructor(onStranger: () => void) {
    this.#onStranger = onStranger;
  }

  /** A socket with room for one more, or a new one for one alone; to be given back by `release`. */
  async acquire(isAlone: boolean): Promise<InnerSocket> {
    if (isAlone) return this.#open(true);
    // Who comes while one is being opened shares it.
    while (this.#opening !== undefined) await this.#opening.catch(() => undefined);
    for (const inner of this.#sockets) {
      if (inner.isAlone || inner.holders >= SHARED_BY) continue;
      inner.holders++;
      return inner;
    }
    this.#opening = this.#open(false).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #open(isAlone: boolean): Promise<InnerSocket> {
    const users = new Map<number, OnInnerPacket>();
    const socket = await bindUdp(LOOPBACK, 0, (packet, source) => this.#onPacket(users, packet, source));
    const inner = { socket, port: socket.address().port, users, isAlone, holders: 1 };
    this.#sockets.add(inner);
    return inner;
  }

  async release(inner: InnerSocket): Promise<void> {
    inner.holders--;
    if (inner.holders > 0) return;
    this.#sockets.delete(inner);
    await closeUdp(inner.socket);
  }

  #onPacket(users: Map<number, OnInnerPacket>, packet: Buffer, source: RemoteInfo): void {
    const user = users.get(source.port);
    if (user && source.address === LOOPBACK) user(packet);
    else this.#onStranger();
  }
}
