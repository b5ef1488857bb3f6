/** Which budget a message counts against, told from its first bytes: nothing is parsed for a flood. */

/** `followUps`: responses, and requests that only make sense after another one. */
export type MessageClass = 'calls' | 'registrations' | 'requests' | 'followUps';

/** First words that are not plain requests, with the blank that ends them. A method is case-sensitive (RFC 3261 §7.1). */
const WORDS: readonly (readonly [word: string, of: MessageClass])[] = [
  ['INVITE ', 'calls'],
  ['REGISTER ', 'registrations'],
  ['SUBSCRIBE ', 'registrations'],
  ['PUBLISH ', 'registrations'],
  ['SIP/2.0 ', 'followUps'],
  ['ACK ', 'followUps'],
  ['BYE ', 'followUps'],
  ['CANCEL ', 'followUps'],
  ['PRACK ', 'followUps'],
  ['UPDATE ', 'followUps'],
];

interface Word {
  readonly bytes: Buffer;
  readonly of: MessageClass;
}

/** By first byte, so that one or two comparisons do. */
const byFirst: (readonly Word[] | undefined)[] = [];
for (const [word, of] of WORDS) {
  const bytes = Buffer.from(word, 'latin1');
  const first = bytes[0] ?? 0;
  byFirst[first] = [...(byFirst[first] ?? []), { bytes, of }];
}

export function messageClass(data: Buffer): MessageClass {
  for (const { bytes, of } of byFirst[data[0] ?? 0] ?? []) if (beginsWith(data, bytes)) return of;
  return 'requests';
}

function beginsWith(data: Buffer, bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at++) if (data[at] !== bytes[at]) return false;
  return true;
}
