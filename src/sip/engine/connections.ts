/**
 * The live connections (TCP, TLS, WS, WSS) and what was registered over them: drachtio-protocol §8.2, in the spirit of
 * RFC 5626. A browser can be reached in no other way than by the connection it opened.
 */
import type { Clock } from '../../kernel/index.ts';
import { parseUri } from '../message/index.ts';
import type { Flow, SipTransport } from './ports.ts';

interface Binding {
  readonly flow: Flow;
  /** On the monotonic clock. */
  readonly expiresAt: number;
}

/**
 * What a Contact is recognized by; undefined when it is no SIP URI. A browser's host is made up and unique (RFC 7118
 * §5.1); a phone's may serve several accounts and transports at once, told apart by port and transport.
 */
export function contactKey(uri: string): string | undefined {
  const parsed = parseUri(uri);
  if (parsed === undefined || parsed.scheme === 'tel') return undefined;
  const host = parsed.host.toLowerCase();
  if (host.endsWith('.invalid')) return `${parsed.user}@${host}`;
  return `${parsed.user}@${host}:${parsed.port ?? ''};${(parsed.params.get('transport') ?? '').toLowerCase()}`;
}

export class Connections {
  readonly #clock: Clock;
  readonly #live = new Map<number, Flow>();
  readonly #byAddress = new Map<string, Flow>();
  readonly #bindings = new Map<string, Binding>();
  readonly #keysOf = new Map<number, Set<string>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Something arrived over `flow`. */
  seen(flow: Flow): void {
    const id = flow.connectionId;
    if (id === undefined || this.#live.has(id)) return;
    this.#live.set(id, flow);
    this.#byAddress.set(addressKey(flow.transport, flow.remoteAddress, flow.remotePort), flow);
  }

  isLive(connectionId: number): boolean {
    return this.#live.has(connectionId);
  }

  /** The open connection from that very address, if there is one. */
  at(transport: SipTransport, address: string, port: number): Flow | undefined {
    return this.#byAddress.get(addressKey(transport, address, port));
  }

  /** Forgets a connection; returns the Contacts that were registered over it. */
  closed(connectionId: number): ReadonlySet<string> {
    const flow = this.#live.get(connectionId);
    this.#live.delete(connectionId);
    if (flow !== undefined) this.#byAddress.delete(addressKey(flow.transport, flow.remoteAddress, flow.remotePort));
    const keys = this.#keysOf.get(connectionId) ?? new Set();
    this.#keysOf.delete(connectionId);
    for (const key of keys) {
      if (this.#bindings.get(key)?.flow.connectionId === connectionId) this.#bindings.delete(key);
    }
    return keys;
  }

  /** Remembers that this Contact is reached over `flow` for `seconds`. */
  bind(key: string, flow: Flow, seconds: number): void {
    const id = flow.connectionId;
    if (id === undefined || !this.#live.has(id)) return;
    this.#bindings.set(key, { flow, expiresAt: this.#clock.now() + seconds * 1000 });
    const keys = this.#keysOf.get(id) ?? new Set();
    this.#keysOf.set(id, keys);
    keys.add(key);
  }

  unbind(key: string): void {
    this.#bindings.delete(key);
  }

  /** The connection over which this Contact registered, while it lives. */
  boundFlow(key: string): Flow | undefined {
    const binding = this.#bindings.get(key);
    if (binding === undefined) return undefined;
    if (binding.expiresAt > this.#clock.now()) return binding.flow;
    this.#bindings.delete(key);
    return undefined;
  }
}

function addressKey(transport: SipTransport, address: string, port: number): string {
  return `${transport} ${address} ${port}`;
}
