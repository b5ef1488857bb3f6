/** Parameters behind a value, `;name=value;flag` (RFC 3261 §7.3.1), and quoted strings (§25.1). */
import { splitOutside, trimLws } from './split-values.ts';

const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]+$/;
/** Wider than token or host, because Contact and Via extensions in the field carry base64 and the like. */
const VALUE = /^(?:"(?:[^"\\]|\\[^])*"|[^\s;,"<>]*)$/;
const NO_PARAMS: ReadonlyMap<string, string> = new Map();

/** Whether `text` is an RFC 3261 token: a method, a header name, a parameter name. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/**
 * Reads `;name=value;flag`, with or without the first semicolon. Names become lower case; values stay as written,
 * quotes included (see `unquote`), '' where there is none. Undefined when malformed, or when a name comes twice
 * (RFC 3261 §7.3.1 forbids it, and two elements that read a different one can be played against each other).
 */
export function parseParams(text: string): ReadonlyMap<string, string> | undefined {
  const trimmed = trimLws(text);
  if (trimmed === '') return NO_PARAMS;
  const params = new Map<string, string>();
  const list = trimmed.startsWith(';') ? trimmed.slice(1) : trimmed;
  // Outside of quotes every semicolon separates, which is the common case and a faster one.
  const parts = list.includes('"') ? splitOutside(list, ';') : list.split(';');
  for (const untrimmed of parts) {
    const part = trimLws(untrimmed);
    const equals = part.indexOf('=');
    const name = (equals < 0 ? part : trimLws(part.slice(0, equals))).toLowerCase();
    const value = equals < 0 ? '' : trimLws(part.slice(equals + 1));
    if (!TOKEN.test(name) || !VALUE.test(value) || params.has(name)) return undefined;
    params.set(name, value);
  }
  return params;
}

/** Writes `;name=value;flag`, '' when there are none. */
export function formatParams(params: ReadonlyMap<string, string>): string {
  let text = '';
  for (const [name, value] of params) text += value === '' ? `;${name}` : `;${name}=${value}`;
  return text;
}

/** The text of a quoted string without its quotes and escapes; anything else is returned as it is. */
export function unquote(text: string): string {
  if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) return text;
  const inner = text.slice(1, -1);
  return inner.includes('\\') ? inner.replace(/\\([^])/g, '$1') : inner;
}

/** Writes a quoted string. */
export function quote(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
