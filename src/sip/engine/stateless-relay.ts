/**
 * Requests in dialogs we stay in as a proxy, and their responses: RFC 3261 §16.11. Nothing is kept of them; a token in
 * our Record-Route and in our Via proves that the dialog, or the request, once passed here with an application's will,
 * so that strangers cannot use us as a relay.
 */
import { createHmac } from 'node:crypto';
import {
  formatMessage,
  headerValues,
  parseNameAddr,
  parseUri,
  parseVia,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  type SipUri,
} from '../message/index.ts';
import { contactKey } from './connections.ts';
import { contactUri } from './dialog.ts';
import { chooseListener, ownUri, viaValue } from './local-address.ts';
import type { MessageFacts } from './message-facts.ts';
import type { Hop } from './next-hop.ts';
import type { EngineParts } from './parts.ts';
import type { ListenerAddress, Received, SendTarget, SipTransport } from './ports.ts';
import { forwardRequest, maxForwards, withoutTopVia } from './proxy-forward.ts';
import { formatPlainResponse } from './response-builder.ts';
import type { ServerTransaction } from './server-transactions.ts';

const TOKEN_PARAM = 'via-token';
const BRANCH = 'z9hG4bKrelay';
const TRANSPORTS: ReadonlySet<string> = new Set<SipTransport>(['udp', 'tcp', 'tls', 'ws', 'wss']);
const ignoreFailure = (): void => {};

export class StatelessRelay {
  readonly #parts: EngineParts;
  readonly #secret: string;
  #isUsed = false;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.#secret = parts.core.random.hex(32);
  }

  /** Whether anything at all may come to be relayed. */
  get isUsed(): boolean {
    return this.#isUsed;
  }

  isOwn({ host, port }: SipUri): boolean {
    const bare = host.replaceAll(/[[\]]/g, '');
    return this.#parts.core.net.listeners.some(
      (own) =>
        (own.advertisedPort === (port ?? 5060) && own.advertisedAddress === bare) ||
        (own.port === (port ?? 5060) && own.address === bare),
    );
  }

  /** Our Record-Route in this dialog, or our Path to this registered Contact. */
  routeValue(tx: ServerTransaction, listener: ListenerAddress): string {
    this.#isUsed = true;
    const isRegister = tx.request.method === 'REGISTER';
    const about = isRegister ? `path ${contactKey(contactUri(tx.request)) ?? ''}` : `dialog ${tx.facts.callId}`;
    return `<${ownUri(listener)};lr;${TOKEN_PARAM}=${this.#token(about)}>`;
  }

  /** True when the request is one to be relayed, and has been taken care of. */
  request(request: SipRequest, facts: MessageFacts, received: Received): boolean {
    const routes = headerValues(request, 'Route');
    const others = routes.findIndex((value) => !this.#isOurs(value, request, facts));
    const rest = others < 0 ? [] : routes.slice(others);
    if (routes.length === rest.length) return false;
    if (maxForwards(request) === 0) {
      if (request.method !== 'ACK') this.#parts.servers.sendBack(received.flow, formatPlainResponse(request, 483, ''));
      return true;
    }
    const nextUri = rest[0] === undefined ? request.uri : (parseNameAddr(rest[0])?.uri ?? request.uri);
    const hop = this.#parts.hops.ofRequest(nextUri, 'INVITE');
    if (hop instanceof Promise) void hop.then((found) => this.#send(request, rest, found));
    else this.#send(request, rest, hop);
    return true;
  }

  /** The response to a request that was relayed, on to whoever sent that. */
  response(response: SipResponse, facts: MessageFacts): void {
    if (!facts.branch.startsWith(BRANCH) || facts.branch !== this.#branchOver(withoutTopVia(response))) return;
    const target = this.#backTo(headerValues(response, 'Via')[1] ?? '');
    if (target !== undefined) this.#parts.core.net.send(target, formatMessage(withoutTopVia(response)), ignoreFailure);
  }

  #send(request: SipRequest, routes: readonly string[], hop: Hop): void {
    if (hop.kind !== 'hop' || this.#parts.hops.isOwn(hop.target)) return;
    const via = viaValue(hop.listener, this.#branchOver(request));
    const onward = forwardRequest(request, { via, uri: request.uri, routes, added: [], breadth: undefined });
    this.#parts.core.net.send(hop.target, formatMessage(onward), ignoreFailure);
  }

  #isOurs(route: string, request: SipRequest, facts: MessageFacts): boolean {
    const uri = parseUri(parseNameAddr(route)?.uri ?? '');
    const token = uri?.params.get(TOKEN_PARAM);
    if (uri === undefined || token === undefined || !this.isOwn(uri)) return false;
    return (
      token === this.#token(`dialog ${facts.callId}`) || token === this.#token(`path ${contactKey(request.uri) ?? ''}`)
    );
  }

  /** The same for each copy of a request, and for its CANCEL and ACK (§16.11); provably ours in its response. */
  #branchOver(message: SipMessage): string {
    return `${BRANCH}${this.#token(`branch ${headerValues(message, 'Via')[0] ?? ''}`)}`;
  }

  #token(text: string): string {
    return createHmac('sha256', this.#secret).update(text).digest('hex').slice(0, 24);
  }

  #backTo(value: string): SendTarget | undefined {
    const via = parseVia(value);
    const transport = via?.transport.toLowerCase();
    if (via === undefined || !isTransport(transport)) return undefined;
    const address = (via.params.get('received') ?? via.host).replaceAll(/[[\]]/g, '');
    const port = Number(via.params.get('rport') ?? '') || via.port || 5060;
    const flow = this.#parts.connections.at(transport, address, port);
    const listener = flow ?? chooseListener(this.#parts.core.net.listeners, transport, address);
    if (listener === undefined) return undefined;
    const listenerId = 'listenerId' in listener ? listener.listenerId : listener.id;
    return { transport, listenerId, address, port, connectionId: flow?.connectionId };
  }
}

function isTransport(text: string | undefined): text is SipTransport {
  return text !== undefined && TRANSPORTS.has(text);
}
