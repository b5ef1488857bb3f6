/** Rules + one call → where it goes. */
import { matchPattern } from './pattern.ts';
import type { CallSource, Dialplan, Rule } from './schema.ts';
import { type Captures, fillTemplate } from './template.ts';

/** One party as the rules see it. */
export interface DialedParty {
  readonly user: string;
  readonly host: string;
}

export interface RouteRequest {
  /** The caller: for a `user` the authenticated one, not what From claims. */
  readonly from: DialedParty;
  /** The Request-URI. */
  readonly to: DialedParty;
  /** The trunk the call came from. */
  readonly trunk?: string | undefined;
  /** `user`: proven by digest. `trunk`: known by its address. `anonymous`: neither. */
  readonly source: CallSource;
  /** The value of a header of the INVITE. */
  readonly headers: (name: string) => string | undefined;
  /** The configured trunks by name, in order. */
  readonly trunks: readonly string[];
  /** Whether one of our users has that name. */
  readonly isUser: (name: string) => boolean;
}

export type Destination =
  /** The user part of an AOR of ours, or user@host. */
  | { readonly kind: 'user'; readonly aor: string }
  | { readonly kind: 'trunk'; readonly trunk: string; readonly number: string }
  | { readonly kind: 'agent'; readonly agent: 'echo' | 'tone' }
  | { readonly kind: 'room'; readonly room: string }
  | { readonly kind: 'reject'; readonly status: number; readonly reason: string };

/** A Destination, the name of the rule that chose it, and that rule's sentence. */
export type RouteDecision = Destination & { readonly rule: string; readonly why: string };

/** What may go into a Request-URI's user part unescaped (RFC 3261 §25.1), with an optional host. */
const SAFE_TARGET = /^[\w.!~*'()+&=$,#-]{1,128}(?:@[\w.-]{1,253})?$/u;

/** The decision of the first rule that matches. Without one the call is rejected with 404. */
export function decide(dialplan: Dialplan, request: RouteRequest): RouteDecision {
  for (const rule of dialplan.rules) {
    const captures = matchRule(rule, dialplan, request);
    const destination = captures === undefined ? undefined : destinationOf(rule, captures, request);
    if (destination !== undefined) return { ...destination, rule: rule.name, why: rule.why };
  }
  return { kind: 'reject', status: 404, reason: 'Not Found', rule: 'no-rule', why: 'no rule of the dialplan matches' };
}

function matchRule(rule: Rule, dialplan: Dialplan, request: RouteRequest): Captures | undefined {
  if (!matchesCircumstances(rule, request)) return undefined;
  const to = matchParty(rule.when.to, request.to);
  const from = matchParty(rule.when.from, request.from);
  if (to === undefined || from === undefined) return undefined;
  const mapped = Object.hasOwn(dialplan.numbers, request.to.user) ? dialplan.numbers[request.to.user] : undefined;
  return { to, from, mapped };
}

function matchesCircumstances(rule: Rule, request: RouteRequest): boolean {
  const { when } = rule;
  if (!sourcesOf(rule).includes(request.source)) return false;
  if (when.toIsUser !== undefined && when.toIsUser !== request.isUser(request.to.user)) return false;
  if (!matchesValue(when.trunk, request.trunk)) return false;
  return Object.entries(when.headers ?? {}).every(([name, pattern]) => matchesValue(pattern, request.headers(name)));
}

function matchesValue(pattern: string | undefined, value: string | undefined): boolean {
  if (pattern === undefined) return true;
  return value !== undefined && matchPattern(pattern, value) !== undefined;
}

/** Secure by default: a stranger matches only where a rule names him, and a trunk costs money, so only users reach it. */
function sourcesOf(rule: Rule): readonly CallSource[] {
  if (rule.when.source !== undefined) return [rule.when.source].flat();
  return rule.route.trunk === undefined ? ['user', 'trunk'] : ['user'];
}

/** Host names are compared in lower case (RFC 3261 §19.1.4), user parts as they are. */
function matchParty(pattern: string | undefined, party: DialedParty): readonly string[] | undefined {
  if (pattern === undefined) return [party.user];
  const at = pattern.indexOf('@');
  if (at < 0) return matchPattern(pattern, party.user);
  const whole = pattern.slice(0, at) + pattern.slice(at).toLowerCase();
  const groups = matchPattern(whole, `${party.user}@${party.host.toLowerCase()}`);
  return groups === undefined ? undefined : [party.user, ...groups.slice(1)];
}

/** Undefined when the rule needs what is not there (a trunk, an entry of `numbers`): then the next rule is tried. */
function destinationOf({ route }: Rule, captures: Captures, request: RouteRequest): Destination | undefined {
  if (route.agent !== undefined) return { kind: 'agent', agent: route.agent };
  if (route.reject !== undefined) return { kind: 'reject', ...route.reject };
  const target = fillTemplate(route.user ?? route.room ?? route.number ?? '', captures);
  if (target === undefined) return undefined;
  if (!SAFE_TARGET.test(target)) return { kind: 'reject', status: 404, reason: 'Not Found' };
  if (route.user !== undefined) return { kind: 'user', aor: target };
  return route.room === undefined ? trunkDestination(route.trunk, target, request) : { kind: 'room', room: target };
}

function trunkDestination(name: string | undefined, number: string, request: RouteRequest): Destination | undefined {
  const trunk = name === '*' ? request.trunks[0] : name;
  // The schema refuses a rule that leads strangers to a trunk; this holds even for a dialplan that came another way.
  return trunk === undefined || request.source === 'anonymous' ? undefined : { kind: 'trunk', trunk, number };
}
