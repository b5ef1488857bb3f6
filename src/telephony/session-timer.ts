/**
 * Session timers (RFC 4028), as far as they are agreed in headers: the refreshes themselves are the engine's work. Pure.
 */
import { parseParams, splitOutside } from '../sip/message/index.ts';
import { hasTag } from './reliability.ts';
import type { SipHeaders } from './sip-ports.ts';

export interface SessionTimerPolicy {
  /** The interval we ask for, and the longest we agree to. */
  readonly expiresSec: number;
  /** The shortest we agree to; RFC 4028 §4 lets nobody go below 90. */
  readonly minSec: number;
  /** Who refreshes when the peer leaves it open; `auto`: the peer where it can. */
  readonly refresher: 'us' | 'peer' | 'auto';
}

type HeaderOf = (name: string) => string | undefined;

const UAC_REFRESHER = { us: ';refresher=uac', peer: ';refresher=uas', auto: '' } as const;

/** What our INVITE says. `minSe`: what a 422 has asked for. */
export function offeredTimer(policy: SessionTimerPolicy, minSe = 0): SipHeaders {
  const min = Math.max(policy.minSec, minSe);
  return {
    'Session-Expires': `${Math.max(policy.expiresSec, min)}${UAC_REFRESHER[policy.refresher]}`,
    'Min-SE': String(min),
  };
}

/** The interval that a 422 asks for (§6); undefined when it names none that can be agreed to. */
export function minSeOf(header: HeaderOf): number | undefined {
  const value = secondsOf(header('Min-SE'));
  return value === undefined || value > MAX_INTERVAL_SEC ? undefined : value;
}

/** A day: who wants longer wants no timer. */
const MAX_INTERVAL_SEC = 86_400;

export type AgreedTimer =
  | { readonly kind: 'agreed'; readonly headers: SipHeaders }
  | { readonly kind: 'too-short'; readonly headers: SipHeaders };

/** What our 200 says to the session timer of this INVITE, with one of our own when it asks for none (§9). */
export function answeredTimer(policy: SessionTimerPolicy, header: HeaderOf): AgreedTimer {
  const isKnown = hasTag(header('Supported'), 'timer') || hasTag(header('Require'), 'timer');
  const asked = secondsOf(header('Session-Expires'));
  // Without `Supported: timer` a proxy has asked: its caller would not understand the 422.
  if (isKnown && asked !== undefined && asked < policy.minSec)
    return { kind: 'too-short', headers: { 'Min-SE': String(policy.minSec) } };
  const min = Math.max(policy.minSec, secondsOf(header('Min-SE')) ?? 0);
  const interval = Math.max(Math.min(asked ?? policy.expiresSec, policy.expiresSec), min);
  const refresher = refresherOf(policy, header('Session-Expires'), isKnown);
  return {
    kind: 'agreed',
    headers: {
      'Session-Expires': `${interval};refresher=${refresher}`,
      // A caller that is to refresh must know that it is (§9).
      ...(refresher === 'uac' ? { Require: 'timer' } : {}),
    },
  };
}

function refresherOf(policy: SessionTimerPolicy, value: string | undefined, isKnown: boolean): 'uac' | 'uas' {
  if (!isKnown) return 'uas';
  const [, ...params] = splitOutside(value ?? '', ';');
  const asked = parseParams(params.join(';'))?.get('refresher')?.toLowerCase();
  if (asked === 'uac' || asked === 'uas') return asked;
  return policy.refresher === 'us' ? 'uas' : 'uac';
}

/** `1800;refresher=uas`: the number; undefined when there is none. */
function secondsOf(value: string | undefined): number | undefined {
  const digits = /^\s*(\d{1,9})\s*(?:;|$)/.exec(value ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}
