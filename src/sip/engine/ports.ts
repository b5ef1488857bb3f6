/**
 * What the engine and the world say to each other. The engine has no sockets, no threads and no clock of its own:
 * `sip/net` carries bytes, `sip/wire` carries the applications' commands, `sip/server` puts the three together.
 */
import type { SipMessage } from '../message/index.ts';

export type SipTransport = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';

/** A local address that accepts SIP. */
export interface ListenerAddress {
  readonly id: number;
  readonly transport: SipTransport;
  readonly address: string;
  readonly port: number;
  /** What peers are told in Via and Contact: the external address where there is one, else the same. */
  readonly advertisedAddress: string;
  readonly advertisedPort: number;
}

/** Where a message came from, and the way back to it. */
export interface Flow {
  readonly transport: SipTransport;
  readonly listenerId: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Of a TCP, TLS, WS or WSS connection; undefined on UDP. */
  readonly connectionId: number | undefined;
  /** Of a TLS connection that we opened: whom its certificate has proven to be there. */
  readonly serverName?: string;
  /** Of a TLS connection whose peer has shown a certificate we believe: the names in it, in lower case. */
  readonly peerNames?: readonly string[];
}

/** Where a message is to go. With a `connectionId` only that connection will do (WS has no other way). */
export interface SendTarget {
  readonly transport: SipTransport;
  readonly listenerId: number;
  readonly address: string;
  readonly port: number;
  readonly connectionId: number | undefined;
  /** Whom the certificate must name when a TLS connection is opened; undefined: the address. */
  readonly serverName?: string;
  /** Nothing but this transport will do: the URI names it, or it is the way back. */
  readonly isTransportFixed?: boolean;
}

/** The network as the engine uses it. */
export interface EngineNet {
  readonly listeners: readonly ListenerAddress[];
  /**
   * Sends `data` whole. TCP or TLS without a connectionId reuses a connection to the same address and port or opens one.
   * `onFailed` is called (in a later tick, at most once) when it cannot be delivered: 'closed' the connection is
   * gone, 'refused' nobody listens (ICMP, RST), 'unreachable' anything else.
   */
  send(target: SendTarget, data: Buffer, onFailed: (why: SendFailure) => void): void;
  /** Calls `onRefused` when a UDP address turns out to refuse what is sent there (ICMP). */
  probe(address: string, port: number, onRefused: () => void): void;
  /** Host name → addresses (numbers are returned as they are). Rejects when there are none. */
  resolve(host: string): Promise<readonly string[]>;
  /** The application has accepted a registration that came over this flow: its source is no stranger any more. */
  vouch(flow: Flow): void;
}
export type SendFailure = 'closed' | 'refused' | 'unreachable';

/** A message as it arrived. */
export interface Received {
  readonly flow: Flow;
  readonly message: SipMessage;
  /** As it came. */
  readonly data: Buffer;
  /** It comes from a trunk, or from where somebody has registered. */
  readonly isFromKnown?: boolean;
}

/** A request that cannot be parsed far enough to serve but far enough to refuse (RFC 3261 §8.2, RFC 4475 §3.1.2). */
export interface Refused {
  readonly flow: Flow;
  readonly status: number;
  readonly reason: string;
  /** When it may be tried again; for a request that is good but comes at a bad time. */
  readonly retryAfterSec?: number;
  /** The headers a response must mirror, as far as they could be read. */
  readonly request: SipMessage;
}

// ---- the application's side -------------------------------------------------------------------------------------

/** One connected application. */
export type AppId = number;

/** What an authenticated application asks for; `id` is the uuid it chose. drachtio-protocol §2. */
export type AppCommand =
  | { readonly kind: 'route'; readonly id: string; readonly verb: string }
  | { readonly kind: 'remove-route'; readonly id: string; readonly verb: string }
  | {
      readonly kind: 'sip';
      readonly id: string;
      readonly transactionId: string;
      readonly dialogId: string;
      readonly routeUri: string;
      /** The start line as sent: 'SIP/2.0 200 OK' or 'INVITE sip:… SIP/2.0'. */
      readonly startLine: string;
      /** Header lines as sent, unparsed. */
      readonly headerLines: readonly string[];
      readonly body: Buffer;
    }
  | {
      readonly kind: 'proxy';
      readonly id: string;
      readonly transactionId: string;
      readonly fields: readonly string[];
      readonly headerLines: readonly string[];
    };

export type WireProto = SipTransport | '' | 'unknown';

/** What the application is told. `sip/wire` turns it into frames. */
export type AppMessage =
  /** Positions after `response|<id>|` as of drachtio-protocol §3: 'OK' or 'NOK'/'NO', then the rest, then the message as sent. */
  | {
      readonly kind: 'response';
      readonly id: string;
      readonly fields: readonly string[];
      readonly message: Buffer | undefined;
    }
  | {
      readonly kind: 'sip';
      readonly source: 'network' | 'application';
      readonly bytes: number;
      readonly proto: WireProto;
      readonly address: string;
      readonly port: number;
      readonly transactionId: string;
      readonly dialogId: string;
      /** Only on a new out-of-dialog request. */
      readonly receivedOn: { readonly address: string; readonly port: number } | undefined;
      readonly message: Buffer;
    }
  /** A report of a call: drachtio-protocol §9.8. `fields` are those around the time: source, then role or reason. */
  | {
      readonly kind: 'cdr';
      readonly event: 'cdr:attempt' | 'cdr:start' | 'cdr:stop';
      readonly fields: readonly string[];
      readonly message: Buffer;
    }
  /** A protocol-level refusal: answer `NO|text`, then close. */
  | { readonly kind: 'refuse'; readonly id: string; readonly text: string };

/** The applications as the engine reaches them. */
export interface EngineApps {
  /**
   * Queues a message to an application, in order. `afterEcho`: it concerns a transaction whose echo has just been
   * sent; hold it (and what follows for this application) until the echo is flushed and two event-loop turns have
   * passed, or drachtio-srf loses it (drachtio-protocol §9.3).
   */
  send(app: AppId, message: AppMessage, afterEcho: boolean): void;
}

/** What is known of a request when it is asked who shall have it; the names are drachtio's. */
export interface HandlerQuery {
  readonly fields: Readonly<Record<string, string>>;
  /** As it came. */
  readonly message: Buffer;
}

export type HandlerDecision =
  /** An application that has connected for this request. */
  | { readonly kind: 'app'; readonly app: AppId }
  /** One of those that authenticated with this tag and route the method. */
  | { readonly kind: 'tag'; readonly tag: string }
  | { readonly kind: 'reject'; readonly status: number; readonly reason: string }
  | { readonly kind: 'redirect'; readonly contacts: readonly string[] }
  /** The fields of a `proxy` command after its transaction. */
  | { readonly kind: 'proxy'; readonly fields: readonly string[] };

/** Whom to ask about requests: outbound mode. */
export interface EngineHandlers {
  has(method: string): boolean;
  /** Never rejects, and takes a bounded time. */
  ask(query: HandlerQuery): Promise<HandlerDecision>;
}

/** The engine as net and wire drive it. Implemented by SipEngine. */
export interface EngineInput {
  received(received: Received): void;
  refused(refused: Refused): void;
  connectionClosed(connectionId: number): void;
  appConnected(app: AppId, tags: readonly string[]): void;
  appCommand(app: AppId, command: AppCommand): void;
  appClosed(app: AppId): void;
}
