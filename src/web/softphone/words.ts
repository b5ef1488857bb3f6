/** What the page says about the line and the call. */
import type { CallState } from './call-state.ts';
import type { CallQuality, LineState } from './hook.ts';
import { sentence } from './trouble.ts';

export function lineWords(line: LineState, user: string | undefined): string {
  switch (line.kind) {
    case 'signed-out':
      return 'Signed out';
    case 'connecting':
      return 'Connecting…';
    case 'online':
      return user ?? 'Online';
    case 'reconnecting':
      return 'Reconnecting…';
    case 'refused':
      return 'Not signed in';
  }
}

export function callWords(call: CallState): string {
  switch (call.kind) {
    case 'idle':
      return '';
    case 'calling':
      return 'Calling…';
    case 'ringing':
      return call.hasEarlyMedia ? 'Connecting…' : 'Ringing…';
    case 'incoming':
      return 'is calling you';
    case 'answering':
      return 'Answering…';
    case 'active':
      return activeWords(call);
    case 'ended':
      return endWords(call);
  }
}

/** What is wrong; empty: nothing. */
export function troubleWords(line: LineState, call: CallState): string {
  if (line.kind === 'refused') return sentence(line.trouble);
  if (line.kind === 'reconnecting' && line.attempt > 2) return sentence('unreachable');
  if (call.kind !== 'active') return '';
  if (call.transfer?.kind === 'failed')
    return `Not transferred to ${call.transfer.to}. ${sentence(call.transfer.trouble)}`;
  return call.video?.trouble === undefined ? '' : sentence(call.video.trouble);
}

type ActiveCall = Extract<CallState, { kind: 'active' }>;

function activeWords({ transfer, isHeld, isHeldByOther, isMuted, isReconnecting }: ActiveCall): string {
  if (isReconnecting) return 'Connection lost, reconnecting…';
  if (transfer?.kind === 'running') return `Transferring to ${transfer.to}…`;
  if (isHeld && isHeldByOther) return 'On hold by both sides';
  if (isHeld) return 'On hold';
  if (isHeldByOther) return 'On hold by the other side';
  return isMuted ? 'Connected, you are muted' : 'Connected';
}

/** About the second call, in the bar above the first. */
export function otherWords(call: CallState): string {
  return call.kind === 'incoming' ? 'is calling you too' : callWords(call);
}

function endWords(call: Extract<CallState, { kind: 'ended' }>): string {
  if (call.trouble !== undefined) return sentence(call.trouble);
  if (call.transferredTo !== undefined) return `Transferred to ${call.transferredTo}`;
  return call.durationMs === undefined ? 'Call ended' : `Call ended after ${durationWords(call.durationMs)}`;
}

const two = (value: number): string => String(value).padStart(2, '0');

/** `1:05`, `1:02:03`. */
export function durationWords(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const rest = two(seconds % 60);
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${rest}`;
}

export function qualityWords(quality: CallQuality): string {
  if (quality.codec === undefined) return 'No sound yet';
  const parts = [
    quality.codec,
    `${(quality.lossShare * 100).toFixed(1)} % lost`,
    `jitter ${quality.jitterMs.toFixed(0)} ms`,
  ];
  if (quality.roundTripMs !== undefined) parts.push(`round trip ${quality.roundTripMs.toFixed(0)} ms`);
  return parts.join(' · ');
}

/** 0 nothing heard, 1 poor, 2 fair, 3 good: the bounds where people begin to notice. */
export function qualityLevel({ codec, lossShare, jitterMs, roundTripMs = 0 }: CallQuality): 0 | 1 | 2 | 3 {
  if (codec === undefined) return 0;
  if (lossShare > 0.05 || jitterMs > 60 || roundTripMs > 500) return 1;
  if (lossShare > 0.01 || jitterMs > 30 || roundTripMs > 300) return 2;
  return 3;
}
