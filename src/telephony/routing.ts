/** From a URI to what must be rung: the dialplan decides, the registrar and the trunks say where that is. */
import { DEFAULT_FALLBACK, type Dialplan, decide, type FallbackCause, type RouteDecision } from '../dialplan/index.ts';
import { parseUri } from '../sip/message/index.ts';
import type { Authenticator } from './authenticator.ts';
import type { Binding } from './binding.ts';
import type { BuiltInEndpoint } from './call-media.ts';
import type { Caller } from './caller.ts';
import type { Trunk } from './options.ts';
import type { Registrar } from './registrar.ts';
import type { SipTransportName } from './sip-ports.ts';

export type BranchTarget =
  | { readonly kind: 'binding'; readonly binding: Binding }
  | { readonly kind: 'trunk'; readonly trunk: Trunk; readonly number: string }
  | { readonly kind: 'built-in'; readonly endpoint: BuiltInEndpoint };

/** A fork rung at once, before its Legs exist. */
export interface RoutedStage {
  readonly targets: readonly BranchTarget[];
  /** Undefined: as long as a call rings without a word about it. */
  readonly ringMs: number | undefined;
  readonly on: readonly FallbackCause[];
  /** The status that stands for it when it has no targets. */
  readonly unreachable: number;
}

export type Routing =
  | { readonly kind: 'stages'; readonly rule: string; readonly stages: readonly RoutedStage[] }
  | { readonly kind: 'refused'; readonly rule: string; readonly status: number };

export interface RouteQuery {
  /** Where to: a Request-URI, or what a Refer-To names. */
  readonly uri: string;
  /** With whose rights: what that party may not call is refused. */
  readonly party: Caller;
  /** The headers that rules may ask for. */
  readonly header: (name: string) => string | undefined;
  /** How the request came in: only what came by TLS may ask for a sips URI. */
  readonly transport?: SipTransportName;
}

export interface RoutingContext {
  readonly dialplan: Dialplan;
  readonly trunks: readonly Trunk[];
  readonly authenticator: Authenticator;
  readonly registrar: Registrar;
  readonly domain: string;
}

/** Where a URI leads when that party asks for it: for a new call, and for the target of a transfer. */
export async function routeUri(query: RouteQuery, context: RoutingContext): Promise<Routing> {
  const { uri, party, header } = query;
  const to = parseUri(uri);
  // sips asks for TLS all the way (RFC 3261 §26.2.2): what came in without it cannot be served.
  const isSecure = to?.scheme === 'sips';
  if (to === undefined || (isSecure && !isTls(query.transport))) return { kind: 'refused', rule: '', status: 416 };
  const dialed = to.scheme === 'tel' ? { user: to.host, host: context.domain } : { user: to.user, host: to.host };
  const decision = decide(context.dialplan, {
    from: { user: party.identity.user, host: context.domain },
    to: dialed,
    trunk: party.kind === 'trunk' ? party.trunk.name : undefined,
    source: party.kind,
    headers: header,
    trunks: context.trunks.map((trunk) => trunk.name),
    isUser: (name) => context.authenticator.isUser(name),
  });
  const routing = routingOf(decision, party, context);
  return isSecure ? securely(routing) : routing;
}

function isTls(transport: SipTransportName | undefined): boolean {
  return transport === 'tls' || transport === 'wss';
}

/** Only what is reached by TLS may ring (RFC 5630 §5.3); what we play ourselves has no way to go. */
function securely(routing: Routing): Routing {
  if (routing.kind === 'refused') return routing;
  const stages = routing.stages
    .map((stage) => ({ ...stage, targets: stage.targets.filter(isReachedByTls) }))
    .filter(({ targets }) => targets.length > 0);
  return stages.length > 0 ? { ...routing, stages } : { kind: 'refused', rule: routing.rule, status: 480 };
}

function isReachedByTls(target: BranchTarget): boolean {
  if (target.kind === 'built-in') return true;
  return isTls(target.kind === 'binding' ? target.binding.transport : target.trunk.transport);
}

function routingOf(decision: RouteDecision, party: Caller, context: RoutingContext): Routing {
  const { rule } = decision;
  const { targets, status } = targetsOf(decision, party, context);
  if (targets.length === 0) return { kind: 'refused', rule, status };
  const stage: RoutedStage = { targets, ringMs: undefined, on: DEFAULT_FALLBACK, unreachable: status };
  return { kind: 'stages', rule, stages: [stage] };
}

/** `status`: what stands for them when there are none. */
interface Targets {
  readonly targets: readonly BranchTarget[];
  readonly status: number;
}

function none(status: number): Targets {
  return { targets: [], status };
}

function targetsOf(decision: RouteDecision, party: Caller, context: RoutingContext): Targets {
  switch (decision.kind) {
    case 'user':
      return userTargets(decision.aor, context);
    case 'trunk': {
      const trunk = context.trunks.find((each) => each.name === decision.trunk);
      // Whatever the rules say: nobody unknown spends money.
      if (party.kind === 'anonymous') return none(403);
      return trunk === undefined
        ? none(404)
        : { targets: [{ kind: 'trunk', trunk, number: decision.number }], status: 480 };
    }
    case 'agent':
      return { targets: [{ kind: 'built-in', endpoint: decision.agent }], status: 480 };
    case 'room':
      return none(501);
    case 'reject':
      return none(decision.status);
  }
}

function userTargets(aor: string, context: RoutingContext): Targets {
  const [user = '', host = context.domain] = aor.split('@');
  if (host !== context.domain || !context.authenticator.isUser(user)) return none(404);
  const bindings = context.registrar.bindingsOf(`sip:${user}@${context.domain}`);
  return { targets: bindings.map((binding) => ({ kind: 'binding', binding })), status: 480 };
}
