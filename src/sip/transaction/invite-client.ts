/**
 * INVITE client transaction: RFC 3261 §17.1.1 with the Accepted state of RFC 6026 §7.2, and what a UAC owes after it
 * canceled (RFC 3261 §9.1) or let a phone ring too long (timer C). Pure: sends and timers are outputs.
 */
import type { SipResponse } from '../message/index.ts';
import { type SetTimer, type Step, stay, wait } from './step.ts';
import { type TimerValues, transactionTimeout } from './timer-values.ts';

export type InviteClientTimer = 'A' | 'B' | 'C' | 'D' | 'M' | 'cancel';

export interface InviteClient {
  readonly kind: 'invite-client';
  readonly phase: 'calling' | 'proceeding' | 'accepted' | 'completed' | 'terminated';
  readonly reliable: boolean;
  /** Of timer A. */
  readonly interval: number;
  /** A CANCEL has been sent. */
  readonly isCanceled: boolean;
}

export type InviteClientInput =
  | { readonly kind: 'start' }
  | { readonly kind: 'response'; readonly response: SipResponse }
  | { readonly kind: 'timer'; readonly timer: InviteClientTimer }
  /** A CANCEL for this transaction has just been sent. */
  | { readonly kind: 'canceled' }
  | { readonly kind: 'transport-error' };

export type InviteClientOutput =
  | { readonly kind: 'send' }
  /** Acknowledge this response ≥ 300 (§17.1.1.3). */
  | { readonly kind: 'ack'; readonly response: SipResponse }
  | { readonly kind: 'deliver'; readonly response: SipResponse }
  /** Timer C: send a CANCEL, then say so. */
  | { readonly kind: 'cancel' }
  | SetTimer<InviteClientTimer>
  | { readonly kind: 'clear-timers' }
  /** No final response came: 'canceled' when none came after the CANCEL either. */
  | { readonly kind: 'failed'; readonly reason: 'timeout' | 'canceled' | 'transport' };

type InviteClientStep = Step<InviteClient, InviteClientOutput>;

const SEND: InviteClientOutput = { kind: 'send' };
const CLEAR: InviteClientOutput = { kind: 'clear-timers' };
/** Timer D on unreliable transports: at least 32 s, whatever T1 is. */
const WAIT_D = 32_000;

export function createInviteClient(reliable: boolean, timers: TimerValues): InviteClient {
  return { kind: 'invite-client', phase: 'calling', reliable, interval: timers.t1, isCanceled: false };
}

export function stepInviteClient(tx: InviteClient, input: InviteClientInput, timers: TimerValues): InviteClientStep {
  if (tx.phase === 'terminated') return stay(tx);
  switch (input.kind) {
    case 'start':
      return onStart(tx, timers);
    case 'response':
      return onResponse(tx, input.response, timers);
    case 'timer':
      return onTimer(tx, input.timer);
    case 'canceled':
      return onCanceled(tx, timers);
    case 'transport-error':
      return onTransportError(tx);
  }
}

function onStart(tx: InviteClient, timers: TimerValues): InviteClientStep {
  const giveUp = wait('B', transactionTimeout(timers));
  return { next: tx, outputs: tx.reliable ? [SEND, giveUp] : [SEND, wait('A', tx.interval), giveUp] };
}

function onResponse(tx: InviteClient, response: SipResponse, timers: TimerValues): InviteClientStep {
  switch (tx.phase) {
    case 'calling':
    case 'proceeding':
      if (response.status < 200) return onProvisional(tx, response, timers);
      return onFinal(tx, response, timers);
    case 'accepted': // every 2xx goes up, retransmissions and other forks alike (RFC 6026 §7.2)
      return isSuccess(response) ? { next: tx, outputs: [{ kind: 'deliver', response }] } : stay(tx);
    case 'completed': // a retransmitted final is acknowledged again and not delivered
      return response.status >= 300 ? { next: tx, outputs: [{ kind: 'ack', response }] } : stay(tx);
    case 'terminated':
      return stay(tx);
  }
}

function onProvisional(tx: InviteClient, response: SipResponse, timers: TimerValues): InviteClientStep {
  const deliver: InviteClientOutput = { kind: 'deliver', response };
  if (tx.phase === 'calling') {
    return { next: { ...tx, phase: 'proceeding' }, outputs: [CLEAR, wait('C', timers.timerC), deliver] };
  }
  const prolongs = response.status > 100 && !tx.isCanceled;
  return { next: tx, outputs: prolongs ? [wait('C', timers.timerC), deliver] : [deliver] };
}

function onFinal(tx: InviteClient, response: SipResponse, timers: TimerValues): InviteClientStep {
  const deliver: InviteClientOutput = { kind: 'deliver', response };
  if (isSuccess(response)) {
    return { next: { ...tx, phase: 'accepted' }, outputs: [CLEAR, wait('M', transactionTimeout(timers)), deliver] };
  }
  const ack: InviteClientOutput = { kind: 'ack', response };
  if (tx.reliable) return { next: { ...tx, phase: 'terminated' }, outputs: [CLEAR, ack, deliver] };
  return { next: { ...tx, phase: 'completed' }, outputs: [CLEAR, ack, wait('D', WAIT_D), deliver] };
}

function onTimer(tx: InviteClient, timer: InviteClientTimer): InviteClientStep {
  switch (timer) {
    case 'A': {
      if (tx.phase !== 'calling' || tx.reliable) return stay(tx);
      const interval = tx.interval * 2;
      return { next: { ...tx, interval }, outputs: [SEND, wait('A', interval)] };
    }
    case 'B':
      return tx.phase === 'calling' ? fail(tx, 'timeout') : stay(tx);
    case 'C':
      return tx.phase === 'proceeding' && !tx.isCanceled ? { next: tx, outputs: [{ kind: 'cancel' }] } : stay(tx);
    case 'cancel':
      return tx.phase === 'proceeding' ? fail(tx, 'canceled') : stay(tx);
    case 'D':
      return tx.phase === 'completed' ? { next: { ...tx, phase: 'terminated' }, outputs: [CLEAR] } : stay(tx);
    case 'M':
      return tx.phase === 'accepted' ? { next: { ...tx, phase: 'terminated' }, outputs: [CLEAR] } : stay(tx);
    default:
      return timer satisfies never;
  }
}

/** A canceled request that nobody ends is over after 64·T1 (§9.1). Before a provisional there is nothing to cancel. */
function onCanceled(tx: InviteClient, timers: TimerValues): InviteClientStep {
  if (tx.phase !== 'proceeding' || tx.isCanceled) return stay(tx);
  return { next: { ...tx, isCanceled: true }, outputs: [CLEAR, wait('cancel', transactionTimeout(timers))] };
}

function onTransportError(tx: InviteClient): InviteClientStep {
  if (tx.phase === 'calling' || tx.phase === 'proceeding') return fail(tx, 'transport');
  // An ACK that could not be sent: nobody is left to tell.
  return tx.phase === 'completed' ? { next: { ...tx, phase: 'terminated' }, outputs: [CLEAR] } : stay(tx);
}

function fail(tx: InviteClient, reason: 'timeout' | 'canceled' | 'transport'): InviteClientStep {
  return { next: { ...tx, phase: 'terminated' }, outputs: [CLEAR, { kind: 'failed', reason }] };
}

function isSuccess(response: SipResponse): boolean {
  return response.status >= 200 && response.status < 300;
}
