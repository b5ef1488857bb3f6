/**
 * Asks recursive name servers, each question from a port of its own (RFC 5452 §9.2), over TCP when the answer does not
 * fit into a datagram. node:dns does the same, but keeps the times to live of NAPTR and SRV to itself.
 */
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import type { Clock, Random } from '../../kernel/index.ts';
import { encodeQuestion, type Question, type Reading, readAnswer } from './dns-message.ts';
import { locateErrors } from './errors.ts';
import type { DnsAnswer, DnsType } from './records.ts';

export interface NameServer {
  readonly address: string;
  readonly port: number;
}

export interface DnsClientOptions {
  readonly servers: readonly NameServer[];
  /** How long one server may take for one question. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** One way to carry a question to a server. */
interface Exchange {
  readonly server: NameServer;
  readonly question: Question;
  readonly settle: (reading: Reading) => void;
}

/** Each question goes out at most this often, to one server after the other. */
const MAX_TRIES = 4;
const MAX_ANSWER_BYTES = 65_535;
const REFUSED: Reading = { kind: 'refused' };

/** `1.2.3.4`, `1.2.3.4:5353`, `::1` or `[::1]:5353`, as node:dns writes them. */
export function parseNameServer(text: string): NameServer {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? [];
  return { address: bracketed ?? plain ?? text, port: Number(port ?? 53) };
}

export class DnsClient {
  readonly #options: DnsClientOptions;
  readonly #open = new Set<() => void>();
  /** Where the last good answer came from: asked first. */
  #preferred = 0;
  #isClosed = false;

  constructor(options: DnsClientOptions) {
    this.#options = options;
  }

  async query<Type extends DnsType>(name: string, type: Type): Promise<DnsAnswer<Type>> {
    const { servers, random } = this.#options;
    const tries = servers.length === 0 ? 0 : Math.max(2, Math.min(MAX_TRIES, servers.length));
    const first = this.#preferred;
    for (let attempt = 0; attempt < tries && !this.#isClosed; attempt++) {
      const index = (first + attempt) % servers.length;
      const server = servers[index];
      if (server === undefined) break;
      const question: Question = { id: random.uint32() & 0xffff, name, type };
      const reading = await this.#ask(server, question);
      if (reading.kind !== 'answer') continue;
      this.#preferred = index;
      return reading.answer as DnsAnswer<Type>;
    }
    throw locateErrors.LOCATE_DNS_FAILED([type, name]);
  }

  /** Questions under way fail. */
  close(): void {
    this.#isClosed = true;
    for (const end of this.#open) end();
  }

  async #ask(server: NameServer, question: Question): Promise<Reading> {
    const reading = await this.#exchange(server, question, openDatagram);
    return reading.kind === 'truncated' ? this.#exchange(server, question, openStream) : reading;
  }

  async #exchange(server: NameServer, question: Question, open: (exchange: Exchange) => () => void): Promise<Reading> {
    return new Promise((resolve) => {
      let close: (() => void) | undefined;
      let isSettled = false;
      const settle = (reading: Reading): void => {
        if (isSettled) return;
        isSettled = true;
        timer.cancel();
        this.#open.delete(end);
        close?.();
        resolve(reading);
      };
      const end = (): void => settle(REFUSED);
      const timer = this.#options.clock.after(this.#options.timeoutMs, end);
      this.#open.add(end);
      close = open({ server, question, settle });
    });
  }
}

function openDatagram({ server, question, settle }: Exchange): () => void {
  const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4');
  socket.on('error', () => settle(REFUSED));
  socket.on('message', (data) => {
    const reading = readAnswer(data, question);
    if (reading.kind !== 'foreign') settle(reading);
  });
  // Connected, so that nobody else's datagrams arrive and a closed port is reported.
  socket.connect(server.port, server.address, () => socket.send(encodeQuestion(question)));
  return () => socket.close();
}

/** Over TCP a message has its length before it (RFC 1035 §4.2.2). */
function openStream({ server, question, settle }: Exchange): () => void {
  const socket = connect(server.port, server.address);
  let received = Buffer.alloc(0);
  socket.on('error', () => settle(REFUSED));
  socket.on('close', () => settle(REFUSED));
  socket.on('connect', () => {
    const data = encodeQuestion(question);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(data.length);
    socket.write(Buffer.concat([length, data]));
  });
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    if (received.length < 2) return;
    const end = received.readUInt16BE(0) + 2;
    if (received.length < end && received.length <= MAX_ANSWER_BYTES) return;
    const reading = readAnswer(received.subarray(2, end), question);
    settle(reading.kind === 'answer' ? reading : REFUSED);
  });
  return () => socket.destroy();
}
