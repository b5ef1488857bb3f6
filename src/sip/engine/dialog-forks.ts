/**
 * The early dialogs of one INVITE that was forked on its way. Applications know a single dialog, the one heard last
 * (drachtio-protocol §6.5); the others are put aside here, so that a PRACK or UPDATE reaches the phone it is for.
 */
import type { SipMessage } from '../message/index.ts';
import { adoptResponse, type Dialog } from './dialog.ts';
import type { DialogWork } from './dialog-table.ts';
import type { MessageFacts } from './message-facts.ts';
import type { Flow } from './ports.ts';

/** Nobody rings at more phones than this in earnest. */
const MAX_FORKS = 32;

/** The dialog heard last, or the one put aside that has this remote tag. */
export function forkOf(work: DialogWork, remoteTag: string): Dialog {
  const { dialog, forks } = work;
  return forks === undefined || dialog.remoteTag === remoteTag ? dialog : (forks.get(remoteTag) ?? dialog);
}

/** A response to our INVITE: its fork is the one spoken of from now on. */
export function adoptFork(
  work: DialogWork,
  heard: { readonly message: SipMessage; readonly facts: MessageFacts; readonly flow: Flow },
): void {
  const { dialog } = work;
  const { facts, message } = heard;
  if (dialog.remoteTag !== facts.toTag && !dialog.isConfirmed) switchTo(work, facts.toTag);
  adoptResponse(dialog, message, facts);
}

function switchTo(work: DialogWork, remoteTag: string): void {
  const { dialog } = work;
  work.forks ??= new Map();
  const { forks } = work;
  if (forks.size < MAX_FORKS) forks.set(dialog.remoteTag, { ...dialog });
  const known = forks.get(remoteTag);
  forks.delete(remoteTag);
  dialog.remoteTag = remoteTag;
  dialog.remoteTarget = known?.remoteTarget ?? '';
  dialog.routeSet = known?.routeSet ?? [];
  dialog.remoteSeq = known?.remoteSeq ?? 0;
  dialog.hasAnswer = known?.hasAnswer ?? false;
}
