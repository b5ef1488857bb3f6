/** What INVITE and profile agree on beside the media: reliable provisional responses and the session timer. */
import { SUPPORTED_IN_DIALOG } from './allow.ts';
import type { ProfilePolicy } from './options.ts';
import { reliabilityOf } from './reliability.ts';
import { answeredTimer, offeredTimer } from './session-timer.ts';
import type { SipHeaders } from './sip-ports.ts';

export interface InviteTerms {
  /** Provisional responses above 100 are sent reliably. */
  readonly isReliable: boolean;
  /** For the 200. */
  readonly answerHeaders: SipHeaders;
}

export type JudgedTerms =
  | { readonly kind: 'accepted'; readonly terms: InviteTerms }
  | { readonly kind: 'refused'; readonly status: number; readonly headers: SipHeaders };

/** Of a caller's INVITE. */
export function judgeTerms(profile: ProfilePolicy, header: (name: string) => string | undefined): JudgedTerms {
  const reliability = reliabilityOf(profile.reliableProvisional ?? 'supported', header);
  if (reliability.kind === 'refused') return reliability;
  const timer = profile.sessionTimer === undefined ? undefined : answeredTimer(profile.sessionTimer, header);
  if (timer?.kind === 'too-short') return { kind: 'refused', status: 422, headers: timer.headers };
  // Asked for what we send, we owe the word that we take none (RFC 6086 §5.2.3).
  const packages: SipHeaders = header('Recv-Info') === undefined ? {} : { 'Recv-Info': '' };
  const answerHeaders = { Supported: supportedBy(profile), ...packages, ...timer?.headers };
  return { kind: 'accepted', terms: { isReliable: reliability.isReliable, answerHeaders } };
}

/** For an INVITE of ours. `minSe`: what a 422 has asked for, seconds. */
export function offeredTerms(profile: ProfilePolicy, minSe = 0): SipHeaders {
  return {
    Supported: supportedBy(profile),
    ...(profile.reliableProvisional === 'required' ? { Require: '100rel' } : {}),
    ...(profile.sessionTimer === undefined ? {} : offeredTimer(profile.sessionTimer, minSe)),
  };
}

/** `timer` also without a policy: who wants to refresh may, the engine answers (RFC 4028 §9). */
function supportedBy(profile: ProfilePolicy): string {
  const tags = `timer, ${SUPPORTED_IN_DIALOG}`;
  return profile.reliableProvisional === 'off' ? tags : `100rel, ${tags}`;
}
