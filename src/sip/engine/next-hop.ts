/** From a URI to where its message is sent: drachtio-protocol §5.4, §6.5, §8.2; RFC 3263 without SRV. */
import { parseUri, type SipUri } from '../message/index.ts';
import { type Connections, contactKey } from './connections.ts';
import type { EngineCore } from './core.ts';
import { type Dialog, nextHopUri } from './dialog.ts';
import { chooseListener } from './local-address.ts';
import type { Flow, ListenerAddress, SendTarget, SipTransport } from './ports.ts';

export type Hop =
  | { readonly kind: 'hop'; readonly target: SendTarget; readonly listener: ListenerAddress }
  /** The way is known in principle, but nobody is there: the request fails with `status`. */
  | { readonly kind: 'lost'; readonly listener: ListenerAddress; readonly status: number; readonly reason: string }
  | { readonly kind: 'no-transport' }
  | { readonly kind: 'bad-uri' };

const NO_TRANSPORT: Hop = { kind: 'no-transport' };
/** Requests that look for the connection their target registered over. */
const REUSING = new Set(['INVITE', 'OPTIONS', 'NOTIFY', 'MESSAGE']);
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;
const PRIVATE = /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.)/;

export class NextHops {
  readonly #core: EngineCore;
  readonly #connections: Connections;

  constructor(core: EngineCore, connections: Connections) {
    this.#core = core;
    this.#connections = connections;
  }

  /** Of a new request outside a dialog. `serverName` is whom a TLS peer must be where the URI has a bare address. */
  ofRequest(uriText: string, method: string, serverName?: string): Hop | Promise<Hop> {
    if (REUSING.has(method)) {
      const flow = this.#registered(uriText);
      if (flow !== undefined) return this.alongFlow(flow);
    }
    return this.#ofUri(uriText, serverName);
  }

  /**
   * Of a request in a dialog. A connection is kept while it lives. A UDP peer that cannot mean the Contact it gave,
   * because it sits behind NAT, is answered where it was heard.
   */
  ofDialog(dialog: Dialog): Hop | Promise<Hop> {
    const { flow } = dialog;
    if (flow.connectionId === undefined) return this.#ofDatagramDialog(dialog);
    if (this.#connections.isLive(flow.connectionId)) return this.alongFlow(flow);
    const again = this.#registered(dialog.remoteTarget);
    if (again !== undefined) return this.alongFlow(again);
    if (flow.transport === 'tcp' || flow.transport === 'tls') return this.#ofUri(nextHopUri(dialog), flow.serverName);
    return this.#lost(flow.transport, 410, 'Gone');
  }

  alongFlow(flow: Flow): Hop {
    const listener = this.listenerOf(flow);
    if (listener === undefined) return NO_TRANSPORT;
    const { transport, listenerId, connectionId } = flow;
    const address = flow.remoteAddress;
    const target = { transport, listenerId, address, port: flow.remotePort, connectionId, isTransportFixed: true };
    return { kind: 'hop', target, listener };
  }

  /** The listener that something comes in on or leaves from. */
  listenerOf({ listenerId }: { readonly listenerId: number }): ListenerAddress | undefined {
    return this.#core.net.listeners.find((listener) => listener.id === listenerId);
  }

  /** Whether this is one of our own addresses: a request there would come back to us. */
  isOwn(target: SendTarget): boolean {
    if (target.connectionId !== undefined) return false;
    return this.#core.net.listeners.some(
      (own) =>
        own.transport === target.transport &&
        ((own.address === target.address && own.port === target.port) ||
          (own.advertisedAddress === target.address && own.advertisedPort === target.port)),
    );
  }

  #registered(uriText: string): Flow | undefined {
    const key = contactKey(uriText);
    return key === undefined ? undefined : this.#connections.boundFlow(key);
  }

  #ofDatagramDialog(dialog: Dialog): Hop | Promise<Hop> {
    const uriText = nextHopUri(dialog);
    const uri = parseUri(uriText);
    const transport = uri?.params.get('transport')?.toLowerCase() ?? 'udp';
    if (uri === undefined || transport !== 'udp' || uri.scheme !== 'sip') return this.#ofUri(uriText);
    const host = bareHost(uri);
    const source = dialog.flow.remoteAddress;
    const isBehindNat = dialog.routeSet.length === 0 || PRIVATE.test(host);
    // A client that says `ob` wants its requests where it speaks from (RFC 5626 §4.3).
    const isFlowWanted = dialog.routeSet.length === 0 && uri.params.has('ob');
    return isFlowWanted || (isBehindNat && host !== source) ? this.alongFlow(dialog.flow) : this.#ofUri(uriText);
  }

  #ofUri(uriText: string, serverName?: string): Hop | Promise<Hop> {
    const uri = parseUri(uriText);
    if (uri === undefined || uri.scheme === 'tel') return { kind: 'bad-uri' };
    const transport = this.#transportFor(uri);
    if (transport === undefined) return NO_TRANSPORT;
    const host = bareHost(uri);
    const port = uri.port ?? (transport === 'tls' ? 5061 : 5060);
    if (transport === 'ws' || transport === 'wss') return this.#ofBrowser(transport, host, port);
    const isTransportFixed = uri.params.has('transport') || uri.scheme === 'sips';
    const named = serverName === undefined || isNumeric(serverName.replace(/^\[|\]$/g, '')) ? {} : { serverName };
    if (isNumeric(host)) return this.#at([host], { transport, port, isTransportFixed, ...named });
    return this.#core.net.resolve(host).then(
      (addresses) => this.#at(addresses, { transport, port, isTransportFixed, serverName: host }),
      () => this.#unknownHost(transport),
    );
  }

  /** Nobody can be called over WebSocket but over the connection that is open. */
  #ofBrowser(transport: 'ws' | 'wss', host: string, port: number): Hop {
    const flow = this.#connections.at(transport, host, port) ?? this.#connections.at('wss', host, port);
    return flow === undefined ? this.#unknownHost(transport) : this.alongFlow(flow);
  }

  /** The first address that a listener of its family can reach (RFC 6157 §5). */
  #at(
    addresses: readonly string[],
    to: Pick<SendTarget, 'transport' | 'port' | 'isTransportFixed' | 'serverName'>,
  ): Hop {
    for (const address of addresses) {
      const listener = chooseListener(this.#core.net.listeners, to.transport, address);
      if (listener === undefined) continue;
      return { kind: 'hop', target: { ...to, listenerId: listener.id, address, connectionId: undefined }, listener };
    }
    return addresses.length === 0 ? this.#unknownHost(to.transport) : NO_TRANSPORT;
  }

  #unknownHost(transport: SipTransport): Hop {
    return this.#lost(transport, 503, 'DNS Error');
  }

  #lost(transport: SipTransport, status: number, reason: string): Hop {
    const { listeners } = this.#core.net;
    const listener = listeners.find((one) => one.transport === transport) ?? listeners[0];
    return listener === undefined ? NO_TRANSPORT : { kind: 'lost', listener, status, reason };
  }

  /** What the URI asks for, if a listener speaks it; undefined when none does. */
  #transportFor(uri: SipUri): SipTransport | undefined {
    const wanted = uri.params.get('transport')?.toLowerCase();
    if (wanted === undefined && uri.scheme === 'sips') return this.#firstOf(['tls', 'wss']);
    if (wanted === undefined) return this.#firstOf(['udp', 'tcp', 'tls', 'ws', 'wss']);
    if (wanted === 'ws') return this.#firstOf(uri.scheme === 'sips' ? ['wss'] : ['ws', 'wss']);
    if (wanted === 'tcp' && uri.scheme === 'sips') return this.#firstOf(['tls']);
    return this.#core.net.listeners.find((listener) => listener.transport === wanted)?.transport;
  }

  #firstOf(wanted: readonly SipTransport[]): SipTransport | undefined {
    return wanted.find((transport) => this.#core.net.listeners.some((listener) => listener.transport === transport));
  }
}

function bareHost(uri: SipUri): string {
  const host = uri.params.get('maddr') ?? uri.host;
  return host.startsWith('[') ? host.slice(1, -1) : host;
}

function isNumeric(host: string): boolean {
  return IPV4.test(host) || host.includes(':');
}
