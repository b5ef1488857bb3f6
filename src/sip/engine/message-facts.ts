/** What matching needs from a message, read once on arrival in one pass over its headers. */
import { type CSeq, parseCSeq, parseNameAddr, parseVia, type SipMessage, type Via } from '../message/index.ts';

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
  let viaLine = '';
  let callId = '';
  let cseqLine = '';
  let from = '';
  let to = '';
  for (const { name, value } of message.headers) {
    if (name === 'Via') viaLine ||= value;
    else if (name === 'Call-ID') callId ||= value;
    else if (name === 'CSeq') cseqLine ||= value;
    else if (name === 'From') from ||= value;
    else if (name === 'To') to ||= value;
  }
  const via = parseVia(firstValue(viaLine));
  const cseq = parseCSeq(cseqLine);
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
