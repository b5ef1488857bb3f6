/**
 * Whether anybody listens at a UDP address. The system tells of a refusal (ICMP) only to a connected socket, and our
 * listeners are not: so one is connected for a moment, and sends what RFC 5626 §3.5.1 has for keeping a way open, which
 * no SIP element takes for a message.
 */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Clock, Timer } from '../../kernel/index.ts';
import { codeOf } from './errors.ts';

const KEEP_ALIVE = Buffer.from('\r\n\r\n');
/** A refusal comes within a round trip or not at all, in milliseconds. */
const PATIENCE = 2_000;
const MAX_OPEN = 64;

interface Probe {
  readonly socket: Socket;
  readonly timer: Timer;
  readonly waiting: (() => void)[];
}

export class RefusalProbes {
  readonly #clock: Clock;
  readonly #open = new Map<string, Probe>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `onRefused` when nobody listens there, as far as the way there tells; at most once. */
  probe(address: string, port: number, onRefused: () => void): void {
    const key = `${address} ${port}`;
    const known = this.#open.get(key);
    if (known !== undefined) known.waiting.push(onRefused);
    else if (this.#open.size < MAX_OPEN) this.#start(key, { address, port }, onRefused);
  }

  close(): void {
    for (const key of this.#open.keys()) this.#end(key);
  }

  #start(key: string, to: { readonly address: string; readonly port: number }, onRefused: () => void): void {
    const socket = createSocket(isIPv6(to.address) ? 'udp6' : 'udp4');
    const timer = this.#clock.after(PATIENCE, () => this.#end(key));
    this.#open.set(key, { socket, timer, waiting: [onRefused] });
    socket.on('error', (error) => {
      const waiting = this.#end(key);
      if (codeOf(error) === 'ECONNREFUSED') for (const tell of waiting) tell();
    });
    socket.connect(to.port, to.address, () => {
      if (this.#open.get(key)?.socket === socket) socket.send(KEEP_ALIVE, () => {});
    });
  }

  #end(key: string): readonly (() => void)[] {
    const probe = this.#open.get(key);
    if (probe === undefined) return [];
    this.#open.delete(key);
    probe.timer.cancel();
    probe.socket.close();
    return probe.waiting;
  }
}
