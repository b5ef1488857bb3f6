/**
 * A UDP port that is shared with a PlainTransport beneath us. Which of the sockets bound to one address and port gets a
 * packet is for the kernel to decide: one that is connected to the packet's source comes first, one that is connected
 * to somebody else gets nothing, and among the rest the one bound last. So one system call hands the port over and one
 * takes it back; what has been queued by then is still read by who it was queued for, and nothing is lost.
 */
import type { Socket } from 'node:dgram';
import type { Clock, Timer } from '../../kernel/index.ts';
import { bindAbove, bindUdp, closeUdp, type OnPacket } from './udp.ts';

/** For a socket that has been replaced to read what it was sent before, ms. */
const DRAIN_MS = 200;
/** Nobody sends to us from the discard port of our own address. */
const NOBODY = 9;

export interface SharedSocketOptions {
  readonly address: string;
  readonly port: number;
  readonly onPacket: OnPacket;
  readonly clock: Clock;
}

export class SharedSocket {
  readonly #options: SharedSocketOptions;
  readonly #replaced = new Map<Socket, Timer>();
  #socket: Socket;
  #connection: 'none' | 'peer' | 'nobody' = 'none';

  private constructor(socket: Socket, options: SharedSocketOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  /** Rejects when somebody else has the port. */
  static async bind(options: SharedSocketOptions): Promise<SharedSocket> {
    return new SharedSocket(await bindUdp(options.address, options.port, options.onPacket), options);
  }

  send(packet: Buffer, port: number, address: string): void {
    if (this.#connection === 'none') this.#socket.send(packet, port, address);
    else if (this.#connection === 'peer') this.#socket.send(packet);
    else {
      // What comes in this moment comes to us, and is treated as ever.
      this.unpark();
      this.#socket.send(packet, port, address);
      this.park();
    }
  }

  /** While others are bound to the port, what `peer` sends comes to us all the same. */
  shield(peer: { readonly address: string; readonly port: number }): boolean {
    return this.#connect('peer', peer.port, peer.address);
  }

  /** Puts us above all who have been bound meanwhile, and ends `shield`. */
  async rise(): Promise<void> {
    const former = this.#socket;
    const { address, port, onPacket, clock } = this.#options;
    const above = await bindAbove(address, port, onPacket).catch((error: unknown) => {
      this.#disconnect();
      throw error;
    });
    this.park();
    this.#socket = above;
    this.#connection = 'none';
    const close = (): void => {
      this.#replaced.delete(former);
      void closeUdp(former);
    };
    this.#replaced.set(former, clock.after(DRAIN_MS, close));
  }

  /** From now on packets go to who is beneath us; false when the system does not let us. */
  park(): boolean {
    return this.#connect('nobody', NOBODY, nowhere(this.#options.address));
  }

  unpark(): void {
    this.#disconnect();
  }

  async close(): Promise<void> {
    const sockets = [this.#socket, ...this.#replaced.keys()];
    for (const timer of this.#replaced.values()) timer.cancel();
    this.#replaced.clear();
    await Promise.all(sockets.map(closeUdp));
  }

  /** The socket resolves addresses at once, so this is done when it returns. */
  #connect(to: 'peer' | 'nobody', port: number, address: string): boolean {
    this.#disconnect();
    try {
      this.#socket.connect(port, address);
      this.#socket.remoteAddress();
    } catch {
      return false;
    }
    this.#connection = to;
    return true;
  }

  #disconnect(): void {
    if (this.#connection === 'none') return;
    this.#socket.disconnect();
    this.#connection = 'none';
  }
}

/** An address that a socket bound to `address` can be connected to without reaching anybody. */
function nowhere(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1';
  if (address === '::') return '::1';
  return address;
}
