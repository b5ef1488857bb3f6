/**
 * INVITE server transaction: RFC 3261 §17.2.1 with the Accepted state of RFC 6026 §7.1. Pure: the response that
 * 'send' and 'resend' mean is kept by the caller. A 2xx is retransmitted by its dialog, see success-retransmission.ts.
 */
import { type SetTimer, type Step, stay, wait } from './step.ts';
import { type TimerValues, transactionTimeout } from './timer-values.ts';

export type InviteServerTimer = 'G' | 'H' | 'I' | 'L';

export interface InviteServer {
  readonly kind: 'invite-server';
  readonly phase: 'proceeding' | 'accepted' | 'completed' | 'confirmed' | 'terminated';
  readonly reliable: boolean;
  /** Of timer G. */
  readonly interval: number;
}

export type InviteServerInput =
  /** The INVITE came again. */
  | { readonly kind: 'request' }
  | { readonly kind: 'ack' }
  | { readonly kind: 'respond'; readonly status: number }
  | { readonly kind: 'timer'; readonly timer: InviteServerTimer }
  /** Nobody will answer any more. */
  | { readonly kind: 'abandon' };

export type InviteServerOutput =
  /** Send the response just given. */
  | { readonly kind: 'send' }
  /** Send the last response again, if there is one. */
  | { readonly kind: 'resend' }
  /** An ACK to a 2xx, for the dialog. */
  | { readonly kind: 'deliver-ack' }
  | SetTimer<InviteServerTimer>
  | { readonly kind: 'clear-timers' };

type InviteServerStep = Step<InviteServer, InviteServerOutput>;

const SEND: InviteServerOutput = { kind: 'send' };
const RESEND: InviteServerOutput = { kind: 'resend' };
const CLEAR: InviteServerOutput = { kind: 'clear-timers' };

export function createInviteServer(reliable: boolean, timers: TimerValues): InviteServer {
  return { kind: 'invite-server', phase: 'proceeding', reliable, interval: timers.t1 };
}

export function stepInviteServer(tx: InviteServer, input: InviteServerInput, timers: TimerValues): InviteServerStep {
  if (tx.phase === 'terminated') return stay(tx);
  switch (input.kind) {
    case 'request': // in Accepted it is absorbed: the dialog repeats the 2xx by its own schedule
      return tx.phase === 'proceeding' || tx.phase === 'completed' ? { next: tx, outputs: [RESEND] } : stay(tx);
    case 'ack':
      return onAck(tx, timers);
    case 'respond':
      return onRespond(tx, input.status, timers);
    case 'timer':
      return onTimer(tx, input.timer, timers);
    case 'abandon':
      return tx.phase === 'proceeding' ? end(tx) : stay(tx);
  }
}

function onRespond(tx: InviteServer, status: number, timers: TimerValues): InviteServerStep {
  if (tx.phase === 'accepted') return status >= 200 && status < 300 ? { next: tx, outputs: [SEND] } : stay(tx);
  if (tx.phase !== 'proceeding') return stay(tx);
  if (status < 200) return { next: tx, outputs: [SEND] };
  const patience = transactionTimeout(timers);
  if (status < 300) return { next: { ...tx, phase: 'accepted' }, outputs: [SEND, wait('L', patience)] };
  const next: InviteServer = { ...tx, phase: 'completed' };
  return {
    next,
    outputs: tx.reliable ? [SEND, wait('H', patience)] : [SEND, wait('G', tx.interval), wait('H', patience)],
  };
}

function onAck(tx: InviteServer, timers: TimerValues): InviteServerStep {
  if (tx.phase === 'accepted') return { next: tx, outputs: [{ kind: 'deliver-ack' }] };
  if (tx.phase !== 'completed') return stay(tx);
  if (tx.reliable) return end(tx);
  return { next: { ...tx, phase: 'confirmed' }, outputs: [CLEAR, wait('I', timers.t4)] };
}

function onTimer(tx: InviteServer, timer: InviteServerTimer, timers: TimerValues): InviteServerStep {
  switch (timer) {
    case 'G': {
      if (tx.phase !== 'completed' || tx.reliable) return stay(tx);
      const interval = Math.min(tx.interval * 2, timers.t2);
      return { next: { ...tx, interval }, outputs: [RESEND, wait('G', interval)] };
    }
    case 'H':
      return tx.phase === 'completed' ? end(tx) : stay(tx);
    case 'I':
      return tx.phase === 'confirmed' ? end(tx) : stay(tx);
    case 'L':
      return tx.phase === 'accepted' ? end(tx) : stay(tx);
    default:
      return timer satisfies never;
  }
}

function end(tx: InviteServer): InviteServerStep {
  return { next: { ...tx, phase: 'terminated' }, outputs: [CLEAR] };
}
