/**
 * Which server of a trunk gets a call, and which is next: a hunt that rings one phone at most. Pure.
 * The next server is tried only while nobody can have heard the phone ring and the last one has said nothing about the
 * number: a transport error, silence, or a failure of the server itself (RFC 3263 §4.3, RFC 3261 §16.7, §21.5).
 */

import { mayRing } from '../calls/index.ts';

export interface HuntPolicy {
  /** How long a server may be silent, or say no more than 100, before the next one is tried. */
  readonly tryTimeoutMs: number;
  /** The 5xx that speak of the server and not of the call. */
  readonly failoverOn: readonly number[];
  /** The last server gets no more time than the others, though nobody comes after it. Default false. */
  readonly isBrief?: boolean;
}

/** 501, 505, 513 and 580 speak of the request: another server would say the same. */
export const DEFAULT_HUNT: HuntPolicy = { tryTimeoutMs: 6_000, failoverOn: [500, 502, 503, 504] };

export interface Hunt {
  readonly policy: HuntPolicy;
  readonly servers: number;
  /** Whether another trunk follows: then the last server may not keep the caller waiting either. */
  readonly moreFollow: boolean;
  /** The server being tried, from 0. */
  readonly current: number;
  /** Some server has let the phone ring, or may have. */
  readonly hasRung: boolean;
  readonly state: 'trying' | 'cancelled' | 'over';
}

/** `server` is the number of the attempt an event belongs to. */
export type HuntInput =
  /** A 1xx above 100. */
  | { readonly kind: 'provisional'; readonly server: number; readonly status: number; readonly hasBody: boolean }
  | { readonly kind: 'answered'; readonly server: number }
  | { readonly kind: 'failed'; readonly server: number; readonly status: number }
  /** The time of the server is over. */
  | { readonly kind: 'silent'; readonly server: number }
  /** The call does not want this leg any more. */
  | { readonly kind: 'cancel' };

export type HuntOutput =
  /** Try a server. `waitMs` undefined: for as long as the call rings. */
  | { readonly kind: 'invite'; readonly server: number; readonly waitMs: number | undefined }
  /** The server has said more than 100: it is not silent. */
  | { readonly kind: 'clear-timer' }
  | { readonly kind: 'cancel'; readonly server: number }
  /** Its 200 came too late: acknowledge and BYE. */
  | { readonly kind: 'release'; readonly server: number }
  /** What the attempt says about the server's health. */
  | { readonly kind: 'health'; readonly server: number; readonly isThere: boolean }
  /** Tell the call. */
  | { readonly kind: 'ringing' }
  | { readonly kind: 'answered' }
  | { readonly kind: 'failed'; readonly status: number };

export interface HuntStep {
  readonly hunt: Hunt;
  readonly outputs: readonly HuntOutput[];
}

/** Nobody answered. */
const SILENCE = 408;

/** `servers` must be at least 1. */
export function startHunt(policy: HuntPolicy, servers: number, moreFollow: boolean): HuntStep {
  const hunt: Hunt = { policy, servers, moreFollow, current: 0, hasRung: false, state: 'trying' };
  return { hunt, outputs: [invite(hunt)] };
}

export function stepHunt(hunt: Hunt, input: HuntInput): HuntStep {
  if (input.kind === 'cancel') return onCancel(hunt);
  if (input.server !== hunt.current) return onAbandoned(hunt, input);
  if (hunt.state === 'over') return stay(hunt);
  switch (input.kind) {
    case 'provisional':
      return onProvisional(hunt, input.status, input.hasBody);
    case 'answered':
      return over(hunt, { kind: 'clear-timer' }, heardFrom(hunt), { kind: 'answered' });
    case 'failed':
      return onFailed(hunt, input.status);
    case 'silent':
      return hunt.state === 'trying' && !hunt.hasRung ? onSilent(hunt) : stay(hunt);
  }
}

function stay(hunt: Hunt, ...outputs: readonly HuntOutput[]): HuntStep {
  return { hunt, outputs };
}

function over(hunt: Hunt, ...outputs: readonly HuntOutput[]): HuntStep {
  return { hunt: { ...hunt, state: 'over' }, outputs };
}

/** The last server is waited for, unless somebody else can do better: there is nothing to be won by giving up. */
function invite(hunt: Hunt): HuntOutput {
  const { tryTimeoutMs, isBrief = false } = hunt.policy;
  const isLast = hunt.current === hunt.servers - 1 && !hunt.moreFollow;
  return { kind: 'invite', server: hunt.current, waitMs: isLast && !isBrief ? undefined : tryTimeoutMs };
}

function heardFrom(hunt: Hunt): HuntOutput {
  return { kind: 'health', server: hunt.current, isThere: true };
}

function onProvisional(hunt: Hunt, status: number, hasBody: boolean): HuntStep {
  const rings = hasBody || mayRing(status);
  return stay({ ...hunt, hasRung: hunt.hasRung || rings }, { kind: 'clear-timer' }, heardFrom(hunt), {
    kind: 'ringing',
  });
}

function onFailed(hunt: Hunt, status: number): HuntStep {
  // A call taken back says nothing about who was called.
  if (hunt.state === 'cancelled') return over(hunt, { kind: 'clear-timer' }, { kind: 'failed', status });
  const isNobody = status === SILENCE || status === 503;
  const health: HuntOutput = { kind: 'health', server: hunt.current, isThere: !isNobody || hunt.hasRung };
  const allowsNext = status === SILENCE || status === 430 || hunt.policy.failoverOn.includes(status);
  return allowsNext && !hunt.hasRung
    ? next(hunt, status, health)
    : over(hunt, { kind: 'clear-timer' }, health, { kind: 'failed', status });
}

function onSilent(hunt: Hunt): HuntStep {
  return next(
    hunt,
    SILENCE,
    { kind: 'health', server: hunt.current, isThere: false },
    { kind: 'cancel', server: hunt.current },
  );
}

function next(hunt: Hunt, status: number, ...before: readonly HuntOutput[]): HuntStep {
  const following: Hunt = { ...hunt, current: hunt.current + 1 };
  if (following.current < hunt.servers) return stay(following, { kind: 'clear-timer' }, ...before, invite(following));
  // Whatever comes of the last server now comes too late.
  return over(following, { kind: 'clear-timer' }, ...before, { kind: 'failed', status });
}

/** Something of a server that was given up. If its phone rings after all, no other than the current may follow. */
function onAbandoned(hunt: Hunt, input: Exclude<HuntInput, { kind: 'cancel' }>): HuntStep {
  switch (input.kind) {
    case 'provisional':
      return stay({ ...hunt, hasRung: hunt.hasRung || input.hasBody || mayRing(input.status) });
    case 'answered':
      return stay({ ...hunt, hasRung: true }, { kind: 'release', server: input.server });
    case 'failed':
    case 'silent':
      return stay(hunt);
  }
}

function onCancel(hunt: Hunt): HuntStep {
  if (hunt.state !== 'trying') return stay(hunt);
  return stay({ ...hunt, state: 'cancelled' }, { kind: 'clear-timer' }, { kind: 'cancel', server: hunt.current });
}
