/** Rules + one call → where it goes, and why. */
import { CAUSE_WORDS, DEFAULT_FALLBACK } from './cause.ts';
import { type Destination, fillRoute } from './destination.ts';
import { capturesOf, type Miss, matchRule } from './match.ts';
import type { RouteRequest } from './request.ts';
import type { HookAnswer } from './route-schema.ts';
import type { Dialplan, Rule } from './schema.ts';

/** A Destination, the name of the rule that chose it, and that rule's sentence. */
export type RouteDecision = Destination & {
  readonly rule: string;
  readonly why: string;
  /** To an emergency number: no limit and no queue may hold it up. */
  readonly isEmergency: boolean;
};

/** A rule that was asked and did not decide. */
export interface PassedRule {
  readonly rule: string;
  readonly miss: Miss;
}

export interface Explanation {
  readonly decision: RouteDecision;
  readonly passed: readonly PassedRule[];
}

const EMERGENCY = 'emergency';

/**
 * The decision of the first rule that matches. Without one the call is rejected with 404. `after` is the name of a
 * rule that has been asked already (a hook that gave no answer): only those behind it are tried.
 */
export function decide(dialplan: Dialplan, request: RouteRequest, after?: string): RouteDecision {
  return explain(dialplan, request, after).decision;
}

/** The same, with what stood against the rules before. */
export function explain(dialplan: Dialplan, request: RouteRequest, after?: string): Explanation {
  const isEmergency = isEmergencyCall(request);
  const urgent = isEmergency && after === undefined ? emergencyDecision(dialplan, request) : undefined;
  if (urgent !== undefined) return { decision: urgent, passed: [] };
  const passed: PassedRule[] = [];
  const first = after === undefined ? 0 : dialplan.rules.findIndex(({ name }) => name === after) + 1;
  for (const rule of dialplan.rules.slice(first)) {
    const outcome = tryRule(rule, dialplan, request);
    if ('destination' in outcome)
      return { decision: { ...outcome.destination, rule: rule.name, why: rule.why, isEmergency }, passed };
    passed.push({ rule: rule.name, miss: outcome.miss });
  }
  const why = 'no rule of the dialplan matches';
  return { decision: { kind: 'reject', status: 404, reason: 'Not Found', rule: 'no-rule', why, isEmergency }, passed };
}

/**
 * The decision that a hook's answer amounts to. Undefined when it names what is not there, or a trunk that this caller
 * may not use: a hook has no more rights than its rule.
 */
export function decideAnswer(
  answer: HookAnswer,
  asked: RouteDecision,
  dialplan: Dialplan,
  request: RouteRequest,
): RouteDecision | undefined {
  const rule = dialplan.rules.find(({ name }) => name === asked.rule);
  const filled = fillRoute(answer, {
    captures: capturesOf(dialplan, request),
    request,
    mayUseTrunks: rule !== undefined && mayUseTrunks(rule, request),
    on: DEFAULT_FALLBACK,
  });
  if ('missing' in filled) return undefined;
  const { rule: name, why, isEmergency } = asked;
  return { ...filled.destination, rule: name, why, isEmergency };
}

function tryRule(
  rule: Rule,
  dialplan: Dialplan,
  request: RouteRequest,
): { readonly destination: Destination } | { readonly miss: Miss } {
  const match = matchRule(rule, dialplan, request);
  if ('miss' in match) return match;
  const filled = fillRoute(rule.route, {
    captures: match.captures,
    request,
    mayUseTrunks: mayUseTrunks(rule, request),
    on: DEFAULT_FALLBACK,
  });
  if ('destination' in filled) return filled;
  return { miss: { key: 'route', wanted: 'a destination that exists', found: filled.missing } };
}

/** The schema refuses a rule that leads strangers to a trunk; this holds even for a dialplan that came another way. */
function mayUseTrunks({ when }: Rule, { source }: RouteRequest): boolean {
  if (source === 'anonymous') return false;
  return source === 'user' || [when.source].flat().includes(source);
}

/** A user of that name comes before: short extensions are more often meant than an emergency. */
function isEmergencyCall({ to, source, isUser, emergencyNumbers }: RouteRequest): boolean {
  return source !== 'anonymous' && emergencyNumbers.includes(to.user) && !isUser(to.user);
}

/** Whoever has rung and whatever it said: every stage is tried. */
function emergencyDecision(dialplan: Dialplan, request: RouteRequest): RouteDecision | undefined {
  const { emergencyRoute } = dialplan;
  if (emergencyRoute === undefined) return undefined;
  const filled = fillRoute(emergencyRoute, {
    captures: capturesOf(dialplan, request),
    request,
    mayUseTrunks: true,
    on: CAUSE_WORDS,
  });
  if ('missing' in filled) return undefined;
  return { ...filled.destination, rule: EMERGENCY, why: 'an emergency number', isEmergency: true };
}
