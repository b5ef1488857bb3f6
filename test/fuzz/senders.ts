/** How mutated messages reach the engine: a datagram each, streams with odd chunks, WebSocket messages. */
import { isUtf8 } from 'node:buffer';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { Chance } from './chance.ts';
import { framed } from './mutate.ts';

export type FuzzTransport = 'udp' | 'tcp' | 'ws';

export interface Sender {
  send(data: Buffer, chance: Chance): Promise<void>;
  /** Resolves when the engine has read everything sent so far and answers a plain request; false when it does not. */
  isAlive(): Promise<boolean>;
  close(): void;
}

const ALIVE_WITHIN_MS = 10_000;
/** Linux's usual limit of a receive buffer, and what it books for a datagram beside its bytes. */
const UNDER_WAY_BYTES = 150_000;
const DATAGRAM_COST = 800;
let pings = 0;

function ping(transport: string): { readonly data: Buffer; readonly branch: string } {
  const branch = `z9hG4bKping${(pings += 1)}x`;
  const text = [
    'OPTIONS sip:alive@127.0.0.1 SIP/2.0',
    `Via: SIP/2.0/${transport.toUpperCase()} 127.0.0.1:5098;branch=${branch};rport`,
    'Max-Forwards: 70',
    'From: <sip:p@127.0.0.1>;tag=p',
    'To: <sip:alive@127.0.0.1>',
    `Call-ID: ${branch}`,
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
  return { data: Buffer.from(text), branch };
}

/** Waits for a text among what comes. */
class Ear {
  #wanted = '';
  #heard: ((isHeard: boolean) => void) | undefined;

  take(data: Buffer): void {
    if (this.#heard === undefined || !data.includes(this.#wanted)) return;
    this.#heard(true);
  }

  async hears(text: string): Promise<boolean> {
    this.#wanted = text;
    const isHeard = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), ALIVE_WITHIN_MS);
      this.#heard = (is) => {
        clearTimeout(timer);
        resolve(is);
      };
    });
    this.#heard = undefined;
    return isHeard;
  }
}

class UdpSender implements Sender {
  readonly #socket: UdpSocket = createSocket({ type: 'udp4', lookup: (host, _options, done) => done(null, host, 4) });
  readonly #port: number;
  readonly #ear = new Ear();
  #underWay = 0;

  constructor(port: number) {
    this.#port = port;
    this.#socket.on('message', (data) => this.#ear.take(data));
    this.#socket.on('error', () => {});
  }

  /** Never more under way than the system keeps for the engine: what is lost tests nothing. */
  async send(data: Buffer): Promise<void> {
    if (data.length === 0) return;
    this.#socket.send(data, this.#port, '127.0.0.1');
    this.#underWay += data.length + DATAGRAM_COST;
    if (this.#underWay > UNDER_WAY_BYTES) await this.isAlive();
  }

  /** Sent again, as any request over UDP: the system may have dropped it. */
  async isAlive(): Promise<boolean> {
    const { data, branch } = ping('udp');
    const again = setInterval(() => this.#socket.send(data, this.#port, '127.0.0.1'), 500);
    const answered = this.#ear.hears(branch);
    this.#socket.send(data, this.#port, '127.0.0.1');
    const isAlive = await answered;
    clearInterval(again);
    this.#underWay = 0;
    return isAlive;
  }

  close(): void {
    this.#socket.close();
  }
}

class TcpSender implements Sender {
  readonly #port: number;
  #socket: Socket | undefined;
  #messages = 0;

  constructor(port: number) {
    this.#port = port;
  }

  /** Most messages can be read on behind; one that cannot is the last of its connection. */
  async send(data: Buffer, chance: Chance): Promise<void> {
    const isLast = chance.oneIn(10) || (this.#messages += 1) > 100;
    const socket = await this.#open();
    const message = isLast ? data : framed(data);
    const cut = chance.oneIn(3) ? chance.below(message.length + 1) : 0;
    if (cut > 0) socket.write(message.subarray(0, cut));
    socket.write(message.subarray(cut));
    if (!isLast) return;
    // Some peers are cut off in the middle; others are heard to the end.
    if (chance.oneIn(4)) socket.resetAndDestroy();
    else this.#closeLater(socket);
    this.#socket = undefined;
  }

  async isAlive(): Promise<boolean> {
    const socket = connect(this.#port, '127.0.0.1');
    socket.on('error', () => {});
    const ear = new Ear();
    socket.on('data', (chunk: Buffer) => ear.take(chunk));
    const { data, branch } = ping('tcp');
    const answered = ear.hears(branch);
    socket.write(data);
    const isAlive = await answered;
    socket.resetAndDestroy();
    return isAlive;
  }

  close(): void {
    this.#socket?.resetAndDestroy();
  }

  async #open(): Promise<Socket> {
    if (this.#socket !== undefined && !this.#socket.destroyed && this.#socket.writable) return this.#socket;
    this.#messages = 0;
    const socket = connect(this.#port, '127.0.0.1');
    socket.on('error', () => {});
    socket.on('data', () => {});
    this.#socket = socket;
    await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
    return socket;
  }

  /** Without leaving a port in TIME_WAIT: there are not enough of them for a million messages. */
  #closeLater(socket: Socket): void {
    setTimeout(() => socket.resetAndDestroy(), 20);
  }
}

class WsSender implements Sender {
  readonly #port: number;
  #socket: WebSocket | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  /** Text that is no UTF-8 ends the connection (RFC 6455 §8.1): rarely, for what follows would be lost with it. */
  async send(data: Buffer, chance: Chance): Promise<void> {
    if (this.#socket?.readyState !== WebSocket.OPEN) this.#socket = await this.#open(new Ear());
    const asText = isUtf8(data) ? chance.oneIn(2) : chance.oneIn(500);
    this.#socket.send(data, { binary: !asText }, () => {});
    if (chance.oneIn(500)) this.#socket.terminate();
  }

  async isAlive(): Promise<boolean> {
    const ear = new Ear();
    const socket = await this.#open(ear);
    const { data, branch } = ping('ws');
    const answered = ear.hears(branch);
    socket.send(data);
    const isAlive = await answered;
    socket.terminate();
    return isAlive;
  }

  close(): void {
    this.#socket?.terminate();
  }

  async #open(ear: Ear): Promise<WebSocket> {
    const socket = new WebSocket(`ws://127.0.0.1:${this.#port}`, 'sip', { perMessageDeflate: false });
    socket.on('error', () => {});
    socket.on('message', (data: Buffer) => ear.take(data));
    await once(socket, 'open');
    return socket;
  }
}

export function openSender(transport: FuzzTransport, port: number): Sender {
  if (transport === 'udp') return new UdpSender(port);
  return transport === 'tcp' ? new TcpSender(port) : new WsSender(port);
}
