/** A UDP relay between two ports of loopback that loses, delays, doubles and so reorders what one of them sends, by a seed. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { seededRandom } from './seeded-random.ts';

export interface Impairment {
  readonly seed: number;
  /** Fractions of the packets. */
  readonly loss?: number;
  readonly duplication?: number;
  /** Every packet is late by something between 0 and this, on its own: later ones overtake it. */
  readonly jitterMs?: number;
}

export class ImpairmentRelay {
  readonly port: number;
  /** Whose packets are impaired, and who gets them: 0, whoever else has sent last. What comes back passes untouched. */
  from = 0;
  to = 0;
  /** May be changed on the way. */
  impairment: Impairment;
  lost = 0;
  /** What was let through, in the order sent. */
  readonly passed: Buffer[] = [];
  readonly #socket: Socket;
  readonly #random: ReturnType<typeof seededRandom>;
  #back = { address: '127.0.0.1', port: 0 };
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();

  private constructor(socket: Socket, impairment: Impairment) {
    this.#socket = socket;
    this.impairment = impairment;
    this.#random = seededRandom(impairment.seed);
    this.port = socket.address().port;
    socket.on('message', (packet, source) => {
      if (source.port === this.from) this.#impair(packet);
      else if (this.to === 0 || source.port === this.to) {
        this.#back = source;
        socket.send(packet, this.from, '127.0.0.1');
      }
    });
  }

  static async open(impairment: Impairment): Promise<ImpairmentRelay> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new ImpairmentRelay(socket, impairment);
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    const closed = once(this.#socket, 'close');
    this.#socket.close();
    await closed;
  }

  #impair(packet: Buffer): void {
    const { loss = 0, duplication = 0, jitterMs = 0 } = this.impairment;
    if (this.#chance() < loss) {
      this.lost++;
      return;
    }
    this.passed.push(packet);
    this.#send(packet, this.#chance() * jitterMs);
    if (this.#chance() < duplication) this.#send(packet, this.#chance() * jitterMs);
  }

  #send(packet: Buffer, delayMs: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      const { address, port } = this.to === 0 ? this.#back : { address: '127.0.0.1', port: this.to };
      if (port !== 0) this.#socket.send(packet, port, address);
    }, delayMs);
    this.#timers.add(timer);
  }

  #chance(): number {
    return this.#random.uint32() / 2 ** 32;
  }
}
