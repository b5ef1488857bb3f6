/**
 * Reads the start line and the header lines of a message (RFC 3261 §7, §25.1), as far as they can be read: the first
 * thing that is wrong is noted, and reading goes on, because even a refusal has to mirror Via, To, From, Call-ID and CSeq.
 */
import { knownHeaderName } from './header-names.ts';
import type { SipHeader } from './model.ts';
import { isToken } from './params.ts';
import { trimLws } from './split-values.ts';

/** What one message may cost us. Sizes in bytes. */
export interface ParseLimits {
  readonly totalBytes: number;
  readonly headerCount: number;
  readonly headerLineBytes: number;
}
export const DEFAULT_PARSE_LIMITS: ParseLimits = { totalBytes: 65_536, headerCount: 256, headerLineBytes: 8192 };

/** What is wrong with a message: the status a request is answered with, and a reason phrase that says why. */
export interface Problem {
  readonly status: number;
  readonly reason: string;
}

export type StartLine =
  | { readonly kind: 'request'; readonly method: string; readonly uri: string }
  | { readonly kind: 'response'; readonly status: number; readonly reason: string };

export interface Head {
  readonly start: StartLine;
  readonly headers: readonly SipHeader[];
  readonly problem: Problem | undefined;
}

const REQUEST_LINE = /^([A-Za-z0-9\-.!%*_+`'~]+) ([^ \t]+) SIP\/2\.0$/i;
const STATUS_LINE = /^SIP\/2\.0 ([1-6]\d\d)(?: (.*))?$/is;
const BROKEN_REQUEST_LINE = /^([A-Za-z0-9\-.!%*_+`'~]+)[ \t]+(.*?)[ \t]+SIP\/(\d+\.\d+)[ \t]*$/i;
/** Control characters but tab and line breaks: they are legal only behind a backslash, in a quoted string. */
// oxlint-disable-next-line no-control-regex -- finding them is the purpose
const CONTROL = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/;
// oxlint-disable-next-line no-control-regex -- finding them is the purpose
const QUOTED_PAIR = /\\[\x00-\x09\x0b\x0c\x0e-\x7f]/g;

/** Reads the text before the blank line; undefined when it does not begin like SIP, or is a response we cannot use. */
export function parseHead(text: string, limits: ParseLimits): Head | undefined {
  const unfolded = unfold(text);
  const lineEnd = unfolded.indexOf('\r\n');
  const first = lineEnd < 0 ? unfolded : unfolded.slice(0, lineEnd);
  const begun = parseStartLine(first);
  if (begun === undefined) return undefined;
  const illegal = hasIllegalControl(unfolded) || hasLoneBreak(first) ? bad('Illegal Control Character') : undefined;
  const { headers, problem } = parseLines(unfolded, lineEnd, limits);
  return { start: begun.start, headers, problem: begun.problem ?? illegal ?? problem };
}

/** RFC 3261 §7.3.1: a line that begins with a space or tab continues the one before. */
function unfold(text: string): string {
  return text.includes('\r\n ') || text.includes('\r\n\t') ? text.replace(/[ \t]*\r\n[ \t]+/g, ' ') : text;
}

function parseStartLine(line: string): { start: StartLine; problem: Problem | undefined } | undefined {
  const request = REQUEST_LINE.exec(line);
  if (request !== null) {
    const [, method = '', uri = ''] = request;
    return { start: { kind: 'request', method, uri }, problem: undefined };
  }
  const response = STATUS_LINE.exec(line);
  if (response !== null) {
    const [, status = '', reason = ''] = response;
    return { start: { kind: 'response', status: Number(status), reason }, problem: undefined };
  }
  const [, method, uri = '', version] = BROKEN_REQUEST_LINE.exec(line) ?? [];
  if (method === undefined) return undefined;
  const problem = version === '2.0' ? bad('Malformed Request-Line') : { status: 505, reason: 'Version Not Supported' };
  return { start: { kind: 'request', method, uri }, problem };
}

function parseLines(text: string, startLineEnd: number, limits: ParseLimits): Pick<Head, 'headers' | 'problem'> {
  const headers: SipHeader[] = [];
  let problem: Problem | undefined;
  for (let at = startLineEnd < 0 ? text.length : startLineEnd + 2; at < text.length; ) {
    const found = text.indexOf('\r\n', at);
    const end = found < 0 ? text.length : found;
    const read = parseLine(text.slice(at, end), limits);
    if ('status' in read) problem ??= read;
    else if (headers.length < limits.headerCount) headers.push(read);
    else problem ??= bad('Too Many Headers');
    at = end + 2;
  }
  return { headers, problem };
}

function parseLine(line: string, limits: ParseLimits): SipHeader | Problem {
  // Bytes are counted only where characters could exceed the limit: no character takes more than three per unit.
  if (line.length * 3 > limits.headerLineBytes && Buffer.byteLength(line) > limits.headerLineBytes) {
    return bad('Header Line Too Long');
  }
  if (hasLoneBreak(line)) return bad('Illegal Line Break');
  const colon = line.indexOf(':');
  // HCOLON allows spaces before the colon, so `X-Foo : v` is X-Foo: a filter on names must not see 'X-Foo '.
  const raw = trimLws(line.slice(0, Math.max(colon, 0)));
  const name = knownHeaderName(raw);
  if (name === undefined && (colon < 0 || !isToken(raw))) return bad('Malformed Header');
  return { name: name ?? raw, value: trimLws(line.slice(colon + 1)) };
}

function hasIllegalControl(text: string): boolean {
  return CONTROL.test(text) && CONTROL.test(text.replace(QUOTED_PAIR, ''));
}

/** Only CRLF ends a line; an element that takes a lone CR or LF for one would see headers that we do not (T11). */
function hasLoneBreak(line: string): boolean {
  return line.includes('\n') || line.includes('\r');
}

export function bad(reason: string): Problem {
  return { status: 400, reason };
}
