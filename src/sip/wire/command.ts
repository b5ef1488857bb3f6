/**
 * What an application may say: drachtio-protocol §2. Reads one payload into a closed union; what cannot be
 * understood is a value too ('refuse': answer `NO|text` and close, as the real server does).
 */
import type { AppCommand } from '../engine/index.ts';

export type WireCommand =
  | { readonly kind: 'authenticate'; readonly id: string; readonly secret: string; readonly tags: readonly string[] }
  | { readonly kind: 'ping'; readonly id: string }
  | { readonly kind: 'command'; readonly command: AppCommand }
  | { readonly kind: 'refuse'; readonly id: string; readonly text: string };

const CRLF = Buffer.from('\r\n');
const BLANK_LINE = Buffer.from('\r\n\r\n');
const MAX_TAGS = 20;
const TAG = /^[\w+@:-]{1,32}$/;

interface SipText {
  readonly startLine: string;
  readonly headerLines: readonly string[];
  readonly body: Buffer;
}

/** Reads a frame's payload. */
export function parseCommand(payload: Buffer): WireCommand {
  const leaderEnd = payload.indexOf(CRLF);
  const leader = leaderEnd < 0 ? payload.toString() : payload.toString('utf8', 0, leaderEnd);
  const [id = '', type, ...fields] = leader.split('|');
  const [first = '', second = '', third = ''] = fields;
  const message = leaderEnd < 0 ? undefined : payload.subarray(leaderEnd + 2);
  switch (type) {
    case 'authenticate':
      return { kind: 'authenticate', id, secret: first, tags: readTags(second) };
    case 'ping':
      return { kind: 'ping', id };
    case 'route':
      return { kind: 'command', command: { kind: 'route', id, verb: first } };
    case 'remove_route':
      return { kind: 'command', command: { kind: 'remove-route', id, verb: first } };
    case 'sip':
      return sipCommand({ id, transactionId: first, dialogId: second, routeUri: third }, message);
    case 'proxy':
      return proxyCommand(id, fields, message);
    case undefined:
    default:
      return { kind: 'refuse', id, text: 'Unknown message type' };
  }
}

function readTags(field: string): readonly string[] {
  return field
    .split(',')
    .filter((tag) => TAG.test(tag))
    .slice(0, MAX_TAGS);
}

interface SipAddress {
  readonly id: string;
  readonly transactionId: string;
  readonly dialogId: string;
  readonly routeUri: string;
}

function sipCommand(address: SipAddress, message: Buffer | undefined): WireCommand {
  if (message === undefined) return { kind: 'refuse', id: address.id, text: 'sip message missing' };
  const text = readSipText(message);
  if (text.startLine.startsWith('SIP/2.0 ') && address.transactionId === '') {
    return { kind: 'refuse', id: address.id, text: 'transaction id missing' };
  }
  return { kind: 'command', command: { kind: 'sip', ...address, ...text } };
}

function proxyCommand(id: string, fields: readonly string[], message: Buffer | undefined): WireCommand {
  const [transactionId = '', ...rest] = fields;
  const headerLines = message === undefined ? [] : readSipText(message).headerLines;
  return { kind: 'command', command: { kind: 'proxy', id, transactionId, fields: rest, headerLines } };
}

/** The body is everything behind the blank line: drachtio-srf counts its Content-Length in UTF-16 units, not bytes (§1). */
function readSipText(message: Buffer): SipText {
  const headEnd = message.indexOf(BLANK_LINE);
  const head = headEnd < 0 ? message.toString() : message.toString('utf8', 0, headEnd);
  const [startLine = '', ...headerLines] = head.split('\r\n');
  const body = headEnd < 0 ? Buffer.alloc(0) : message.subarray(headEnd + BLANK_LINE.length);
  return { startLine, headerLines: headerLines.filter((line) => line !== ''), body };
}
