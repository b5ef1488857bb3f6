/** What two sides agree on about refreshing a session: RFC 4028 §7-§9. Reads and decides; nothing runs here. */
import type { SipHeader } from '../message/index.ts';
import { findHeader } from './app-headers.ts';

/** The value of Session-Expires. */
export interface SessionTerms {
  readonly seconds: number;
  /** Relative to the request it is in or answers. */
  readonly refresher: 'uac' | 'uas' | undefined;
}

const VALUE = /^(\d{1,9})\s*(;.*)?$/;

/** Undefined when there is none, or nothing that can be read. */
export function readTerms(headers: readonly SipHeader[]): SessionTerms | undefined {
  const value = findHeader(headers, 'Session-Expires');
  if (value === undefined) return undefined;
  const [, digits, params = ''] = VALUE.exec(value.trim()) ?? [];
  if (digits === undefined) return undefined;
  const refresher = /;\s*refresher\s*=\s*(uac|uas)\b/i.exec(params)?.[1]?.toLowerCase();
  return { seconds: Number(digits), refresher: refresher === 'uac' || refresher === 'uas' ? refresher : undefined };
}

export function readMinSe(headers: readonly SipHeader[]): number {
  return Number.parseInt(findHeader(headers, 'Min-SE') ?? '0', 10) || 0;
}

/** Whether the sender knows session timers at all (§4). */
export function supportsTimer(headers: readonly SipHeader[]): boolean {
  return headers.some(
    (line) => (line.name === 'Supported' || line.name === 'Require') && /(?:^|[\s,])timer(?:$|[\s,])/i.test(line.value),
  );
}

/**
 * What our 2xx says (§9). The application's wish counts, within what the request allows; else a refresher that the
 * request names is confirmed; else what was agreed before goes on. A caller who knows no timers cannot refresh.
 */
export function answerTerms(
  request: readonly SipHeader[],
  wished: SessionTerms | undefined,
  current: { readonly seconds: number; readonly isOurs: boolean } | undefined,
): Required<SessionTerms> | undefined {
  const asked = readTerms(request);
  const basis = wished ?? (asked?.refresher === undefined ? keep(asked, current) : asked);
  if (basis === undefined) return undefined;
  const ceiling = asked?.seconds ?? basis.seconds;
  const seconds = Math.max(Math.min(basis.seconds, ceiling), readMinSe(request));
  const named = asked?.refresher ?? basis.refresher ?? 'uac';
  return { seconds, refresher: supportsTimer(request) ? named : 'uas' };
}

function keep(
  asked: SessionTerms | undefined,
  current: { readonly seconds: number; readonly isOurs: boolean } | undefined,
): SessionTerms | undefined {
  if (current === undefined) return undefined;
  return { seconds: asked?.seconds ?? current.seconds, refresher: current.isOurs ? 'uas' : 'uac' };
}

/** The lines of a 2xx with these terms; a caller who is to refresh must understand that (§9). */
export function answerLines(terms: SessionTerms, given: readonly SipHeader[]): readonly SipHeader[] {
  const line = { name: 'Session-Expires', value: `${terms.seconds};refresher=${terms.refresher}` };
  if (terms.refresher !== 'uac' || requiresTimer(given)) return [line];
  return [{ name: 'Require', value: 'timer' }, line];
}

function requiresTimer(headers: readonly SipHeader[]): boolean {
  return headers.some((line) => line.name === 'Require' && /(?:^|[\s,])timer(?:$|[\s,])/i.test(line.value));
}

/** The lines of a request of ours that keeps the session alive (§7.4). */
export function requestLines(
  session: { readonly seconds: number; readonly isOurs: boolean; readonly minSe: number },
  given: readonly SipHeader[],
): readonly SipHeader[] {
  const lines: SipHeader[] = [
    { name: 'Session-Expires', value: `${session.seconds};refresher=${session.isOurs ? 'uac' : 'uas'}` },
  ];
  if (findHeader(given, 'Min-SE') === undefined) lines.push({ name: 'Min-SE', value: String(session.minSe) });
  if (!supportsTimer(given)) lines.push({ name: 'Supported', value: 'timer' });
  return lines;
}
