/** Client-initiated connections as a registrar serves them: RFC 5626 §6 and §7, RFC 3327 §5.3. Pure. */
import { parseUri } from '../sip/message/index.ts';
import type { Binding } from './binding.ts';
import type { RegisterRequest } from './register.ts';
import type { InboundRequest, SipHeaders } from './sip-ports.ts';

/** A client on a connection of ours should be heard of at least so often; we wait five times as long. */
const FLOW_TIMER_SEC = 120;

/** What of a REGISTER tells whether a flow can be kept. */
export function readOutbound({
  header,
}: Pick<InboundRequest, 'header'>): Pick<RegisterRequest, 'isFirstHop' | 'supportsOutbound'> {
  const supported = (header('Supported') ?? '').toLowerCase().split(/\s*,\s*/);
  // A comma in a Via stands between two of them: no parameter of it may hold one (RFC 3261 §20.42).
  return { isFirstHop: !(header('Via') ?? '').includes(','), supportsOutbound: supported.includes('outbound') };
}

/**
 * What the 200 says about it. Where a proxy that knows nothing of it stands between, nothing is said, by which the
 * client knows that it has no flow; the 439 that §6 asks for would leave stock browser clients without registration.
 */
export function outboundHeaders({ contacts, path, isFirstHop, supportsOutbound }: RegisterRequest): SipHeaders {
  const hasFlowId =
    contacts !== '*' && contacts.some(({ params }) => params.has('reg-id') && params.has('+sip.instance'));
  const [edge] = path;
  const isKept = isFirstHop || (edge !== undefined && parseUri(edge)?.params.has('ob') === true);
  if (!supportsOutbound || !hasFlowId || !isKept) return {};
  return { Require: 'outbound', ...(isFirstHop ? { 'Flow-Timer': String(FLOW_TIMER_SEC) } : {}) };
}

/** A request with a flow id registers that flow and no other Contact (§6). */
export function hasMixedFlows({ contacts, expiresSec }: RegisterRequest): boolean {
  if (contacts === '*') return false;
  const kept = contacts.filter(({ params }) => Number(params.get('expires') ?? expiresSec ?? 1) !== 0);
  return kept.length > 1 && kept.some(({ params }) => params.has('reg-id'));
}

/** The client behind a binding, whichever of its flows that is; '' when it did not say. */
function instanceIdOf({ instance }: Binding): string {
  return instance.slice(0, Math.max(0, instance.lastIndexOf(';')));
}

export function isSameInstance(a: Binding, b: Binding): boolean {
  const id = instanceIdOf(a);
  return id !== '' && id === instanceIdOf(b);
}

/** Of several flows of one client only one is rung: a live one, and of those the newest (§7). The order stays. */
export function oneFlowEach(bindings: readonly Binding[], isLost: (binding: Binding) => boolean): readonly Binding[] {
  const isBetter = (one: Binding, other: Binding): boolean =>
    isLost(one) === isLost(other) ? one.expiresAt > other.expiresAt : isLost(other);
  return bindings.filter(
    (binding) =>
      !bindings.some((other) => other !== binding && isSameInstance(binding, other) && isBetter(other, binding)),
  );
}

/** The Route by which a registered client is reached through its edge proxies. */
export function routeOf({ path }: Binding): SipHeaders {
  return path.length === 0 ? {} : { Route: path.map((uri) => `<${uri}>`).join(', ') };
}
