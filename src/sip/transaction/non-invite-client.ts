/** Non-INVITE client transaction: RFC 3261 §17.1.2. Pure: sends and timers are outputs. */
import type { SipResponse } from '../message/index.ts';
import { type SetTimer, type Step, stay, wait } from './step.ts';
import { type TimerValues, transactionTimeout } from './timer-values.ts';

export type NonInviteClientTimer = 'E' | 'F' | 'K';

export interface NonInviteClient {
  readonly kind: 'non-invite-client';
  readonly phase: 'trying' | 'proceeding' | 'completed' | 'terminated';
  readonly reliable: boolean;
  /** Of timer E. */
  readonly interval: number;
}

export type NonInviteClientInput =
  | { readonly kind: 'start' }
  | { readonly kind: 'response'; readonly response: SipResponse }
  | { readonly kind: 'timer'; readonly timer: NonInviteClientTimer }
  | { readonly kind: 'transport-error' };

export type NonInviteClientOutput =
  | { readonly kind: 'send' }
  | { readonly kind: 'deliver'; readonly response: SipResponse }
  | SetTimer<NonInviteClientTimer>
  | { readonly kind: 'clear-timers' }
  | { readonly kind: 'failed'; readonly reason: 'timeout' | 'transport' };

type NonInviteClientStep = Step<NonInviteClient, NonInviteClientOutput>;

const SEND: NonInviteClientOutput = { kind: 'send' };
const CLEAR: NonInviteClientOutput = { kind: 'clear-timers' };

export function createNonInviteClient(reliable: boolean, timers: TimerValues): NonInviteClient {
  return { kind: 'non-invite-client', phase: 'trying', reliable, interval: timers.t1 };
}

export function stepNonInviteClient(
  tx: NonInviteClient,
  input: NonInviteClientInput,
  timers: TimerValues,
): NonInviteClientStep {
  if (tx.phase === 'terminated') return stay(tx);
  switch (input.kind) {
    case 'start': {
      const giveUp = wait('F', transactionTimeout(timers));
      return { next: tx, outputs: tx.reliable ? [SEND, giveUp] : [SEND, wait('E', tx.interval), giveUp] };
    }
    case 'response':
      return onResponse(tx, input.response, timers);
    case 'timer':
      return onTimer(tx, input.timer, timers);
    case 'transport-error':
      return tx.phase === 'completed' ? stay(tx) : fail(tx, 'transport');
  }
}

function onResponse(tx: NonInviteClient, response: SipResponse, timers: TimerValues): NonInviteClientStep {
  if (tx.phase === 'completed') return stay(tx); // retransmissions are absorbed
  const deliver: NonInviteClientOutput = { kind: 'deliver', response };
  if (response.status < 200) return { next: { ...tx, phase: 'proceeding' }, outputs: [deliver] };
  if (tx.reliable) return { next: { ...tx, phase: 'terminated' }, outputs: [CLEAR, deliver] };
  return { next: { ...tx, phase: 'completed' }, outputs: [CLEAR, wait('K', timers.t4), deliver] };
}

function onTimer(tx: NonInviteClient, timer: NonInviteClientTimer, timers: TimerValues): NonInviteClientStep {
  switch (timer) {
    case 'E': {
      if (tx.phase === 'completed' || tx.reliable) return stay(tx);
      const interval = tx.phase === 'proceeding' ? timers.t2 : Math.min(tx.interval * 2, timers.t2);
      return { next: { ...tx, interval }, outputs: [SEND, wait('E', interval)] };
    }
    case 'F':
      return tx.phase === 'completed' ? stay(tx) : fail(tx, 'timeout');
    case 'K':
      return tx.phase === 'completed' ? { next: { ...tx, phase: 'terminated' }, outputs: [CLEAR] } : stay(tx);
    default:
      return timer satisfies never;
  }
}

function fail(tx: NonInviteClient, reason: 'timeout' | 'transport'): NonInviteClientStep {
  return { next: { ...tx, phase: 'terminated' }, outputs: [CLEAR, { kind: 'failed', reason }] };
}
