/**
 * What one call of the softphone may be, and how it moves: a pure step function. The words on the
 * screen, the sounds and the buttons all follow from this state and from nothing else.
 */
import type { Trouble } from './trouble.ts';

export type CallState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'calling'; readonly remote: string }
  | { readonly kind: 'ringing'; readonly remote: string; readonly hasEarlyMedia: boolean }
  | { readonly kind: 'incoming'; readonly remote: string; readonly hasVideo: boolean }
  | { readonly kind: 'answering'; readonly remote: string }
  | {
      readonly kind: 'active';
      readonly remote: string;
      readonly since: number;
      readonly isMuted: boolean;
      readonly isHeld: boolean;
      /** The other side has put us on hold. */
      readonly isHeldByOther: boolean;
      /** Nothing gets through at the moment; ICE is being restarted. */
      readonly isReconnecting: boolean;
      readonly transfer: TransferView | undefined;
      /** Undefined: a call of audio alone. */
      readonly video: VideoView | undefined;
    }
  | {
      readonly kind: 'ended';
      readonly remote: string;
      readonly durationMs: number | undefined;
      readonly trouble: Trouble | undefined;
      /** With whom the other party talks now. */
      readonly transferredTo: string | undefined;
    };

/** What we send of a call's video. */
export interface VideoView {
  readonly isCameraOff: boolean;
  /** Why the other side sees nothing of us. */
  readonly trouble: Trouble | undefined;
}

/** A transfer that is under way, or what became of it. */
export type TransferView =
  | { readonly kind: 'running'; readonly to: string }
  | { readonly kind: 'failed'; readonly to: string; readonly trouble: Trouble };

export type CallInput =
  | { readonly kind: 'dialed'; readonly remote: string }
  | { readonly kind: 'progressed'; readonly hasEarlyMedia: boolean }
  | { readonly kind: 'invited'; readonly remote: string; readonly hasVideo: boolean }
  | { readonly kind: 'accepted' }
  | { readonly kind: 'established' }
  | { readonly kind: 'muted'; readonly isMuted: boolean }
  | { readonly kind: 'held'; readonly isHeld: boolean }
  | { readonly kind: 'held-by-other'; readonly isHeld: boolean }
  | { readonly kind: 'media-away'; readonly isAway: boolean }
  | { readonly kind: 'video'; readonly video: VideoView | undefined }
  | { readonly kind: 'transferring'; readonly to: string }
  | { readonly kind: 'transferred' }
  | { readonly kind: 'transfer-failed'; readonly trouble: Trouble }
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
      return isBusy(call) ? call : { kind: 'calling', remote: input.remote };
    case 'invited':
      return isBusy(call) ? call : { kind: 'incoming', remote: input.remote, hasVideo: input.hasVideo };
    case 'progressed':
      return onProgress(call, input.hasEarlyMedia);
    case 'accepted':
      return call.kind === 'incoming' ? { kind: 'answering', remote: call.remote } : call;
    case 'established':
      return onEstablished(call, now);
    case 'muted':
      return call.kind === 'active' ? { ...call, isMuted: input.isMuted } : call;
    case 'held':
      return call.kind === 'active' ? { ...call, isHeld: input.isHeld } : call;
    case 'held-by-other':
      return call.kind === 'active' ? { ...call, isHeldByOther: input.isHeld } : call;
    case 'media-away':
      return call.kind === 'active' ? { ...call, isReconnecting: input.isAway } : call;
    case 'video':
      return onVideo(call, input.video);
    case 'transferring':
    case 'transferred':
    case 'transfer-failed':
      return onTransfer(call, input, now);
    case 'ended':
      return onEnd(call, input.trouble, now);
    case 'dismissed':
      return call.kind === 'ended' ? idle : call;
  }
}

function onProgress(call: CallState, hasEarlyMedia: boolean): CallState {
  if (call.kind === 'calling') return { kind: 'ringing', remote: call.remote, hasEarlyMedia };
  if (call.kind === 'ringing' && hasEarlyMedia && !call.hasEarlyMedia) return { ...call, hasEarlyMedia };
  return call;
}

function onEstablished(call: CallState, now: number): CallState {
  if (call.kind !== 'calling' && call.kind !== 'ringing' && call.kind !== 'answering') return call;
  return {
    kind: 'active',
    remote: call.remote,
    since: now,
    isMuted: false,
    isHeld: false,
    isHeldByOther: false,
    isReconnecting: false,
    transfer: undefined,
    video: undefined,
  };
}

function onVideo(call: CallState, video: VideoView | undefined): CallState {
  if (call.kind !== 'active') return call;
  const isSame = video?.isCameraOff === call.video?.isCameraOff && video?.trouble === call.video?.trouble;
  return isSame && (video === undefined) === (call.video === undefined) ? call : { ...call, video };
}

type TransferInput = Extract<CallInput, { kind: 'transferring' | 'transferred' | 'transfer-failed' }>;

function onTransfer(call: CallState, input: TransferInput, now: number): CallState {
  if (call.kind !== 'active') return call;
  if (input.kind === 'transferring') return { ...call, transfer: { kind: 'running', to: input.to } };
  if (call.transfer?.kind !== 'running') return call;
  const { to } = call.transfer;
  if (input.kind === 'transfer-failed') return { ...call, transfer: { kind: 'failed', to, trouble: input.trouble } };
  return { kind: 'ended', remote: call.remote, durationMs: now - call.since, trouble: undefined, transferredTo: to };
}

function onEnd(call: CallState, trouble: Trouble | undefined, now: number): CallState {
  if (call.kind === 'idle' || call.kind === 'ended') return call;
  const durationMs = call.kind === 'active' ? now - call.since : undefined;
  return { kind: 'ended', remote: call.remote, durationMs, trouble, transferredTo: undefined };
}
