/**
 * What the whole SIP side makes of each message of RFC 4475, sent by a peer it trusts (so that no challenge hides the
 * answer): the final status, or none.
 */
export type Answer = number | 'none';

export interface TortureOutcome {
  readonly name: string;
  readonly section: string;
  /** Over UDP and WebSocket, and over TCP where that says nothing else. */
  readonly answer: Answer;
  /** What a stream makes of it, all answers in order; 'closes' and 'waits' say what becomes of the connection. */
  readonly onStream?: readonly (Answer | 'closes' | 'waits')[];
  readonly why: string;
}

export const TORTURE_OUTCOMES: readonly TortureOutcome[] = [
  { name: 'wsinv', section: '3.1.1.1', answer: 481, why: 'valid; its To tag names a dialog that is none of ours' },
  { name: 'intmeth', section: '3.1.1.2', answer: 501, why: 'valid; nobody knows that method' },
  { name: 'esc01', section: '3.1.1.3', answer: 404, why: 'valid; no such user' },
  { name: 'escnull', section: '3.1.1.4', answer: 401, why: 'valid; registering needs credentials' },
  { name: 'esc02', section: '3.1.1.5', answer: 501, why: 'valid; RE%47IST%45R is another method than REGISTER' },
  { name: 'lwsdisp', section: '3.1.1.6', answer: 200, why: 'valid' },
  { name: 'longreq', section: '3.1.1.7', answer: 404, why: 'valid; no such user' },
  {
    name: 'dblreq',
    section: '3.1.1.8',
    answer: 401,
    onStream: [400, 401, 'closes'],
    why: 'what follows in the datagram is noise; on a stream it is an INVITE without Contact, and its length is wrong',
  },
  { name: 'semiuri', section: '3.1.1.9', answer: 200, why: 'valid' },
  { name: 'transports', section: '3.1.1.10', answer: 200, why: 'valid' },
  { name: 'mpart01', section: '3.1.1.11', answer: 403, why: 'valid; a MESSAGE, which a trunk may not send' },
  { name: 'unreason', section: '3.1.1.12', answer: 'none', why: 'a response to nothing' },
  { name: 'noreason', section: '3.1.1.13', answer: 'none', why: 'a response to nothing' },
  { name: 'badinv01', section: '3.1.2.1', answer: 400, why: 'extra separators in Via' },
  { name: 'clerr', section: '3.1.2.2', answer: 400, onStream: ['waits'], why: 'more body promised than there is' },
  {
    name: 'ncl',
    section: '3.1.2.3',
    answer: 400,
    onStream: [400, 'closes'],
    why: 'negative length: no way to the next',
  },
  { name: 'scalar02', section: '3.1.2.4', answer: 400, why: 'numbers out of range' },
  { name: 'scalarlg', section: '3.1.2.5', answer: 'none', why: 'a response with numbers out of range' },
  { name: 'quotbal', section: '3.1.2.6', answer: 400, why: 'unterminated quoted string' },
  { name: 'ltgtruri', section: '3.1.2.7', answer: 400, why: 'Request-URI in angle brackets' },
  { name: 'lwsruri', section: '3.1.2.8', answer: 400, why: 'blanks in the Request-URI' },
  { name: 'lwsstart', section: '3.1.2.9', answer: 400, why: 'several blanks between elements' },
  { name: 'trws', section: '3.1.2.10', answer: 400, why: 'blanks after the version' },
  { name: 'escruri', section: '3.1.2.11', answer: 400, why: 'headers in the Request-URI' },
  {
    name: 'baddate',
    section: '3.1.2.12',
    answer: 404,
    why: 'a Date that is none is no reason to refuse; no such user',
  },
  { name: 'regbadct', section: '3.1.2.13', answer: 400, why: 'a Contact with headers needs brackets' },
  { name: 'badaspec', section: '3.1.2.14', answer: 400, why: 'blanks within the address' },
  { name: 'baddn', section: '3.1.2.15', answer: 400, onStream: ['waits'], why: 'ends before its blank line' },
  { name: 'badvers', section: '3.1.2.16', answer: 505, why: 'SIP/7.0' },
  { name: 'mismatch01', section: '3.1.2.17', answer: 400, why: 'CSeq of another method' },
  { name: 'mismatch02', section: '3.1.2.18', answer: 501, why: 'an unknown method with the CSeq of another' },
  { name: 'bigcode', section: '3.1.2.19', answer: 'none', why: 'a response of status 4294967301' },
  { name: 'badbranch', section: '3.2.1', answer: 400, why: 'a branch of nothing but the cookie' },
  { name: 'insuf', section: '3.3.1', answer: 400, why: 'From, To and Call-ID are missing' },
  { name: 'unkscm', section: '3.3.2', answer: 416, why: 'unknown scheme' },
  { name: 'novelsc', section: '3.3.3', answer: 416, why: 'a scheme nobody routes' },
  { name: 'unksm2', section: '3.3.4', answer: 400, why: 'a registrar needs a SIP URI in To' },
  { name: 'bext01', section: '3.3.5', answer: 420, why: 'requires what nobody supports' },
  { name: 'invut', section: '3.3.6', answer: 415, why: 'a body of unknown type' },
  { name: 'regaut01', section: '3.3.7', answer: 401, why: 'credentials of an unknown scheme are none' },
  { name: 'multi01', section: '3.3.8', answer: 400, why: 'several values where one may be' },
  { name: 'mcl01', section: '3.3.9', answer: 400, onStream: [400, 'closes'], why: 'two lengths' },
  { name: 'bcast', section: '3.3.10', answer: 'none', why: 'a response to nothing' },
  { name: 'zeromf', section: '3.3.11', answer: 200, why: 'no hops left, but none needed: we are the end' },
  { name: 'cparam01', section: '3.3.12', answer: 401, why: 'valid' },
  { name: 'cparam02', section: '3.3.13', answer: 401, why: 'valid' },
  { name: 'regescrt', section: '3.3.14', answer: 401, why: 'valid' },
  { name: 'sdp01', section: '3.3.15', answer: 406, why: 'its sender reads no SDP' },
  {
    name: 'inv2543',
    section: '3.4.1',
    answer: 400,
    onStream: [400, 'closes'],
    why: 'a call without Contact and From tag cannot be spoken to (RFC 3261 §8.1.1.8)',
  },
];
