/**
 * One message out of one datagram, one WebSocket message, or one piece a StreamFramer cut: RFC 3261 §7, §18.3.
 * A request that is wrong but can be answered is refused with the status it is owed; what cannot be answered is dropped.
 */
import { findProblem } from './check-message.ts';
import { header } from './header-access.ts';
import type { SipMessage, SipRequest } from './model.ts';
import { bad, DEFAULT_PARSE_LIMITS, type Head, type ParseLimits, type Problem, parseHead } from './parse-head.ts';

export type ParseResult =
  | { readonly kind: 'message'; readonly message: SipMessage }
  /** `request` has the headers that could be read, at least a Via. */
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string; readonly request: SipRequest }
  | { readonly kind: 'dropped'; readonly reason: string };

const BLANK_LINE = Buffer.from('\r\n\r\n');
const NO_BODY = Buffer.alloc(0);

/** Reads a whole message. The body is a view into `data`: the rest of it, or as much of it as Content-Length says. */
export function parseMessage(data: Buffer, limits: ParseLimits = DEFAULT_PARSE_LIMITS): ParseResult {
  const start = skipLineBreaks(data);
  if (start === data.length) return { kind: 'dropped', reason: 'empty' };
  const blank = data.indexOf(BLANK_LINE, start);
  const headEnd = Math.min(blank < 0 ? data.length : blank, start + limits.totalBytes);
  const head = parseHead(data.toString('utf8', start, headEnd), limits);
  if (head === undefined) return { kind: 'dropped', reason: 'not SIP' };
  const rest = blank < 0 ? NO_BODY : data.subarray(blank + BLANK_LINE.length);
  const size = findSizeProblem(data.length - start, blank, limits);
  return assemble(head, rest, size);
}

function findSizeProblem(bytes: number, blank: number, limits: ParseLimits): Problem | undefined {
  if (bytes > limits.totalBytes) return { status: 513, reason: 'Message Too Large' };
  return blank < 0 ? bad('Missing End Of Headers') : undefined;
}

function assemble(head: Head, rest: Buffer, size: Problem | undefined): ParseResult {
  const unsized: SipMessage = { ...head.start, headers: head.headers, body: NO_BODY };
  const problem = size ?? head.problem ?? findProblem(unsized);
  const length = problem === undefined ? bodyLength(header(unsized, 'Content-Length'), rest.length) : problem;
  if (typeof length === 'number') return { kind: 'message', message: { ...unsized, body: rest.subarray(0, length) } };
  return refuse(unsized, length);
}

/** RFC 3261 §18.3: bytes beyond Content-Length are noise; without it the body is all there is. */
function bodyLength(value: string | undefined, available: number): number | Problem {
  if (value === undefined) return available;
  if (!/^\d{1,9}$/.test(value)) return bad('Malformed Content-Length');
  const length = Number(value);
  return length > available ? bad('Content-Length Beyond Message') : length;
}

/** Nothing answers a response or an ACK (RFC 3261 §17.1.1.3), and without a Via an answer would match nothing. */
function refuse(message: SipMessage, problem: Problem): ParseResult {
  const isAnswerable =
    message.kind === 'request' && message.method !== 'ACK' && message.headers.some(({ name }) => name === 'Via');
  if (!isAnswerable) return { kind: 'dropped', reason: problem.reason };
  return { kind: 'refused', status: problem.status, reason: problem.reason, request: message };
}

/** Line breaks before the start line are ignored (RFC 3261 §7.5). */
function skipLineBreaks(data: Buffer): number {
  let at = 0;
  while (data[at] === 0x0d || data[at] === 0x0a) at++;
  return at;
}
