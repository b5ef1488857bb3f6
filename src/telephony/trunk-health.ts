/**
 * What is known of one resolved address of a trunk: from OPTIONS sent to it, and from how calls fared there. Pure.
 * Health belongs to the address, never to the name: one of four servers behind a name may be dead.
 */

export interface HealthPolicy {
  /** Between two OPTIONS; 0: none are sent. */
  readonly intervalMs: number;
  /** After this an OPTIONS counts as unanswered. */
  readonly timeoutMs: number;
  /** So many in a row unanswered: the server is down. */
  readonly failures: number;
  /** So many in a row answered: it is up again. */
  readonly successes: number;
  /** How long a server comes last after a call to it failed. */
  readonly suspectMs: number;
  /** Whether servers that are down are tried when there is no other. A wrong verdict must not cut off the only way. */
  readonly lastResort: boolean;
}

export const DEFAULT_HEALTH: HealthPolicy = {
  intervalMs: 30_000,
  timeoutMs: 5_000,
  failures: 2,
  successes: 1,
  suspectMs: 30_000,
  lastResort: true,
};

export interface ServerHealth {
  readonly verdict: 'unknown' | 'up' | 'down';
  /** OPTIONS in a row that speak against the verdict. */
  readonly streak: number;
  /** On the Clock's `now()`, as `restUntil`. */
  readonly suspectUntil: number;
  /** The server itself has asked for no requests until then (503 with Retry-After). */
  readonly restUntil: number;
}

export type HealthEvent =
  | { readonly kind: 'probe-answered' }
  | { readonly kind: 'probe-failed' }
  /** 503 with Retry-After, to an OPTIONS or a call. */
  | { readonly kind: 'overloaded'; readonly retryAfterMs: number }
  /** A call found nobody there. */
  | { readonly kind: 'call-failed' }
  /** A call got a response of any other kind: somebody is there. */
  | { readonly kind: 'call-heard' };

/** `up` and `unknown` are tried first, `suspect` after them, `down` only when the trunk allows, `resting` never. */
export type Standing = 'up' | 'unknown' | 'suspect' | 'down' | 'resting';

export function isPromising(standing: Standing): boolean {
  return standing === 'up' || standing === 'unknown';
}

/** A server must not be silenced for longer than this by one careless header. */
const MAX_REST_MS = 300_000;

export const UNKNOWN_HEALTH: ServerHealth = { verdict: 'unknown', streak: 0, suspectUntil: 0, restUntil: 0 };

export function stepHealth(health: ServerHealth, event: HealthEvent, policy: HealthPolicy, now: number): ServerHealth {
  switch (event.kind) {
    case 'probe-answered':
      return onProbeAnswered(health, policy);
    case 'probe-failed':
      return onProbeFailed(health, policy);
    case 'overloaded':
      return { ...health, restUntil: now + Math.min(event.retryAfterMs, MAX_REST_MS) };
    case 'call-failed':
      return { ...health, suspectUntil: now + policy.suspectMs };
    case 'call-heard':
      return { verdict: 'up', streak: 0, suspectUntil: 0, restUntil: 0 };
  }
}

function onProbeAnswered(health: ServerHealth, { successes }: HealthPolicy): ServerHealth {
  const streak = health.streak + 1;
  if (health.verdict === 'down' && streak < successes) return { ...health, streak };
  return { ...health, verdict: 'up', streak: 0 };
}

function onProbeFailed(health: ServerHealth, { failures }: HealthPolicy): ServerHealth {
  if (health.verdict === 'down') return { ...health, streak: 0 };
  const streak = health.streak + 1;
  return streak < failures ? { ...health, streak } : { ...health, verdict: 'down', streak: 0 };
}

export function standingOf(health: ServerHealth, now: number): Standing {
  if (health.restUntil > now) return 'resting';
  if (health.verdict === 'down') return 'down';
  return health.suspectUntil > now ? 'suspect' : health.verdict;
}

const RANKS: Readonly<Record<Standing, number>> = { up: 0, unknown: 0, suspect: 1, down: 2, resting: 3 };

/** The order of RFC 3263 as far as health allows: within one rank it stays as it was. */
export function byStanding<Item>(
  items: readonly { readonly item: Item; readonly standing: Standing }[],
  allowDown: boolean,
): readonly Item[] {
  return items
    .filter(({ standing }) => standing !== 'resting' && (allowDown || standing !== 'down'))
    .toSorted((a, b) => RANKS[a.standing] - RANKS[b.standing])
    .map(({ item }) => item);
}

/** The seconds of a Retry-After header as milliseconds (RFC 3261 §20.33); undefined when there is none. */
export function retryAfterMs(header: string | undefined): number | undefined {
  const seconds = /^\s*(\d{1,9})/.exec(header ?? '')?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}
