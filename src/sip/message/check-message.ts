/** What a message must have before anybody works with it: RFC 3261 §8.1.1, §16.3, §20; RFC 4475 for the border cases. */
import { parseCSeq } from './cseq.ts';
import { isSosUrn } from './emergency.ts';
import { header, headerValues } from './header-access.ts';
import type { SipHeader, SipMessage, SipRequest } from './model.ts';
import { parseNameAddr, parseNameAddrs } from './name-addr.ts';
import { bad, type Problem } from './parse-head.ts';
import { parseUri } from './uri.ts';
import { topVia } from './via.ts';

/** Two of these in one message mean that two elements may read two different messages. */
const SINGLE = ['To', 'From', 'Call-ID', 'CSeq', 'Content-Length', 'Max-Forwards'];
/** RFC 3261 and the extensions we know: another method with a strange CSeq may be one from the future (RFC 4475 §3.1.2.18). */
const METHODS = new Set(
  'INVITE ACK BYE CANCEL OPTIONS REGISTER PRACK SUBSCRIBE NOTIFY PUBLISH INFO REFER MESSAGE UPDATE'.split(' '),
);
/** '|' is legal in neither, and separates fields on the applications' wire. */
const CALL_ID = /^[^\s|]+$/;
const TAG = /^[^\s|"]+$/;
const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):[^\s<>"]+$/;

/** The first thing wrong with the headers; undefined when a transaction can work with the message. */
export function findProblem(message: SipMessage): Problem | undefined {
  return (
    findDuplicate(message.headers) ??
    findViaProblem(message) ??
    findPartyProblem(message) ??
    findCSeqProblem(message) ??
    (message.kind === 'request' ? findRequestProblem(message) : undefined)
  );
}

function findDuplicate(headers: readonly SipHeader[]): Problem | undefined {
  let seen = 0;
  for (const { name } of headers) {
    const at = SINGLE.indexOf(name);
    if (at < 0) continue;
    if ((seen & (1 << at)) !== 0) return bad(`Multiple ${name} Headers`);
    seen |= 1 << at;
  }
  return undefined;
}

function findViaProblem(message: SipMessage): Problem | undefined {
  const via = topVia(message);
  if (via === undefined) return bad('Malformed Via');
  // The magic cookie promises a unique branch, and nothing follows it (RFC 4475 §3.2.1).
  return via.params.get('branch')?.toLowerCase() === 'z9hg4bk' ? bad('Empty Via Branch') : undefined;
}

function findPartyProblem(message: SipMessage): Problem | undefined {
  for (const name of ['From', 'To'] as const) {
    const value = header(message, name);
    if (value === undefined) return bad(`Missing ${name}`);
    const party = parseNameAddr(value);
    if (party === undefined) return bad(`Malformed ${name}`);
    const tag = party.params.get('tag');
    if (tag !== undefined && !TAG.test(tag)) return bad(`Malformed ${name} Tag`);
  }
  const callId = header(message, 'Call-ID');
  if (callId === undefined) return bad('Missing Call-ID');
  return CALL_ID.test(callId) ? undefined : bad('Malformed Call-ID');
}

function findCSeqProblem(message: SipMessage): Problem | undefined {
  const value = header(message, 'CSeq');
  if (value === undefined) return bad('Missing CSeq');
  const cseq = parseCSeq(value);
  if (cseq === undefined) return bad('Malformed CSeq');
  if (message.kind === 'response' || cseq.method === message.method) return undefined;
  return METHODS.has(message.method) ? bad('CSeq Method Mismatch') : { status: 501, reason: 'Not Implemented' };
}

function findRequestProblem(request: SipRequest): Problem | undefined {
  const maxForwards = header(request, 'Max-Forwards');
  if (maxForwards !== undefined && !/^\d+$/.test(maxForwards)) return bad('Malformed Max-Forwards');
  return findUriProblem(request.uri) ?? findContactProblem(request);
}

/** An unknown scheme is well-formed and refused by its own status (RFC 4475 §3.3.2). */
function findUriProblem(text: string): Problem | undefined {
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return bad('Malformed Request-URI');
  if (isSosUrn(text)) return undefined;
  if (scheme !== 'sip' && scheme !== 'sips' && scheme !== 'tel')
    return { status: 416, reason: 'Unsupported URI Scheme' };
  const uri = parseUri(text);
  if (uri === undefined) return bad('Malformed Request-URI');
  // Nobody may smuggle headers in through the Request-URI (RFC 3261 §19.1.1, RFC 4475 §3.1.2.11).
  return uri.headers === '' ? undefined : bad('Headers In Request-URI');
}

function findContactProblem(request: SipRequest): Problem | undefined {
  const contacts = headerValues(request, 'Contact');
  if (contacts.length === 1 && contacts[0] === '*') return undefined;
  return parseNameAddrs(contacts) === undefined ? bad('Malformed Contact') : undefined;
}
