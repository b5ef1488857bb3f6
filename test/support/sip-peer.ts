/**
 * A raw SIP endpoint for tests: it sends the text it is given and hands over what arrives. It knows no transactions,
 * so a test decides itself whether to retransmit, to stay silent or to break the rules.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  connect as connectTls,
  createServer as createTlsServer,
  type TlsOptions,
} from 'node:tls';
import { WebSocket } from 'ws';

export type PeerTransport = 'udp' | 'tcp' | 'tls' | 'ws';

export interface PeerMessage {
  readonly raw: string;
  readonly startLine: string;
  /** '' for a response. */
  readonly method: string;
  /** '' for a response. */
  readonly uri: string;
  /** 0 for a request. */
  readonly status: number;
  readonly body: string;
  /** Of what it came in. */
  readonly via: PeerTransport;
  readonly fromPort: number;
  /** Milliseconds since the peer was opened. */
  readonly at: number;
  /** The first header of that name, '' when there is none. */
  header(name: string): string;
  headers(name: string): readonly string[];
}

export type Match = (message: PeerMessage) => boolean;

interface Waiter {
  readonly match: Match;
  readonly resolve: (message: PeerMessage) => void;
}

/** What carries the peer's messages. */
interface Carrier {
  readonly transport: PeerTransport;
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  send(data: Buffer, port: number | undefined): void;
  close(): Promise<void>;
}

export interface RequestParts {
  readonly uri?: string;
  readonly from?: string;
  readonly to?: string;
  readonly callId?: string;
  readonly cseq?: number;
  readonly branch?: string;
  /** false: no Contact. */
  readonly contact?: string | false;
  readonly headers?: readonly string[];
  readonly body?: string;
  readonly contentType?: string;
  readonly via?: string;
  readonly tag?: string;
}

export interface ReplyParts {
  /** Tag put into To when it has none; '' leaves it without. */
  readonly tag?: string;
  readonly contact?: string | false;
  readonly headers?: readonly string[];
  readonly body?: string;
}

/** A usable offer. */
export const offerSdp = (port = 40_000): string =>
  [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `m=audio ${port} RTP/AVP 0`,
    'a=sendrecv',
    '',
  ].join('\r\n');

let serial = 0;
/** A token no other in this process equals. */
export const unique = (prefix: string): string => `${prefix}${(serial += 1)}x${Math.random().toString(36).slice(2, 8)}`;

export const isRequest =
  (method: string): Match =>
  (message) =>
    message.method === method;

/** A response with that status, and to that method when given. */
export const isResponse =
  (status: number, method?: string): Match =>
  (message) =>
    message.status === status && (method === undefined || message.header('CSeq').endsWith(` ${method}`));

export class SipPeer {
  readonly transport: PeerTransport;
  readonly port: number;
  /** Everything that came, in order. */
  readonly received: PeerMessage[] = [];
  /** Everything that came and went, as text, for failures. */
  readonly log: string[] = [];
  readonly #carrier: Carrier;
  readonly #started = performance.now();
  #unclaimed: PeerMessage[] = [];
  #waiters: Waiter[] = [];

  constructor(open: (arrive: (text: string, fromPort: number) => void) => Carrier) {
    this.#carrier = open((text, fromPort) => this.#arrive(text, fromPort));
    this.transport = this.#carrier.transport;
    this.port = this.#carrier.port;
  }

  get address(): string {
    return `${this.#carrier.host ?? '127.0.0.1'}:${this.port}`;
  }

  get contact(): string {
    return this.transport === 'udp'
      ? `<sip:peer@${this.address}>`
      : `<sip:peer@${this.address};transport=${this.transport}>`;
  }

  /** Sends text as it is; '\n' becomes CRLF. */
  sendRaw(text: string, port?: number): void {
    const wired = text.replaceAll(/\r?\n/g, '\r\n');
    this.log.push(`--> ${wired}`);
    this.#carrier.send(Buffer.from(wired), port);
  }

  /** Composes and sends a request; the result is its text, for sending again. */
  request(method: string, parts: RequestParts = {}, port?: number): string {
    const text = this.compose(method, parts);
    this.sendRaw(text, port);
    return text;
  }

  compose(method: string, parts: RequestParts = {}): string {
    const body = parts.body ?? '';
    const contact = parts.contact ?? this.contact;
    const wire = this.transport.toUpperCase();
    const lines = [
      `${method} ${parts.uri ?? 'sip:svc@127.0.0.1'} SIP/2.0`,
      parts.via ?? `Via: SIP/2.0/${wire} ${this.address};branch=${parts.branch ?? unique('z9hG4bK')}`,
      'Max-Forwards: 70',
      `From: ${parts.from ?? `<sip:alice@127.0.0.1>;tag=${parts.tag ?? unique('ft')}`}`,
      `To: ${parts.to ?? '<sip:svc@127.0.0.1>'}`,
      `Call-ID: ${parts.callId ?? unique('call')}`,
      `CSeq: ${parts.cseq ?? 1} ${method}`,
      ...(contact === false ? [] : [`Contact: ${contact}`]),
      ...(parts.headers ?? []),
      ...(body === '' ? [] : [`Content-Type: ${parts.contentType ?? 'application/sdp'}`]),
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    return `${lines.join('\r\n')}\r\n\r\n${body}`;
  }

  /** Answers a request that was received. */
  reply(request: PeerMessage, status: number, parts: ReplyParts = {}): string {
    const body = parts.body ?? '';
    const tag = parts.tag ?? (status === 100 ? '' : 'peertag');
    const to = request.header('To');
    const contact = parts.contact ?? (status < 300 && status > 100 ? this.contact : false);
    const lines = [
      `SIP/2.0 ${status} Status ${status}`,
      ...request.headers('Via').map((via) => `Via: ${via}`),
      ...request.headers('Record-Route').map((route) => `Record-Route: ${route}`),
      `From: ${request.header('From')}`,
      `To: ${to}${tag === '' || to.includes('tag=') ? '' : `;tag=${tag}`}`,
      `Call-ID: ${request.header('Call-ID')}`,
      `CSeq: ${request.header('CSeq')}`,
      ...(contact === false ? [] : [`Contact: ${contact}`]),
      ...(parts.headers ?? []),
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    const text = `${lines.join('\r\n')}\r\n\r\n${body}`;
    this.sendRaw(text, request.fromPort);
    return text;
  }

  /** The first message not yet waited for that matches, now or within `ms`. */
  async wait(match: Match, ms = 3_000): Promise<PeerMessage> {
    const at = this.#unclaimed.findIndex(match);
    const [found] = at < 0 ? [] : this.#unclaimed.splice(at, 1);
    if (found !== undefined) return found;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        reject(
          new Error(
            `peer ${this.address} waited ${ms} ms in vain for ${String(match)}; its log:\n${this.log.join('\n')}`,
          ),
        );
      }, ms);
      const waiter: Waiter = {
        match,
        resolve: (message) => {
          clearTimeout(timer);
          resolve(message);
        },
      };
      this.#waiters.push(waiter);
    });
  }

  /** Resolves after `ms`, rejects when a matching message that nobody waited for is or becomes there. */
  async expectNone(match: Match, ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
    if (this.#unclaimed.some(match)) throw new Error(`unexpected message; log:\n${this.log.join('\n')}`);
  }

  count(match: Match): number {
    return this.received.filter(match).length;
  }

  /** How many requests of that method came. One that was sent again, for our answer came late, is not another one. */
  countNew(method: string): number {
    return new Set(this.received.filter(isRequest(method)).map((message) => message.header('Via'))).size;
  }

  async close(): Promise<void> {
    await this.#carrier.close();
  }

  #arrive(text: string, fromPort: number): void {
    this.log.push(`<-- ${text}`);
    if (text.trim() === '') return;
    const message = parsePeerMessage(text, { via: this.transport, fromPort, at: performance.now() - this.#started });
    this.received.push(message);
    const waiter = this.#waiters.find((candidate) => candidate.match(message));
    if (waiter === undefined) {
      this.#unclaimed.push(message);
      return;
    }
    this.#waiters = this.#waiters.filter((other) => other !== waiter);
    waiter.resolve(message);
  }
}

function parsePeerMessage(raw: string, arrival: { via: PeerTransport; fromPort: number; at: number }): PeerMessage {
  const split = raw.indexOf('\r\n\r\n');
  const [startLine = '', ...lines] = raw.slice(0, split).split('\r\n');
  const isStatus = startLine.startsWith('SIP/2.0 ');
  const headers = (name: string): readonly string[] =>
    lines
      .filter((line) => line.slice(0, line.indexOf(':')).trim().toLowerCase() === name.toLowerCase())
      .map((line) => line.slice(line.indexOf(':') + 1).trim());
  return {
    raw,
    startLine,
    method: isStatus ? '' : (startLine.split(' ')[0] ?? ''),
    uri: isStatus ? '' : (startLine.split(' ')[1] ?? ''),
    status: isStatus ? Number(startLine.split(' ')[1]) : 0,
    body: raw.slice(split + 4),
    ...arrival,
    header: (name) => headers(name)[0] ?? '',
    headers,
  };
}

/** A UDP peer on an ephemeral port; `to` is where it sends unless told otherwise. */
export async function openUdpPeer(to: { port: number }, host = '127.0.0.1'): Promise<SipPeer> {
  const socket = createSocket('udp4');
  socket.bind(0, host);
  await once(socket, 'listening');
  return new SipPeer((arrive) => {
    socket.on('message', (data, from) => arrive(data.toString(), from.port));
    return {
      transport: 'udp',
      port: socket.address().port,
      host,
      send: (data, port) => socket.send(data, port ?? to.port, '127.0.0.1'),
      close: async () => {
        const closed = once(socket, 'close');
        socket.close();
        await closed;
      },
    };
  });
}

/** Cuts a byte stream into SIP messages by Content-Length; keep-alives between them are passed on as they are. */
function cutStream(arrive: (text: string) => void): (chunk: Buffer) => void {
  let pending: Buffer = Buffer.alloc(0);
  return (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    for (;;) {
      const alive = /^(\r\n)+/.exec(pending.toString('latin1', 0, 8))?.[0];
      if (alive !== undefined) {
        arrive(alive);
        pending = pending.subarray(alive.length);
      }
      const head = pending.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = Number(/^content-length:\s*(\d+)/im.exec(pending.toString('latin1', 0, head))?.[1] ?? 0);
      if (pending.length < head + 4 + length) return;
      arrive(pending.toString('utf8', 0, head + 4 + length));
      pending = pending.subarray(head + 4 + length);
    }
  };
}

/** A TCP peer: one connection to `to`. */
export async function openTcpPeer(to: { port: number }): Promise<SipPeer> {
  const socket = createConnection(to.port, '127.0.0.1');
  await once(socket, 'connect');
  return streamPeer('tcp', socket, to.port);
}

/** A TLS peer: one connection to `to`, with the certificate and authorities of `options`. */
export async function openTlsPeer(to: { port: number }, options: ConnectionOptions): Promise<SipPeer> {
  const socket = connectTls({ port: to.port, host: '127.0.0.1', ...options });
  await once(socket, 'secureConnect');
  return streamPeer('tls', socket, to.port);
}

function streamPeer(transport: 'tcp' | 'tls', socket: Socket, remotePort: number): SipPeer {
  return new SipPeer((arrive) => {
    socket.on(
      'data',
      cutStream((text) => arrive(text, remotePort)),
    );
    socket.on('error', () => {});
    return {
      transport,
      port: socket.localPort ?? 0,
      send: (data) => socket.write(data),
      close: async () => {
        socket.destroy();
        if (!socket.closed) await once(socket, 'close');
      },
    };
  });
}

/** A TCP peer, or with `tls` a TLS peer, that waits for connections; it answers on the last one made. */
export async function openTcpListenerPeer(tls?: TlsOptions): Promise<SipPeer> {
  const server = tls === undefined ? createServer() : createTlsServer(tls);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets = new Set<Socket>();
  return new SipPeer((arrive) => {
    let last: Socket | undefined;
    server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
      last = socket;
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on(
        'data',
        cutStream((text) => arrive(text, socket.remotePort ?? 0)),
      );
    });
    return {
      transport: tls === undefined ? 'tcp' : 'tls',
      port: (server.address() as AddressInfo).port,
      send: (data) => last?.write(data),
      close: async () => {
        for (const socket of sockets) socket.destroy();
        const closed = once(server, 'close');
        server.close();
        await closed;
      },
    };
  });
}

/** A WebSocket peer (RFC 7118), which names itself by an unresolvable host as browsers do. */
export async function openWsPeer(
  to: { port: number },
  protocols: string[] = ['sip'],
  headers: Record<string, string> = {},
): Promise<SipPeer & { readonly socket: WebSocket }> {
  const socket = new WebSocket(`ws://127.0.0.1:${to.port}/`, protocols, { headers });
  await once(socket, 'open');
  const peer = new SipPeer((arrive) => {
    socket.on('message', (data: Buffer, isBinary) =>
      arrive(isBinary ? `BINARY ${data.toString()}` : data.toString(), to.port),
    );
    socket.on('error', () => {});
    return {
      transport: 'ws',
      port: to.port,
      send: (data) => socket.send(data.toString()),
      close: async () => {
        if (socket.readyState === WebSocket.CLOSED) return;
        socket.terminate();
        await once(socket, 'close');
      },
    };
  });
  return Object.assign(peer, { socket });
}
