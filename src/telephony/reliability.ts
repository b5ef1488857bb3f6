/** Reliable provisional responses (RFC 3262), as far as it is said in headers: who wants them, and who gets them. Pure. */
import type { SipHeaders } from './sip-ports.ts';

/** `required` refuses who cannot: for peers that are known to. */
export type ReliablePolicy = 'off' | 'supported' | 'required';

export type Reliability =
  | { readonly kind: 'accepted'; readonly isReliable: boolean }
  | { readonly kind: 'refused'; readonly status: number; readonly headers: SipHeaders };

type HeaderOf = (name: string) => string | undefined;

/** What the responses to this INVITE are to be: RFC 3262 §3. */
export function reliabilityOf(policy: ReliablePolicy, header: HeaderOf): Reliability {
  const isRequired = hasTag(header('Require'), '100rel');
  const isSupported = isRequired || hasTag(header('Supported'), '100rel');
  if (isRequired && policy === 'off') return { kind: 'refused', status: 420, headers: { Unsupported: '100rel' } };
  if (!isSupported && policy === 'required') return { kind: 'refused', status: 421, headers: { Require: '100rel' } };
  return { kind: 'accepted', isReliable: isSupported && policy !== 'off' };
}

/** Whether a list of option tags names this one. */
export function hasTag(value: string | undefined, tag: string): boolean {
  return (value ?? '').split(',').some((each) => each.trim().toLowerCase() === tag);
}
