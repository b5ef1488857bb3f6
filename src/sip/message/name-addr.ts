/** From, To, Contact, Route and their like: `"Display" <uri>;params` or `uri;params` (RFC 3261 §20.10, §25.1). */
import type { NameAddr } from './model.ts';
import { formatParams, parseParams, quote, unquote } from './params.ts';
import { trimLws } from './split-values.ts';

/** The bracketed form. The display name is a quoted string or tokens; no space may stand before '<' (RFC 4475 §3.1.1.6). */
const NAMED = /^("(?:[^"\\]|\\[^])*"|[A-Za-z0-9\-.!%*_+`'~ \t]*)\s*<([^\s<>"]+)>(.*)$/s;
const ABSOLUTE_URI = /^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"]+$/;

/** Reads one value; undefined when malformed. `*` (in Contact) is not a name-addr. */
export function parseNameAddr(value: string): NameAddr | undefined {
  const text = trimLws(value);
  const named = NAMED.exec(text);
  if (named === null) return parseBare(text);
  const [, display = '', uri = '', tail = ''] = named;
  const params = paramsBehind(tail);
  if (params === undefined || !ABSOLUTE_URI.test(uri)) return undefined;
  return { displayName: unquote(trimLws(display)), uri, params };
}

/** Without brackets every parameter belongs to the header, and the URI may hold no ',' ';' or '?' (RFC 3261 §20.10). */
function parseBare(text: string): NameAddr | undefined {
  const semicolon = text.indexOf(';');
  const uri = trimLws(semicolon < 0 ? text : text.slice(0, semicolon));
  const params = semicolon < 0 ? paramsBehind('') : paramsBehind(text.slice(semicolon));
  if (params === undefined || !ABSOLUTE_URI.test(uri) || /[?,]/.test(uri)) return undefined;
  return { displayName: '', uri, params };
}

function paramsBehind(tail: string): ReadonlyMap<string, string> | undefined {
  const text = trimLws(tail);
  return text === '' || text.startsWith(';') ? parseParams(text) : undefined;
}

/** Reads all values; undefined when any is malformed. */
export function parseNameAddrs(values: readonly string[]): readonly NameAddr[] | undefined {
  const all: NameAddr[] = [];
  for (const value of values) {
    const one = parseNameAddr(value);
    if (one === undefined) return undefined;
    all.push(one);
  }
  return all;
}

/** Writes the bracketed form, the display name quoted. */
export function formatNameAddr(nameAddr: NameAddr): string {
  const display = nameAddr.displayName === '' ? '' : `${quote(nameAddr.displayName)} `;
  return `${display}<${nameAddr.uri}>${formatParams(nameAddr.params)}`;
}
