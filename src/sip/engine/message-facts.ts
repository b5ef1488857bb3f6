/** What matching needs from a message, read once on arrival. */
import { type CSeq, parseCSeq, parseNameAddr, parseVia, type SipMessage, type Via } from '../message/index.ts';
import { findHeader } from './app-headers.ts';

export interface MessageFacts {
  readonly via: Via;
  /** '' when the sender is of RFC 2543. */
  readonly branch: string;
  readonly callId: string;
  readonly cseq: CSeq;
  /** Header values as they came. */
  readonly from: string;
  readonly to: string;
  /** '' when there is none. */
  readonly fromTag: string;
  readonly toTag: string;
}

/** Undefined when the message lacks what every message must have (RFC 3261 §8.1.1). */
export function readFacts(message: SipMessage): MessageFacts | undefined {
  const { headers } = message;
  const callId = findHeader(headers, 'Call-ID') ?? '';
  const from = findHeader(headers, 'From') ?? '';
  const to = findHeader(headers, 'To') ?? '';
  const via = parseVia(firstValue(findHeader(headers, 'Via') ?? ''));
  const cseq = parseCSeq(findHeader(headers, 'CSeq') ?? '');
  if (via === undefined || cseq === undefined || callId === '' || from === '' || to === '') return undefined;
  const branch = via.params.get('branch') ?? '';
  return { via, branch, callId, cseq, from, to, fromTag: tagIn(from), toTag: tagIn(to) };
}

function firstValue(line: string): string {
  const comma = line.indexOf(',');
  // A comma inside a quoted parameter is rare enough to let the parser refuse the rest.
  return comma < 0 ? line : line.slice(0, comma).trimEnd();
}

function tagIn(value: string): string {
  return value.includes('tag') ? (parseNameAddr(value)?.params.get('tag') ?? '') : '';
}
