/** Whether two URIs mean the same: RFC 3261 §19.1.4, RFC 3966 §5. */
import type { SipUri } from './model.ts';

/** These count even when only one of the two URIs has them. */
const DECISIVE = ['user', 'ttl', 'method', 'maddr', 'transport'];

/** Compares by the rules of RFC 3261 §19.1.4: user with case, host without, absent port ≠ 5060. */
export function sameUri(a: SipUri, b: SipUri): boolean {
  if (a.scheme !== b.scheme) return false;
  if (a.scheme === 'tel') return bareNumber(a.host) === bareNumber(b.host) && sameTelParams(a.params, b.params);
  return (
    unescaped(a.user) === unescaped(b.user) &&
    unescaped(a.password ?? '') === unescaped(b.password ?? '') &&
    a.host.toLowerCase() === b.host.toLowerCase() &&
    a.port === b.port &&
    sameParams(a.params, b.params) &&
    sameHeaders(a.headers, b.headers)
  );
}

function sameParams(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  if (DECISIVE.some((name) => a.has(name) !== b.has(name))) return false;
  for (const [name, value] of a) {
    const other = b.get(name);
    if (other !== undefined && unescaped(value).toLowerCase() !== unescaped(other).toLowerCase()) return false;
  }
  return true;
}

/** Unlike in SIP URIs every parameter of a tel URI counts. */
function sameTelParams(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([name, value]) => b.get(name)?.toLowerCase() === value.toLowerCase());
}

/** Header components are never ignored, but may come in any order. */
function sameHeaders(a: string, b: string): boolean {
  if (a === b) return true;
  return sortedHeaders(a) === sortedHeaders(b);
}

function sortedHeaders(text: string): string {
  return text.split('&').map(headerKey).toSorted().join('&');
}

function headerKey(part: string): string {
  const equals = part.indexOf('=');
  if (equals < 0) return part.toLowerCase();
  return `${unescaped(part.slice(0, equals)).toLowerCase()}=${unescaped(part.slice(equals + 1))}`;
}

function bareNumber(number: string): string {
  return number.replace(/[-.()]/g, '').toLowerCase();
}

/** An escaped character equals the character, unless it is one that separates components (RFC 3986 §6.2.2.2). */
function unescaped(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/%([0-9A-Fa-f]{2})/g, (escape, hex: string) => {
    const char = String.fromCharCode(Number.parseInt(hex, 16));
    return /[A-Za-z0-9\-_.!~*'()]/.test(char) ? char : escape.toUpperCase();
  });
}
