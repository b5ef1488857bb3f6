/** A network without sockets, and peers on it that speak raw SIP, for engine tests on a virtual clock. */

import type {
  EngineInput,
  EngineNet,
  Flow,
  ListenerAddress,
  SendFailure,
  SendTarget,
  SipTransport,
} from '../../src/sip/engine/index.ts';
import {
  header,
  parseMessage,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  tagOf,
  withReceived,
} from '../../src/sip/message/index.ts';

export interface SentMessage {
  readonly target: SendTarget;
  readonly data: Buffer;
  readonly message: SipMessage;
  readonly fail: (why: SendFailure) => void;
}

const HOST = '127.0.0.1';
const DEFAULT_LISTENERS: readonly ListenerAddress[] = (['udp', 'tcp', 'ws', 'wss'] as const).map((transport, id) => {
  const port = { udp: 5060, tcp: 5060, ws: 5080, wss: 5443 }[transport];
  return { id, transport, address: HOST, port, advertisedAddress: HOST, advertisedPort: port };
});

/** Keeps what the engine sends. Names resolve by the table it is given. */
export class SipNetDouble implements EngineNet {
  readonly listeners: readonly ListenerAddress[];
  readonly sent: SentMessage[] = [];
  /** Addresses of the flows that registered. */
  readonly vouched: string[] = [];
  readonly names = new Map<string, readonly string[]>();
  readonly #mailboxes = new Map<string, SentMessage[]>();
  engine: EngineInput | undefined;
  #connections = 0;

  constructor(listeners: readonly ListenerAddress[] = DEFAULT_LISTENERS) {
    this.listeners = listeners;
  }

  send(target: SendTarget, data: Buffer, onFailed: (why: SendFailure) => void): void {
    const parsed = parseMessage(data);
    if (parsed.kind !== 'message') throw new Error(`the engine sent no valid message: ${data.toString()}`);
    const sent = { target, data, message: parsed.message, fail: onFailed };
    this.sent.push(sent);
    const key = `${target.transport} ${target.address}:${target.port}`;
    const box = this.#mailboxes.get(key) ?? [];
    this.#mailboxes.set(key, box);
    box.push(sent);
  }

  /** Addresses that refuse. */
  readonly refusing = new Set<string>();

  probe(address: string, port: number, onRefused: () => void): void {
    if (this.refusing.has(`${address}:${port}`)) onRefused();
  }

  resolve(host: string): Promise<readonly string[]> {
    const addresses = this.names.get(host);
    return addresses === undefined ? Promise.reject(new Error(`unknown host ${host}`)) : Promise.resolve(addresses);
  }

  vouch(flow: Flow): void {
    this.vouched.push(flow.remoteAddress);
  }

  /** A peer at an address; over TCP and WebSocket with a connection of its own. */
  peer(transport: SipTransport, port: number, address = HOST): PeerDouble {
    const listener = this.listeners.find((one) => one.transport === transport);
    if (listener === undefined) throw new Error(`no listener for ${transport}`);
    const flow: Flow = {
      transport,
      listenerId: listener.id,
      localAddress: listener.address,
      localPort: listener.port,
      remoteAddress: address,
      remotePort: port,
      connectionId: transport === 'udp' ? undefined : ++this.#connections,
    };
    const key = `${transport} ${address}:${port}`;
    const box = this.#mailboxes.get(key) ?? [];
    this.#mailboxes.set(key, box);
    return new PeerDouble(this, flow, box);
  }
}

/** One remote SIP element. What it was sent waits in order until it is taken. */
export class PeerDouble {
  readonly flow: Flow;
  readonly #net: SipNetDouble;
  readonly #box: SentMessage[];
  #branches = 0;

  constructor(net: SipNetDouble, flow: Flow, box: SentMessage[]) {
    this.#net = net;
    this.flow = flow;
    this.#box = box;
  }

  get hostPort(): string {
    return `${this.flow.remoteAddress}:${this.flow.remotePort}`;
  }

  /** Sends text; line breaks become CRLF, the body follows the first empty line. */
  sendText(text: string): void {
    const data = Buffer.from(text.replaceAll(/\r?\n/g, '\r\n'));
    const parsed = parseMessage(data);
    if (parsed.kind === 'dropped') throw new Error(`dropped: ${parsed.reason}`);
    if (parsed.kind === 'refused') {
      const { status, reason, request } = parsed;
      this.#net.engine?.refused({ flow: this.flow, status, reason, request });
      return;
    }
    const { message } = parsed;
    const { remoteAddress, remotePort } = this.flow;
    const marked = message.kind === 'request' ? withReceived(message, remoteAddress, remotePort) : message;
    this.#net.engine?.received({ flow: this.flow, message: marked, data });
  }

  /** A request with the headers every request has; `lines` are added. Returns its text, to be sent again. */
  request(method: string, of: RequestOptions = {}): string {
    const via = this.flow.transport.toUpperCase();
    const branch = of.branch ?? `z9hG4bK${this.flow.remotePort}x${++this.#branches}`;
    const body = of.body ?? '';
    const text = [
      `${method} ${of.uri ?? 'sip:service@127.0.0.1:5060'} SIP/2.0`,
      `Via: SIP/2.0/${via} ${of.sentBy ?? this.hostPort};branch=${branch};rport`,
      'Max-Forwards: 70',
      `From: ${of.from ?? '<sip:alice@example.com>;tag=alice1'}`,
      `To: ${of.to ?? '<sip:service@example.com>'}`,
      `Call-ID: ${of.callId ?? 'call-1'}`,
      `CSeq: ${of.cseq ?? 1} ${of.cseqMethod ?? method}`,
      ...(of.lines ?? []),
      ...(of.contact === '' ? [] : [`Contact: ${of.contact ?? `<sip:alice@${this.hostPort}>`}`]),
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\n');
    this.sendText(text);
    return text;
  }

  /** A response to a request the engine sent here. */
  respond(request: SipRequest, status: number, of: ResponseOptions = {}): string {
    const body = of.body ?? '';
    const mirrored = request.headers.filter((line) =>
      ['Via', 'From', 'Call-ID', 'CSeq', 'Record-Route'].includes(line.name),
    );
    const to = header(request, 'To') ?? '';
    const tag = of.toTag ?? 'bob1';
    const text = [
      `SIP/2.0 ${status} ${of.reason ?? 'Reason'}`,
      ...mirrored.map((line) => `${line.name}: ${line.value}`),
      `To: ${tagOf(request, 'To') === undefined && tag !== '' ? `${to};tag=${tag}` : to}`,
      ...(of.contact === '' ? [] : [`Contact: ${of.contact ?? `<sip:bob@${this.hostPort}>`}`]),
      ...(of.lines ?? []),
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\n');
    this.sendText(text);
    return text;
  }

  /** The next message that was sent here; throws when there is none. */
  next(): SentMessage {
    const sent = this.#box.shift();
    if (sent === undefined) throw new Error(`nothing was sent to ${this.hostPort}`);
    return sent;
  }

  nextRequest(method: string): SipRequest {
    const { message } = this.next();
    if (message.kind !== 'request' || message.method !== method)
      throw new Error(`wanted ${method}, got ${describe(message)}`);
    return message;
  }

  nextResponse(status: number): SipResponse {
    const { message } = this.next();
    if (message.kind !== 'response' || message.status !== status)
      throw new Error(`wanted ${status}, got ${describe(message)}`);
    return message;
  }

  /** What waits, in short: 'INVITE', '200 INVITE'. Takes it all. */
  drain(): string[] {
    return this.#box.splice(0).map(({ message }) => describe(message));
  }

  get waiting(): number {
    return this.#box.length;
  }
}

export interface RequestOptions {
  readonly uri?: string;
  readonly branch?: string;
  readonly sentBy?: string;
  readonly from?: string;
  readonly to?: string;
  readonly callId?: string;
  readonly cseq?: number;
  readonly cseqMethod?: string;
  /** '' for none. */
  readonly contact?: string;
  readonly lines?: readonly string[];
  readonly body?: string;
}

export interface ResponseOptions {
  readonly reason?: string;
  /** '' for none. */
  readonly toTag?: string;
  readonly contact?: string;
  readonly lines?: readonly string[];
  readonly body?: string;
}

function describe(message: SipMessage): string {
  if (message.kind === 'request') return message.method;
  return `${message.status} ${header(message, 'CSeq')?.split(' ')[1] ?? ''}`;
}
