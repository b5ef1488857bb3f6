/**
 * How long a datagram waits in the system's queue before we read it: the one queue that no event loop shows. A tiny
 * datagram of our own is sent to our own listener and waits its turn behind everybody else's.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import type { Clock, Timer } from '../../kernel/index.ts';

const EVERY_MS = 100;
/** Longer than a keep-alive, shorter than any message. */
const BYTES = 8;

export class QueueProbe {
  readonly #clock: Clock;
  readonly #socket: Socket;
  readonly #port: number;
  readonly #target: { readonly address: string; readonly port: number };
  #timer: Timer | undefined;
  /** When the probe under way was sent; undefined when none is. */
  #sentAt: number | undefined;
  #serial = 0;
  #delayMs = 0;
  /** One has come through: from then on silence means something. */
  #isProven = false;

  private constructor(clock: Clock, socket: Socket, target: { readonly address: string; readonly port: number }) {
    this.#clock = clock;
    this.#socket = socket;
    this.#port = socket.address().port;
    this.#target = target;
  }

  static async open(clock: Clock, address: string, port: number): Promise<QueueProbe> {
    const family = isIPv6(address) ? 6 : 4;
    const to = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address;
    const socket = createSocket({
      type: `udp${family}`,
      lookup: (host, _options, callback) => callback(null, host, family),
    });
    const listening = once(socket, 'listening');
    socket.bind({ address: to, port: 0, exclusive: true });
    await listening;
    socket.on('error', () => {});
    socket.unref();
    const probe = new QueueProbe(clock, socket, { address: to, port });
    probe.#send();
    return probe;
  }

  /** The delay of the last probe, or of the one under way where that is longer already, in milliseconds. */
  get delayMs(): number {
    const under = this.#isProven && this.#sentAt !== undefined ? this.#clock.now() - this.#sentAt : 0;
    return Math.max(this.#delayMs, under);
  }

  /** Takes what the listener got, when it is a probe: nobody else sends from our port of our address. */
  took(data: Buffer, address: string, port: number): boolean {
    if (port !== this.#port || data.length !== BYTES || address !== this.#target.address) return false;
    if (this.#sentAt !== undefined && data.readUInt32BE(4) === this.#serial) {
      this.#delayMs = this.#clock.now() - this.#sentAt;
      this.#sentAt = undefined;
      this.#isProven = true;
    }
    return true;
  }

  close(): void {
    this.#timer?.cancel();
    this.#socket.close();
  }

  /** One at a time; one that was lost for the queue being full is given up when it is a second late. */
  #send(): void {
    const now = this.#clock.now();
    if (this.#sentAt === undefined || now - this.#sentAt > 1000) {
      this.#serial = (this.#serial + 1) >>> 0;
      const data = Buffer.alloc(BYTES);
      data.writeUInt32BE(this.#serial, 4);
      if (this.#sentAt !== undefined) this.#delayMs = now - this.#sentAt;
      this.#sentAt = now;
      this.#socket.send(data, this.#target.port, this.#target.address, () => {});
    }
    this.#timer = this.#clock.after(EVERY_MS, () => this.#send());
  }
}
