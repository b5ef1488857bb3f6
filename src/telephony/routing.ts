/** From an INVITE to what must be rung: the dialplan decides, the registrar and the trunks say where that is. */
import { type Dialplan, decide, type RouteDecision } from '../dialplan/index.ts';
import { parseUri } from '../sip/message/index.ts';
import type { Authenticator } from './authenticator.ts';
import type { Binding } from './binding.ts';
import type { BuiltInEndpoint } from './call-media.ts';
import type { Caller } from './caller.ts';
import type { Trunk } from './options.ts';
import type { Registrar } from './registrar.ts';
import type { InboundInvite } from './sip-ports.ts';

export type BranchTarget =
  | { readonly kind: 'binding'; readonly binding: Binding }
  | { readonly kind: 'trunk'; readonly trunk: Trunk; readonly number: string }
  | { readonly kind: 'built-in'; readonly endpoint: BuiltInEndpoint };

export type Routing =
  | { readonly kind: 'targets'; readonly rule: string; readonly targets: readonly BranchTarget[] }
  | { readonly kind: 'refused'; readonly rule: string; readonly status: number };

export interface RoutingContext {
  readonly dialplan: Dialplan;
  readonly trunks: readonly Trunk[];
  readonly authenticator: Authenticator;
  readonly registrar: Registrar;
  readonly domain: string;
}

export function routeInvite(invite: InboundInvite, caller: Caller, context: RoutingContext): Routing {
  const to = parseUri(invite.uri);
  // sips asks for TLS all the way (RFC 3261 §26.2.2), which no leg of ours can promise yet.
  if (to === undefined || to.scheme === 'sips') return { kind: 'refused', rule: '', status: 416 };
  const dialed = to.scheme === 'tel' ? { user: to.host, host: context.domain } : { user: to.user, host: to.host };
  const decision = decide(context.dialplan, {
    from: { user: caller.identity.user, host: context.domain },
    to: dialed,
    trunk: caller.kind === 'trunk' ? caller.trunk.name : undefined,
    source: caller.kind,
    headers: (name) => invite.header(name),
    trunks: context.trunks.map((trunk) => trunk.name),
    isUser: (name) => context.authenticator.isUser(name),
  });
  return targetsOf(decision, caller, context);
}

function targetsOf(decision: RouteDecision, caller: Caller, context: RoutingContext): Routing {
  const { rule } = decision;
  switch (decision.kind) {
    case 'user':
      return userTargets(decision.aor, rule, context);
    case 'trunk': {
      const trunk = context.trunks.find((each) => each.name === decision.trunk);
      // Whatever the rules say: nobody unknown spends money.
      if (caller.kind === 'anonymous') return { kind: 'refused', rule, status: 403 };
      if (trunk === undefined) return { kind: 'refused', rule, status: 404 };
      return { kind: 'targets', rule, targets: [{ kind: 'trunk', trunk, number: decision.number }] };
    }
    case 'agent':
      return { kind: 'targets', rule, targets: [{ kind: 'built-in', endpoint: decision.agent }] };
    case 'room':
      return { kind: 'refused', rule, status: 501 };
    case 'reject':
      return { kind: 'refused', rule, status: decision.status };
  }
}

function userTargets(aor: string, rule: string, context: RoutingContext): Routing {
  const [user = '', host = context.domain] = aor.split('@');
  if (host !== context.domain || !context.authenticator.isUser(user)) return { kind: 'refused', rule, status: 404 };
  const bindings = context.registrar.bindingsOf(`sip:${user}@${context.domain}`);
  if (bindings.length === 0) return { kind: 'refused', rule, status: 480 };
  return { kind: 'targets', rule, targets: bindings.map((binding) => ({ kind: 'binding', binding })) };
}
