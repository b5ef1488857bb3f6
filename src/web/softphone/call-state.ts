/**
 * What the one call of the softphone may be, and how it moves: a pure step function. The words on the
 * screen, the sounds and the buttons all follow from this state and from nothing else.
 */
import type { Trouble } from './trouble.ts';

export type CallState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'calling'; readonly remote: string }
  | { readonly kind: 'ringing'; readonly remote: string; readonly hasEarlyMedia: boolean }
  | { readonly kind: 'incoming'; readonly remote: string }
  | { readonly kind: 'answering'; readonly remote: string }
  | { readonly kind: 'active'; readonly remote: string; readonly since: number; readonly isMuted: boolean }
  | {
      readonly kind: 'ended';
      readonly remote: string;
      readonly durationMs: number | undefined;
      readonly trouble: Trouble | undefined;
    };

export type CallInput =
  | { readonly kind: 'dialed'; readonly remote: string }
  | { readonly kind: 'progressed'; readonly hasEarlyMedia: boolean }
  | { readonly kind: 'invited'; readonly remote: string }
  | { readonly kind: 'accepted' }
  | { readonly kind: 'established' }
  | { readonly kind: 'muted'; readonly isMuted: boolean }
  | { readonly kind: 'ended'; readonly trouble: Trouble | undefined }
  | { readonly kind: 'dismissed' };

export const idle: CallState = { kind: 'idle' };

/** Whether a call is there, so that a second one must wait. */
export function isBusy(call: CallState): boolean {
  return call.kind !== 'idle' && call.kind !== 'ended';
}

/** The next state; `now` is monotonic milliseconds. An input that does not fit the state changes nothing. */
export function step(call: CallState, input: CallInput, now: number): CallState {
  switch (input.kind) {
    case 'dialed':
    case 'invited':
      return onStart(call, input);
    case 'progressed':
      return onProgress(call, input.hasEarlyMedia);
    case 'accepted':
      return call.kind === 'incoming' ? { kind: 'answering', remote: call.remote } : call;
    case 'established':
      return onEstablished(call, now);
    case 'muted':
      return call.kind === 'active' ? { ...call, isMuted: input.isMuted } : call;
    case 'ended':
      return onEnd(call, input.trouble, now);
    case 'dismissed':
      return call.kind === 'ended' ? idle : call;
  }
}

function onStart(
  call: CallState,
  { kind, remote }: { readonly kind: 'dialed' | 'invited'; readonly remote: string },
): CallState {
  if (isBusy(call)) return call;
  return { kind: kind === 'dialed' ? 'calling' : 'incoming', remote };
}

function onProgress(call: CallState, hasEarlyMedia: boolean): CallState {
  if (call.kind === 'calling') return { kind: 'ringing', remote: call.remote, hasEarlyMedia };
  if (call.kind === 'ringing' && hasEarlyMedia && !call.hasEarlyMedia) return { ...call, hasEarlyMedia };
  return call;
}

function onEstablished(call: CallState, now: number): CallState {
  if (call.kind !== 'calling' && call.kind !== 'ringing' && call.kind !== 'answering') return call;
  return { kind: 'active', remote: call.remote, since: now, isMuted: false };
}

function onEnd(call: CallState, trouble: Trouble | undefined, now: number): CallState {
  if (call.kind === 'idle' || call.kind === 'ended') return call;
  const durationMs = call.kind === 'active' ? now - call.since : undefined;
  return { kind: 'ended', remote: call.remote, durationMs, trouble };
}
