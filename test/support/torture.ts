/** What each message of RFC 4475 is owed: by section, the outcome of reading it as one datagram (or WebSocket message). */
import { readFileSync } from 'node:fs';

export type Owed = 'accepted' | 'dropped' | 400 | 416 | 501 | 505;

export interface TortureCase {
  readonly name: string;
  readonly section: string;
  readonly owed: Owed;
  /** On a stream, where that differs: a length that cannot be told ends the connection, one too large waits for more. */
  readonly onStream?: Owed | 'waits';
}

export const TORTURE: readonly TortureCase[] = [
  { name: 'wsinv', section: '3.1.1.1', owed: 'accepted' },
  { name: 'intmeth', section: '3.1.1.2', owed: 'accepted' },
  { name: 'esc01', section: '3.1.1.3', owed: 'accepted' },
  { name: 'escnull', section: '3.1.1.4', owed: 'accepted' },
  { name: 'esc02', section: '3.1.1.5', owed: 'accepted' },
  { name: 'lwsdisp', section: '3.1.1.6', owed: 'accepted' },
  { name: 'longreq', section: '3.1.1.7', owed: 'accepted' },
  { name: 'dblreq', section: '3.1.1.8', owed: 'accepted' },
  { name: 'semiuri', section: '3.1.1.9', owed: 'accepted' },
  { name: 'transports', section: '3.1.1.10', owed: 'accepted' },
  { name: 'mpart01', section: '3.1.1.11', owed: 'accepted' },
  { name: 'unreason', section: '3.1.1.12', owed: 'accepted' },
  { name: 'noreason', section: '3.1.1.13', owed: 'accepted' },
  { name: 'badinv01', section: '3.1.2.1', owed: 400 },
  { name: 'clerr', section: '3.1.2.2', owed: 400, onStream: 'waits' },
  { name: 'ncl', section: '3.1.2.3', owed: 400 },
  { name: 'scalar02', section: '3.1.2.4', owed: 400 },
  { name: 'scalarlg', section: '3.1.2.5', owed: 'dropped' },
  { name: 'quotbal', section: '3.1.2.6', owed: 400 },
  { name: 'ltgtruri', section: '3.1.2.7', owed: 400 },
  { name: 'lwsruri', section: '3.1.2.8', owed: 400 },
  { name: 'lwsstart', section: '3.1.2.9', owed: 400 },
  { name: 'trws', section: '3.1.2.10', owed: 400 },
  { name: 'escruri', section: '3.1.2.11', owed: 400 },
  { name: 'baddate', section: '3.1.2.12', owed: 'accepted' },
  { name: 'regbadct', section: '3.1.2.13', owed: 400 },
  { name: 'badaspec', section: '3.1.2.14', owed: 400 },
  { name: 'baddn', section: '3.1.2.15', owed: 400, onStream: 'waits' }, // the file ends before its blank line
  { name: 'badvers', section: '3.1.2.16', owed: 505 },
  { name: 'mismatch01', section: '3.1.2.17', owed: 400 },
  { name: 'mismatch02', section: '3.1.2.18', owed: 501 },
  { name: 'bigcode', section: '3.1.2.19', owed: 'dropped' },
  { name: 'badbranch', section: '3.2.1', owed: 400 },
  { name: 'insuf', section: '3.3.1', owed: 400 },
  { name: 'unkscm', section: '3.3.2', owed: 416 },
  { name: 'novelsc', section: '3.3.3', owed: 416 },
  { name: 'unksm2', section: '3.3.4', owed: 'accepted' },
  { name: 'bext01', section: '3.3.5', owed: 'accepted' },
  { name: 'invut', section: '3.3.6', owed: 'accepted' },
  { name: 'regaut01', section: '3.3.7', owed: 'accepted' },
  { name: 'multi01', section: '3.3.8', owed: 400 },
  { name: 'mcl01', section: '3.3.9', owed: 400 },
  { name: 'bcast', section: '3.3.10', owed: 'accepted' },
  { name: 'zeromf', section: '3.3.11', owed: 'accepted' },
  { name: 'cparam01', section: '3.3.12', owed: 'accepted' },
  { name: 'cparam02', section: '3.3.13', owed: 'accepted' },
  { name: 'regescrt', section: '3.3.14', owed: 'accepted' },
  { name: 'sdp01', section: '3.3.15', owed: 'accepted' },
  { name: 'inv2543', section: '3.4.1', owed: 'accepted', onStream: 400 },
];

/** The message, byte for byte as the RFC's archive has it. */
export function tortureMessage(name: string): Buffer {
  return readFileSync(new URL(`../data/rfc4475/${name}.dat`, import.meta.url));
}
