/**
 * The 2xx to an INVITE until its ACK: RFC 3261 §13.3.1.4. It outlives the server transaction's part in it, so the
 * dialog owns it. On a reliable transport nothing is repeated, only the patience runs. Pure.
 */
import { type SetTimer, type Step, stay, wait } from './step.ts';
import { type TimerValues, transactionTimeout } from './timer-values.ts';

export type SuccessTimer = 'retransmit' | 'give-up';

export interface SuccessRetransmission {
  readonly kind: 'success-retransmission';
  readonly phase: 'waiting' | 'acknowledged' | 'unacknowledged';
  readonly reliable: boolean;
  readonly interval: number;
}

export type SuccessInput =
  /** The 2xx has been sent the first time. */
  { readonly kind: 'start' } | { readonly kind: 'ack' } | { readonly kind: 'timer'; readonly timer: SuccessTimer };

type SuccessOutput =
  | { readonly kind: 'resend' }
  | SetTimer<SuccessTimer>
  | { readonly kind: 'clear-timers' }
  /** The first ACK. */
  | { readonly kind: 'acknowledged' }
  /** 64·T1 passed without ACK: the dialog is to be ended with a BYE. */
  | { readonly kind: 'unacknowledged' };

type SuccessStep = Step<SuccessRetransmission, SuccessOutput>;

const CLEAR: SuccessOutput = { kind: 'clear-timers' };

export function createSuccessRetransmission(reliable: boolean, timers: TimerValues): SuccessRetransmission {
  return { kind: 'success-retransmission', phase: 'waiting', reliable, interval: timers.t1 };
}

export function stepSuccess(tx: SuccessRetransmission, input: SuccessInput, timers: TimerValues): SuccessStep {
  if (tx.phase !== 'waiting') return stay(tx);
  switch (input.kind) {
    case 'start': {
      const giveUp = wait('give-up', transactionTimeout(timers));
      return { next: tx, outputs: tx.reliable ? [giveUp] : [wait('retransmit', tx.interval), giveUp] };
    }
    case 'ack':
      return { next: { ...tx, phase: 'acknowledged' }, outputs: [CLEAR, { kind: 'acknowledged' }] };
    case 'timer': {
      if (input.timer === 'give-up') {
        return { next: { ...tx, phase: 'unacknowledged' }, outputs: [CLEAR, { kind: 'unacknowledged' }] };
      }
      const interval = Math.min(tx.interval * 2, timers.t2);
      return { next: { ...tx, interval }, outputs: [{ kind: 'resend' }, wait('retransmit', interval)] };
    }
  }
}
