/** Whether one rule's `when` holds for a call, and if not, what stands against it. */
import { matchPattern } from './pattern.ts';
import type { DialedParty, RouteRequest } from './request.ts';
import { type CallSource, type Dialplan, leadsToTrunk, type Rule } from './schema.ts';
import type { Captures } from './template.ts';
import { formatWallTime, matchTime } from './time.ts';

/** The first condition that does not hold. `key` is its place in the rule. */
export interface Miss {
  readonly key: string;
  readonly wanted: string;
  readonly found: string;
}

export type Match = { readonly captures: Captures } | { readonly miss: Miss };

export function matchRule(rule: Rule, dialplan: Dialplan, request: RouteRequest): Match {
  const { when } = rule;
  const missed = missedCircumstance(rule, request) ?? missedTime(rule, dialplan, request);
  if (missed !== undefined) return { miss: missed };
  const to = matchParty(when.to, request.to);
  if (to === undefined)
    return { miss: { key: 'when.to', wanted: when.to ?? '', found: formatParty(when.to, request.to) } };
  const from = matchParty(when.from, request.from);
  if (from === undefined)
    return { miss: { key: 'when.from', wanted: when.from ?? '', found: formatParty(when.from, request.from) } };
  return { captures: capturesOf(dialplan, request, { to, from }) };
}

export function capturesOf(
  dialplan: Dialplan,
  request: RouteRequest,
  { to = [request.to.user], from = [request.from.user] }: Partial<Pick<Captures, 'to' | 'from'>> = {},
): Captures {
  const mapped = Object.hasOwn(dialplan.numbers, request.to.user) ? dialplan.numbers[request.to.user] : undefined;
  return { to, from, mapped };
}

/** Secure by default: a stranger matches only where a rule names him, and a trunk costs money, so only users reach it. */
export function sourcesOf(rule: Rule): readonly CallSource[] {
  if (rule.when.source !== undefined) return [rule.when.source].flat();
  return leadsToTrunk(rule.route) ? ['user'] : ['user', 'trunk'];
}

function missedCircumstance(rule: Rule, request: RouteRequest): Miss | undefined {
  const { when } = rule;
  const sources = sourcesOf(rule);
  if (!sources.includes(request.source))
    return { key: 'when.source', wanted: sources.join(' or '), found: request.source };
  if (when.toIsUser !== undefined && when.toIsUser !== request.isUser(request.to.user)) {
    const found = `${request.to.user} is ${when.toIsUser ? 'none' : 'one'}`;
    return { key: 'when.toIsUser', wanted: when.toIsUser ? 'one of our users' : 'none of our users', found };
  }
  return (
    missedValue('when.trunk', when.trunk, request.trunk) ??
    missedValue('when.tenant', when.tenant, request.tenant) ??
    missedValue('when.uri', when.uri, request.uri) ??
    missedHeader(rule, request)
  );
}

function missedHeader({ when }: Rule, request: RouteRequest): Miss | undefined {
  for (const [name, pattern] of Object.entries(when.headers ?? {})) {
    const miss = missedValue(`when.headers.${name}`, pattern, request.headers(name));
    if (miss !== undefined) return miss;
  }
  return undefined;
}

function missedValue(key: string, pattern: string | undefined, value: string | undefined): Miss | undefined {
  if (pattern === undefined || (value !== undefined && matchPattern(pattern, value) !== undefined)) return undefined;
  return { key, wanted: pattern, found: value ?? 'nothing' };
}

function missedTime({ when }: Rule, dialplan: Dialplan, { at }: RouteRequest): Miss | undefined {
  if (when.time === undefined || matchTime(when.time, at, dialplan)) return undefined;
  const wanted = Object.entries(when.time).map(([key, value]) => `${key} ${String(value)}`);
  return {
    key: 'when.time',
    wanted: wanted.join(', '),
    found: `${formatWallTime(at, dialplan.timezone)} ${dialplan.timezone}`,
  };
}

/** Host names are compared in lower case (RFC 3261 §19.1.4), user parts as they are. */
function matchParty(pattern: string | undefined, party: DialedParty): readonly string[] | undefined {
  if (pattern === undefined) return [party.user];
  const at = pattern.indexOf('@');
  if (at < 0) return matchPattern(pattern, party.user);
  const whole = pattern.slice(0, at) + pattern.slice(at).toLowerCase();
  const groups = matchPattern(whole, formatParty(pattern, party));
  return groups === undefined ? undefined : [party.user, ...groups.slice(1)];
}

function formatParty(pattern: string | undefined, { user, host }: DialedParty): string {
  return pattern?.includes('@') === true ? `${user}@${host.toLowerCase()}` : user;
}
