/** An attacker from other addresses who sends a coherent RTP stream, with RTCP, to every port of a range, and keeps what it gets. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { buildRtcp } from '../../src/rtp/index.ts';

/** In the payload of everything it sends, so that it shows wherever it comes out. */
export const SPRAYED = 0xee;
const ROUND_MS = 20;

export interface SprayerOptions {
  readonly ports: { readonly min: number; readonly max: number };
  /** Where it sends from. */
  readonly addresses: readonly string[];
  readonly payloadType?: number;
}

export class RtpSprayer {
  /** Packets that came back. */
  leaked = 0;
  sent = 0;
  readonly #options: SprayerOptions;
  readonly #sockets: readonly Socket[];
  #sequence = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  private constructor(options: SprayerOptions, sockets: readonly Socket[]) {
    this.#options = options;
    this.#sockets = sockets;
    for (const socket of sockets) {
      socket.on('message', () => {
        this.leaked++;
      });
      socket.on('error', () => {});
    }
  }

  static async open(options: SprayerOptions): Promise<RtpSprayer> {
    const sockets = options.addresses.map((address) => createSocket('udp4').bind(0, address));
    await Promise.all(sockets.map((socket) => once(socket, 'listening')));
    return new RtpSprayer(options, sockets);
  }

  /** A round over all ports every 20 ms, from all addresses in turns, one stream from each. */
  start(): void {
    this.#timer ??= setInterval(() => this.round(), ROUND_MS);
  }

  pause(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  round(): void {
    const { ports, payloadType = 0 } = this.#options;
    const packet = Buffer.alloc(172, SPRAYED);
    packet.writeUInt16BE(0x8000 | payloadType);
    packet.writeUInt16BE(this.#sequence & 0xffff, 2);
    packet.writeUInt32BE(this.#sequence * 160, 4);
    const goodbye = buildRtcp([{ kind: 'goodbye', ssrcs: [1, 2, 0x1000] }]);
    for (const [index, socket] of this.#sockets.entries()) {
      packet.writeUInt32BE(0xbad0_0000 + index, 8);
      for (let port = ports.min; port <= ports.max; port++) {
        socket.send(port % 2 === 0 ? packet : goodbye, port, '127.0.0.1');
        this.sent++;
      }
    }
    this.#sequence++;
  }

  async close(): Promise<void> {
    this.pause();
    await Promise.all(
      this.#sockets.map((socket) => {
        const closed = once(socket, 'close');
        socket.close();
        return closed;
      }),
    );
  }
}
