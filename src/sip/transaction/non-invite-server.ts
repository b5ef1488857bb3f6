/** Non-INVITE server transaction: RFC 3261 §17.2.2. Pure: the caller keeps the response that 'resend' means. */
import { type SetTimer, type Step, stay, wait } from './step.ts';
import { type TimerValues, transactionTimeout } from './timer-values.ts';

type NonInviteServerTimer = 'J';

export interface NonInviteServer {
  readonly kind: 'non-invite-server';
  readonly phase: 'trying' | 'proceeding' | 'completed' | 'terminated';
  readonly reliable: boolean;
}

export type NonInviteServerInput =
  /** The request came again. */
  | { readonly kind: 'request' }
  | { readonly kind: 'respond'; readonly status: number }
  | { readonly kind: 'timer'; readonly timer: NonInviteServerTimer }
  /** Nobody will answer any more; a 408 would only do harm (RFC 4320 §4.1). */
  | { readonly kind: 'abandon' };

export type NonInviteServerOutput =
  | { readonly kind: 'send' }
  | { readonly kind: 'resend' }
  | SetTimer<NonInviteServerTimer>
  | { readonly kind: 'clear-timers' };

type NonInviteServerStep = Step<NonInviteServer, NonInviteServerOutput>;

const SEND: NonInviteServerOutput = { kind: 'send' };
const RESEND: NonInviteServerOutput = { kind: 'resend' };
const CLEAR: NonInviteServerOutput = { kind: 'clear-timers' };

export function createNonInviteServer(reliable: boolean): NonInviteServer {
  return { kind: 'non-invite-server', phase: 'trying', reliable };
}

export function stepNonInviteServer(
  tx: NonInviteServer,
  input: NonInviteServerInput,
  timers: TimerValues,
): NonInviteServerStep {
  if (tx.phase === 'terminated') return stay(tx);
  switch (input.kind) {
    case 'request':
      return tx.phase === 'trying' ? stay(tx) : { next: tx, outputs: [RESEND] };
    case 'respond':
      return onRespond(tx, input.status, timers);
    case 'timer':
      return tx.phase === 'completed' ? end(tx) : stay(tx);
    case 'abandon':
      return tx.phase === 'completed' ? stay(tx) : end(tx);
  }
}

function onRespond(tx: NonInviteServer, status: number, timers: TimerValues): NonInviteServerStep {
  if (tx.phase === 'completed') return stay(tx);
  if (status < 200) return { next: { ...tx, phase: 'proceeding' }, outputs: [SEND] };
  if (tx.reliable) return { next: { ...tx, phase: 'terminated' }, outputs: [SEND, CLEAR] };
  return { next: { ...tx, phase: 'completed' }, outputs: [SEND, wait('J', transactionTimeout(timers))] };
}

function end(tx: NonInviteServer): NonInviteServerStep {
  return { next: { ...tx, phase: 'terminated' }, outputs: [CLEAR] };
}
