/**
 * Our registration with a trunk: where the next REGISTER goes and when. Pure.
 * RFC 3261 §10.2 (refreshing, 423), RFC 3263 §4.3 (the next server), RFC 5626 §4.5 (times between attempts).
 */

export interface RegistrationPolicy {
  /** What is asked for; the server may say less, or with 423 more. */
  readonly expiresSec: number;
  /** Wait after the first round in which no server answered; it doubles with each. */
  readonly retryMs: number;
  readonly maxRetryMs: number;
  /** Wait after a refusal, which time alone will hardly mend; it doubles too, at most to MAX_REFUSED_MS. */
  readonly refusedRetryMs: number;
}

/** A server of the trunk as a registration sees it. */
export interface ServerChoice {
  readonly key: string;
  /** The lowest is preferred: by target and SRV priority. */
  readonly rank: number;
  /** It is not known to be down. */
  readonly isPromising: boolean;
}

interface Binding {
  readonly server: ServerChoice;
  readonly refreshAt: number;
  readonly expiresAt: number;
}

type Activity =
  | { readonly kind: 'waiting' }
  /** `isMove`: while the binding at another server is good. */
  | {
      readonly kind: 'asking';
      readonly server: ServerChoice;
      readonly rest: readonly ServerChoice[];
      readonly isMove: boolean;
    }
  | { readonly kind: 'ended'; readonly asked: ServerChoice | undefined };

export interface RegistrationState {
  readonly policy: RegistrationPolicy;
  /** What is asked for now: a server may have wanted more. */
  readonly expiresSec: number;
  readonly binding: Binding | undefined;
  readonly activity: Activity;
  /** Rounds that failed one after another. */
  readonly failures: number;
  /** No attempt that is needed goes out before. */
  readonly retryAt: number;
  /** No attempt to come back to a better server goes out before. */
  readonly moveAt: number;
  /** The last attempt was refused, and not just unanswered. */
  readonly isRefused: boolean;
  readonly lastStatus: number | undefined;
}

/** `chance` is from 0 to 1; `now` monotonic. */
export type RegistrationInput = { readonly now: number; readonly chance: number } & (
  | { readonly kind: 'due'; readonly servers: readonly ServerChoice[]; readonly isEngineUp: boolean }
  | {
      readonly kind: 'reply';
      readonly status: number;
      /** What a 2xx granted. */
      readonly expiresSec?: number | undefined;
      readonly minExpiresSec?: number | undefined;
      readonly retryAfterMs?: number | undefined;
    }
  /** The engine is another one: connections that the registrar knew are gone. */
  | { readonly kind: 'renew' }
  | { readonly kind: 'stop' }
);

export type RegistrationOutput =
  /** `expiresSec` 0: take the registration back. */
  | { readonly kind: 'register'; readonly server: string; readonly expiresSec: number }
  /** Give `due` after this time, and not before. */
  | { readonly kind: 'wait'; readonly ms: number };

export interface RegistrationStep {
  readonly state: RegistrationState;
  readonly outputs: readonly RegistrationOutput[];
}

/** How often the standing of the servers is looked at. */
export const CHECK_MS = 5_000;
/** Time for a round of attempts before a binding expires. */
const MARGIN_SEC = 35;
/** Whatever a registrar grants. */
const MIN_REFRESH_MS = 5_000;
/** Registrars that ask for more have lost their mind. */
const MAX_EXPIRES_SEC = 7 * 86_400;
export const MAX_REFUSED_MS = 3_600_000;
/** Statuses that speak of the server and not of us, silence and transport errors among them. */
const OF_SERVER = new Set([408, 430, 500, 502, 503, 504]);

export function startRegistration(policy: RegistrationPolicy): RegistrationState {
  return {
    policy,
    expiresSec: policy.expiresSec,
    binding: undefined,
    activity: { kind: 'waiting' },
    failures: 0,
    retryAt: Number.NEGATIVE_INFINITY,
    moveAt: Number.NEGATIVE_INFINITY,
    isRefused: false,
    lastStatus: undefined,
  };
}

export function isRegistered({ binding }: RegistrationState, now: number): boolean {
  return binding !== undefined && now < binding.expiresAt;
}

export function stepRegistration(state: RegistrationState, input: RegistrationInput): RegistrationStep {
  switch (input.kind) {
    case 'due':
      return state.activity.kind === 'waiting' ? onDue(state, input) : stay(state);
    case 'reply':
      return onReply(state, input);
    case 'renew':
      return onRenew(state, input.now);
    case 'stop':
      return onStop(state, input.now);
  }
}

type Due = Extract<RegistrationInput, { kind: 'due' }>;
type Reply = Extract<RegistrationInput, { kind: 'reply' }>;

function stay(state: RegistrationState, ...outputs: readonly RegistrationOutput[]): RegistrationStep {
  return { state, outputs };
}

function wait(state: RegistrationState, ms: number): RegistrationStep {
  return stay({ ...state, activity: { kind: 'waiting' } }, { kind: 'wait', ms: Math.max(1, Math.min(ms, CHECK_MS)) });
}

function ask(
  state: RegistrationState,
  [server, ...rest]: readonly [ServerChoice, ...ServerChoice[]],
  isMove: boolean,
): RegistrationStep {
  const output: RegistrationOutput = { kind: 'register', server: server.key, expiresSec: state.expiresSec };
  return stay({ ...state, activity: { kind: 'asking', server, rest, isMove } }, output);
}

function onDue(before: RegistrationState, { now, servers, isEngineUp }: Due): RegistrationStep {
  const state = isRegistered(before, now) ? before : { ...before, binding: undefined };
  const [first, ...others] = servers;
  if (first === undefined || !isEngineUp) return wait(state, 1_000);
  const { binding } = state;
  const current = servers.find(({ key }) => key === binding?.server.key);
  const isMoveDue = isBetter(first, current);
  if (binding !== undefined && now < binding.refreshAt) {
    const mayMove = isMoveDue && now >= state.moveAt;
    return mayMove ? ask(state, [first], true) : wait(state, binding.refreshAt - now);
  }
  if (now < state.retryAt) return wait(state, state.retryAt - now);
  // Where the registration lives it is refreshed, as long as no better place is known.
  if (current === undefined || isMoveDue) return ask(state, [first, ...others], false);
  return ask(state, [current, ...servers.filter((server) => server !== current)], false);
}

/** `current` undefined: where we are is no server of the trunk any more. */
function isBetter(first: ServerChoice, current: ServerChoice | undefined): boolean {
  if (!first.isPromising || first === current) return false;
  return current === undefined || !current.isPromising || first.rank < current.rank;
}

function onReply(state: RegistrationState, reply: Reply): RegistrationStep {
  const { activity } = state;
  const { status } = reply;
  if (activity.kind === 'ended') return onLateReply(state, activity.asked, reply);
  if (activity.kind !== 'asking') return stay(state);
  const heard = { ...state, lastStatus: status };
  if (status >= 200 && status < 300) return onGranted(heard, activity.server, reply);
  const wanted = reply.minExpiresSec ?? 0;
  if (status === 423 && wanted > state.expiresSec && wanted <= MAX_EXPIRES_SEC)
    return ask({ ...heard, expiresSec: wanted }, [activity.server, ...activity.rest], activity.isMove);
  const [next, ...rest] = activity.rest;
  if (OF_SERVER.has(status) && next !== undefined) return ask(heard, [next, ...rest], activity.isMove);
  return onFailed(heard, activity.isMove, reply);
}

function onGranted(state: RegistrationState, server: ServerChoice, reply: Reply): RegistrationStep {
  const granted = reply.expiresSec ?? 0;
  const sec = granted > 0 ? granted : state.expiresSec;
  const { now } = reply;
  const binding = { server, expiresAt: now + sec * 1000, refreshAt: now + refreshMs(sec, reply.chance) };
  const next = { ...state, binding, failures: 0, isRefused: false, retryAt: now, moveAt: now };
  return wait(next, binding.refreshAt - now);
}

/** Early enough for a round of attempts, and not at the same moment as everybody else. */
function refreshMs(sec: number, chance: number): number {
  const latest = sec >= 90 ? Math.min(0.9 * sec, sec - MARGIN_SEC) : 0.66 * sec;
  return Math.max(MIN_REFRESH_MS, latest * 1000 * (0.85 + 0.15 * chance));
}

function onFailed(state: RegistrationState, isMove: boolean, reply: Reply): RegistrationStep {
  const { now } = reply;
  // A binding that is good is not judged by a server that we only wanted to come back to.
  if (isMove) return wait({ ...state, moveAt: now + pauseMs({ ...state, failures: 4 }, reply) }, CHECK_MS);
  const isRefused = !OF_SERVER.has(reply.status);
  const failed = { ...state, failures: state.failures + 1, isRefused };
  const pause = Math.max(pauseMs(failed, reply), Math.min(reply.retryAfterMs ?? 0, MAX_REFUSED_MS));
  return wait({ ...failed, retryAt: now + pause }, pause);
}

function pauseMs({ policy, failures, isRefused }: RegistrationState, { chance }: Reply): number {
  const [base, most] = isRefused ? [policy.refusedRetryMs, MAX_REFUSED_MS] : [policy.retryMs, policy.maxRetryMs];
  const grown = Math.min(Math.max(base, most), base * 2 ** Math.min(failures - 1, 20));
  return grown * (0.5 + 0.5 * chance);
}

function onRenew(state: RegistrationState, now: number): RegistrationStep {
  if (state.activity.kind !== 'waiting') return stay(state);
  const { binding } = state;
  const again = binding === undefined ? undefined : { ...binding, refreshAt: Math.min(binding.refreshAt, now) };
  return wait({ ...state, binding: again, retryAt: now }, 1_000);
}

function onStop(state: RegistrationState, now: number): RegistrationStep {
  const { activity, binding } = state;
  if (activity.kind === 'ended') return stay(state);
  const asked = activity.kind === 'asking' ? activity.server : undefined;
  const ended: RegistrationState = { ...state, binding: undefined, activity: { kind: 'ended', asked } };
  // One REGISTER at a time (RFC 3261 §10.2): what is on its way there is taken back when it is answered.
  const isThere = binding !== undefined && now < binding.expiresAt && binding.server.key !== asked?.key;
  return isThere ? stay(ended, { kind: 'register', server: binding.server.key, expiresSec: 0 }) : stay(ended);
}

function onLateReply(state: RegistrationState, asked: ServerChoice | undefined, reply: Reply): RegistrationStep {
  const ended: RegistrationState = { ...state, activity: { kind: 'ended', asked: undefined } };
  if (asked === undefined || reply.status >= 300) return stay(ended);
  return stay(ended, { kind: 'register', server: asked.key, expiresSec: 0 });
}
