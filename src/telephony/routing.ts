/** From a URI to what must be rung: the dialplan decides, the registrar and the trunks say where that is. */
import type { AgentDesk, AgentFacts } from '../calls/index.ts';
import {
  causeOf,
  type FallbackCause,
  type Place,
  type PlannedStage,
  type RouteDecision,
  type RouteRequest,
} from '../dialplan/index.ts';
import { formatUri, isSosUrn, parseUri, type SipUri } from '../sip/message/index.ts';
import { decideAsking, type HookContext, type HookQuery } from './ask-hooks.ts';
import type { Authenticator } from './authenticator.ts';
import type { BindingTarget } from './branch-leg.ts';
import type { BuiltInEndpoint } from './call-media.ts';
import { type Caller, calledUri, tenantOf } from './caller.ts';
import { DEFAULT_TENANT, SHARED } from './options.ts';
import type { Diverter } from './outbound-identity.ts';
import type { Registrar } from './registrar.ts';
import type { SipTransportName } from './sip-ports.ts';
import type { TrunkDirectory } from './trunk-directory.ts';
import { DEFAULT_HUNT } from './trunk-hunt.ts';
import type { TrunkTarget } from './trunk-leg.ts';
import { isSecureTrunk } from './trunk-servers.ts';

export type BranchTarget =
  | BindingTarget
  | TrunkTarget
  | { readonly kind: 'built-in'; readonly endpoint: BuiltInEndpoint }
  | { readonly kind: 'agent'; readonly agent: AgentFacts };

/** A fork rung at once, before its Legs exist. */
export interface RoutedStage {
  readonly targets: readonly BranchTarget[];
  /** Undefined: as long as a call rings without a word about it. */
  readonly ringMs: number | undefined;
  readonly on: readonly FallbackCause[];
  /** The status that stands for it when it has no targets. */
  readonly unreachable: number;
  /** How many of the stages after it stand in for it, and after which words, while no phone has rung. */
  /** Who was to be rung before it, where it stands in for a user. */
  readonly diverter?: Diverter | undefined;
  readonly spares?: { readonly count: number; readonly on: readonly FallbackCause[] } | undefined;
}

export interface RoutedFallback {
  readonly on: readonly FallbackCause[];
  readonly stages: readonly RoutedStage[];
}

export type Routing = {
  readonly rule: string;
  /** To an emergency number: no limit and no queue may hold it up. */
  readonly isEmergency: boolean;
} & (
  | {
      readonly kind: 'stages';
      /** Rung one after another; one of them at least has a target. */
      readonly stages: readonly RoutedStage[];
      readonly fallbacks: readonly RoutedFallback[];
      /** The user part that the called party sees; undefined: the caller's own. */
      readonly callerId: string | undefined;
    }
  | { readonly kind: 'refused'; readonly status: number }
);

export interface RoutingContext extends HookContext {
  readonly emergencyNumbers: readonly string[];
  readonly directory: TrunkDirectory;
  readonly authenticator: Authenticator;
  readonly registrar: Registrar;
  readonly domain: string;
  readonly agents?: AgentDesk | undefined;
}

export interface RouteQuery extends HookQuery {
  /** Where to: a Request-URI, or what a Refer-To names, in the words of the party. */
  readonly uri: string;
  /** With whose rights: what that party may not call is refused. */
  readonly party: Caller;
  /** The headers that rules may ask for. */
  readonly header: (name: string) => string | undefined;
  /** How the request came in: only what came by TLS may ask for a sips URI. */
  readonly transport?: SipTransportName;
}

/** Where a URI leads when that party asks for it: for a new call, and for the target of a transfer. */
export async function routeUri(query: RouteQuery, context: RoutingContext): Promise<Routing> {
  const to = dialed(calledUri(query.uri, query.party), context);
  // sips asks for TLS all the way (RFC 3261 §26.2.2): what came in without it cannot be served.
  const isSecure = to?.scheme === 'sips';
  if (to === undefined || (isSecure && !isTls(query.transport)))
    return { kind: 'refused', rule: '', isEmergency: false, status: 416 };
  const request = requestOf(query, to, context);
  const decision = await decideAsking(request, query, context);
  const routing = routingOf(decision, query.party, context);
  return isSecure ? securely(routing) : routing;
}

/** A call for help that names no number (RFC 5031) is one to the first number for it. */
function dialed(uri: string, { emergencyNumbers, domain }: RoutingContext): SipUri | undefined {
  const [number] = emergencyNumbers;
  return isSosUrn(uri) && number !== undefined ? parseUri(`sip:${number}@${domain}`) : parseUri(uri);
}

function isTls(transport: SipTransportName | undefined): boolean {
  return transport === 'tls' || transport === 'wss';
}

/** Only what is reached by TLS may ring (RFC 5630 §5.3); what we play ourselves has no way to go. */
function securely(routing: Routing): Routing {
  if (routing.kind === 'refused') return routing;
  const fallbacks = routing.fallbacks.map(({ on, stages }) => ({ on, stages: narrow(stages) }));
  return unlessEmpty({ ...routing, stages: narrow(routing.stages), fallbacks });
}

function narrow(stages: readonly RoutedStage[]): readonly RoutedStage[] {
  return stages.map((stage) => ({ ...stage, targets: stage.targets.filter(isReachedByTls) }));
}

/** Whether everything we send there by SIP is encrypted. */
export function isReachedByTls(target: BranchTarget): boolean {
  if (target.kind === 'built-in' || target.kind === 'agent') return true;
  return target.kind === 'trunk' ? isSecureTrunk(target.trunk) : isTls(target.binding.transport);
}

/** Refused where no stage has anybody to ring. */
function unlessEmpty(routing: Extract<Routing, { kind: 'stages' }>): Routing {
  const { rule, isEmergency, stages, fallbacks } = routing;
  const all = [...stages, ...fallbacks.flatMap((each) => each.stages)];
  if (all.some(({ targets }) => targets.length > 0)) return routing;
  return { kind: 'refused', rule, isEmergency, status: stages[0]?.unreachable ?? 480 };
}

function requestOf({ party, header }: RouteQuery, to: SipUri, context: RoutingContext): RouteRequest {
  const tenant = tenantOf(party);
  return {
    from: { user: party.identity.user, host: context.domain },
    to: to.scheme === 'tel' ? { user: to.host, host: context.domain } : { user: to.user, host: to.host },
    uri: formatUri(to),
    trunk: party.kind === 'trunk' ? party.trunk.name : undefined,
    tenant,
    source: party.kind,
    headers: header,
    at: context.clock.wallTime(),
    trunks: context.directory.namesFor((trunk) => serves(trunk.tenant, tenant)),
    emergencyNumbers: context.emergencyNumbers,
    isUser: (name) => {
      const user = context.authenticator.userOf(name);
      return user === undefined ? isAgent(name, context) : serves(user.tenant, tenant);
    },
  };
}

function serves(owner: string | undefined, tenant: string): boolean {
  return owner === SHARED || (owner ?? DEFAULT_TENANT) === tenant;
}

function routingOf(decision: RouteDecision, party: Caller, context: RoutingContext): Routing {
  const { rule, isEmergency } = decision;
  const refused = (status: number): Routing => ({ kind: 'refused', rule, isEmergency, status });
  if (decision.kind === 'reject') return refused(decision.status);
  if (decision.kind !== 'ring') return refused(501);
  const route = (planned: readonly PlannedStage[], before: Left): readonly RoutedStage[] =>
    planned.flatMap((each, index) => {
      const diverter = diverterOf(
        { places: [...before.places, ...placesIn(planned.slice(0, index))], on: planned[index - 1]?.on ?? before.on },
        context,
      );
      return routedStages(each, party, context).map((stage) => ({ ...stage, diverter }));
    });
  const stages = route(decision.stages, { places: [], on: [] });
  const places = placesIn(decision.stages);
  const fallbacks = decision.fallbacks.map(({ on, stages: inner }) => ({ on, stages: route(inner, { places, on }) }));
  return unlessEmpty({ kind: 'stages', rule, isEmergency, stages, fallbacks, callerId: decision.callerId });
}

/** Places that were rung, and the causes after which the call goes on from them. */
interface Left {
  readonly places: readonly Place[];
  readonly on: readonly FallbackCause[];
}

function placesIn(stages: readonly PlannedStage[]): readonly Place[] {
  return stages.flatMap(({ places }) => places);
}

/** The first user of them: whom the call was for. */
function diverterOf({ places, on }: Left, { authenticator }: RoutingContext): Diverter | undefined {
  const first = places.find((place) => place.kind === 'user');
  const user = first === undefined ? undefined : authenticator.userOf(first.aor.split('@', 1)[0] ?? '');
  return user === undefined ? undefined : { user, reason: reasonOf(on) };
}

/** RFC 5806 §4. Where a call may go on for several reasons we do not know which it was when the INVITE is made. */
function reasonOf(on: readonly FallbackCause[]): Diverter['reason'] {
  const [only, ...others] = new Set(on.map((each) => (typeof each === 'number' ? causeOf(each) : each)));
  if (only === undefined || others.length > 0) return 'unknown';
  if (only === 'busy') return 'user-busy';
  return only === 'no-answer' || only === 'unavailable' ? only : 'unknown';
}

/** A trunk group rung by itself gives a stage for each of its trunks; in a fork its best trunk stands for it. */
function routedStages(
  { places, ringSec, on }: PlannedStage,
  party: Caller,
  context: RoutingContext,
): readonly RoutedStage[] {
  const found = places.map((place) => targetsOf(place, party, context));
  const common = { ringMs: ringSec === undefined ? undefined : ringSec * 1000, on, unreachable: 480 };
  const [only] = found;
  if (found.length === 1 && only?.trunks !== undefined) return trunkStages(only.trunks, common);
  const targets = found.flatMap((each) => (each.trunks === undefined ? each.targets : each.targets.slice(0, 1)));
  const unreachable = found.find((each) => each.targets.length === 0)?.status ?? 480;
  return [{ ...common, targets, unreachable }];
}

/** `status`: what stands for them when there are none. */
interface Targets {
  readonly targets: readonly BranchTarget[];
  /** The same, where they are the trunks behind one name. */
  readonly trunks?: readonly TrunkTarget[];
  readonly status: number;
}

function none(status: number): Targets {
  return { targets: [], status };
}

function targetsOf(place: Place, party: Caller, context: RoutingContext): Targets {
  switch (place.kind) {
    case 'user':
      return userTargets(place.aor, party, context);
    case 'trunk': {
      // Whatever the rules say: nobody unknown spends money.
      if (party.kind === 'anonymous') return none(403);
      const { number } = place;
      const targets = context.directory.behind(place.trunk).map((trunk) => ({ kind: 'trunk', trunk, number }) as const);
      return targets.length === 0 ? none(404) : { targets, trunks: targets, status: 480 };
    }
    case 'agent':
      return agentTargets(place.agent, context);
  }
}

function isAgent(name: string, { agents, directory }: RoutingContext): boolean {
  return agents?.find(name) !== undefined || directory.agent(name) !== undefined;
}

function agentTargets(name: string, { agents, directory }: RoutingContext): Targets {
  if (name === 'echo' || name === 'tone') return { targets: [{ kind: 'built-in', endpoint: name }], status: 480 };
  const trunk = directory.agent(name);
  if (trunk?.agent !== undefined) return { targets: [{ kind: 'trunk', trunk, number: trunk.agent.user }], status: 480 };
  const agent = agents?.find(name);
  return agent === undefined ? none(404) : { targets: [{ kind: 'agent', agent }], status: 480 };
}

function userTargets(aor: string, party: Caller, context: RoutingContext): Targets {
  const [name = '', host = context.domain] = aor.split('@');
  const user = context.authenticator.userOf(name);
  if (host === context.domain && user === undefined) return agentTargets(name, context);
  // A tenant's users are nobody to the others.
  if (host !== context.domain || user === undefined || !serves(user.tenant, tenantOf(party))) return none(404);
  const bindings = context.registrar.targetsOf(`sip:${name}@${context.domain}`);
  return { targets: bindings.map((binding) => ({ kind: 'binding', binding })), status: 480 };
}

/** The trunks behind one name: one after another, and not one more once a phone has rung. */
function trunkStages(
  targets: readonly TrunkTarget[],
  common: Pick<RoutedStage, 'ringMs' | 'on' | 'unreachable'>,
): readonly RoutedStage[] {
  return targets.map((target, index): RoutedStage => {
    const count = targets.length - 1 - index;
    // The same words that lead from one server of a trunk to the next lead from one trunk to the next.
    const spares = { count, on: [408, 430, ...(target.trunk.hunt ?? DEFAULT_HUNT).failoverOn] };
    return count === 0
      ? { ...common, targets: [target] }
      : { ...common, targets: [{ ...target, moreFollow: true }], unreachable: 503, spares };
  });
}
