/** Large requests go by TCP: RFC 3261 §18.1.1. UDP would cut them into fragments, which NATs and firewalls lose. */
import { formatMessage, type SipRequest } from '../message/index.ts';
import type { EngineCore } from './core.ts';
import { chooseListener, viaValue } from './local-address.ts';
import type { SendTarget } from './ports.ts';

export interface SizedRequest {
  readonly request: SipRequest;
  readonly data: Buffer;
  readonly target: SendTarget;
}

/** So long a peer that has no TCP is not asked for it again. */
const REMEMBER_MS = 600_000;
const REMEMBER_COUNT = 1000;

export class SizeRule {
  readonly #core: EngineCore;
  /** Peers without TCP, and until when we believe it. */
  readonly #withoutTcp = new Map<string, number>();

  constructor(core: EngineCore) {
    this.#core = core;
  }

  /** How to send `wanted` first, and how when that is refused. */
  choose(wanted: SizedRequest, branch: string): { sent: SizedRequest; fallback: SizedRequest | undefined } {
    const stays = { sent: wanted, fallback: undefined };
    const { request, target, data } = wanted;
    if (target.transport !== 'udp' || target.isTransportFixed === true) return stays;
    if (data.length <= this.#core.options.udpMaxBytes || this.#isWithoutTcp(target)) return stays;
    const listener = chooseListener(this.#core.net.listeners, 'tcp', target.address);
    if (listener === undefined) return stays;
    const byTcp = withVia(request, viaValue(listener, branch));
    const way = { ...target, transport: 'tcp', listenerId: listener.id } as const;
    return { sent: { request: byTcp, data: formatMessage(byTcp), target: way }, fallback: wanted };
  }

  refused(target: SendTarget): void {
    if (this.#withoutTcp.size >= REMEMBER_COUNT) this.#withoutTcp.clear();
    this.#withoutTcp.set(placeOf(target), this.#core.clock.now() + REMEMBER_MS);
  }

  #isWithoutTcp(target: SendTarget): boolean {
    const until = this.#withoutTcp.get(placeOf(target));
    return until !== undefined && until > this.#core.clock.now();
  }
}

function placeOf({ address, port }: SendTarget): string {
  return `${address} ${port}`;
}

/** The Contact stays as it was: the size of one message is no reason for the peer to talk TCP for the rest of the call. */
function withVia(request: SipRequest, via: string): SipRequest {
  const at = request.headers.findIndex((line) => line.name === 'Via');
  return {
    ...request,
    headers: request.headers.map((line, index) => (index === at ? { name: 'Via', value: via } : line)),
  };
}
