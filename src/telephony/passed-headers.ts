/**
 * Headers that go from one side of a call to the other: those that the lists of both sides name, and of these only the
 * ones that cannot change what a request means. Values are data (T15): canonical, of bounded size, without control
 * characters. Identity is no matter of lists, see outbound-identity.ts. Pure.
 */
import {
  canonicalHeaderName,
  formatNameAddr,
  type NameAddr,
  parseNameAddr,
  splitOutside,
} from '../sip/message/index.ts';
import type { InboundRequest, SipHeaders } from './sip-ports.ts';

/** Names as RFC 3261 writes them; `X-Acme-*` stands for all that begin so. */
export interface HeaderPolicy {
  readonly accept: readonly string[];
  readonly send: readonly string[];
}

/** Beside X- headers. */
const PASSABLE = ['Diversion', 'History-Info', 'Referred-By', 'User-to-User'];
const MAX_VALUE = 1_024;
const MAX_HEADERS = 16;
/** Those that say who a party is or was. */
const TELLING = new Set(['Diversion', 'History-Info', 'Referred-By']);
const X_NAME = /^x-[a-z0-9._-]{1,60}$/;
/** Said among our own parts only. */
const INTERNAL = 'x-viaduct-';
/** C0, C1 and the two line ends of Unicode. */
// oxlint-disable-next-line eslint/no-control-regex
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g;
/** RFC 7433 §4.1, for each of its values. */
const UUI = /^(?:[\w\-.!%*+`'~]+|"[^"\\]*")(?:\s*;\s*[\w\-.!%*+`'~]+(?:\s*=\s*(?:[\w\-.!%*+`'~]+|"[^"\\]*"))?)*$/;

/** What of a request may go on, under canonical names. */
export function acceptedHeaders(
  request: Pick<InboundRequest, 'headerNames' | 'header'>,
  accept: readonly string[] = [],
): SipHeaders {
  if (accept.length === 0) return {};
  const taken: Record<string, string> = {};
  for (const written of request.headerNames) {
    const name = passableName(written);
    if (name === undefined || !isListed(name, accept) || Object.keys(taken).length === MAX_HEADERS) continue;
    const value = canonicalValue(name, request.header(written) ?? '');
    if (value !== undefined) taken[name] = value;
  }
  return taken;
}

export interface Receiver {
  readonly send: readonly string[] | undefined;
  readonly isTrusted: boolean;
  /** The caller wants to stay unknown to whom we do not trust. */
  readonly hides: boolean;
}

/** What of the accepted ones that side gets. */
export function sentHeaders(accepted: SipHeaders, { send = [], isTrusted, hides }: Receiver): SipHeaders {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(accepted)) {
    if (!isListed(name, send) || (TELLING.has(name) && hides && !isTrusted)) continue;
    const told = TELLING.has(name) && !isTrusted ? withoutPrivate(value) : value;
    if (told !== '') result[name] = told;
  }
  return result;
}

/** Undefined: it is longer than a header may be here, or malformed. */
export function canonicalValue(name: string, raw: string): string | undefined {
  if (raw.length > MAX_VALUE) return undefined;
  const text = raw.replace(CONTROLS, ' ').replace(/\s+/g, ' ').trim();
  if (text === '') return undefined;
  if (name === 'User-to-User') return splitOutside(text, ',').every((each) => UUI.test(each)) ? text : undefined;
  if (!TELLING.has(name)) return text;
  const parsed = splitOutside(text, ',').map((each) => parseNameAddr(each));
  if (name === 'Referred-By' && parsed.length > 1) return undefined;
  return parsed.every((each) => each !== undefined) ? parsed.map((each) => formatNameAddr(each)).join(', ') : undefined;
}

/** Without the entries that are marked as private (RFC 7044 §10.1.2, RFC 5806 §4). */
function withoutPrivate(value: string): string {
  const entries = splitOutside(value, ',').filter((each) => {
    const entry = parseNameAddr(each);
    return entry !== undefined && !isPrivate(entry);
  });
  return entries.join(', ');
}

function isPrivate({ uri, params }: NameAddr): boolean {
  return /[?&]privacy=(?!none)/i.test(uri) || !/^"?(?:off)?"?$/i.test(params.get('privacy') ?? '');
}

/** The one spelling of a name that may pass at all. */
function passableName(written: string): string | undefined {
  const lower = written.toLowerCase();
  if (X_NAME.test(lower) && !lower.startsWith(INTERNAL))
    return lower.replace(/(^|[-._])([a-z])/g, (_all, before: string, letter: string) => before + letter.toUpperCase());
  const name = canonicalHeaderName(lower);
  return PASSABLE.includes(name) ? name : undefined;
}

function isListed(name: string, list: readonly string[]): boolean {
  const lower = name.toLowerCase();
  return list.some((each) => {
    const wanted = each.toLowerCase();
    return wanted.endsWith('*') ? lower.startsWith(wanted.slice(0, -1)) : lower === wanted;
  });
}
