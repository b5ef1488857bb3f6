/**
 * Cuts a TCP stream into messages by Content-Length (RFC 3261 §18.3) and sees the keep-alives between them
 * (RFC 5626 §3.5.1, §4.4.1). A message is handed over only when it is complete; where it ends can no longer be told,
 * the stream is broken for good.
 */
import { DEFAULT_PARSE_LIMITS, type ParseLimits } from './parse-head.ts';

export type FramerLimits = Pick<ParseLimits, 'totalBytes'>;

export type FramerEvent =
  | { readonly kind: 'message'; readonly data: Buffer }
  /** CRLFCRLF between messages: the peer waits for a CRLF. */
  | { readonly kind: 'keepalive' }
  /** CRLF alone between messages: the answer to a keep-alive of ours, or noise. */
  | { readonly kind: 'pong' }
  /** Nothing more can be read. `data` is the message as far as it came, for a refusal with `status`. */
  | { readonly kind: 'broken'; readonly reason: string; readonly status: number; readonly data: Buffer };

const BLANK_LINE = Buffer.from('\r\n\r\n');
const CR = 0x0d;
const LF = 0x0a;
const CONTENT_LENGTH = /\r\n(?:content-length|l)[ \t]*:((?:[^\r]|\r\n[ \t])*)/gi;
const NO_BYTES = Buffer.alloc(0);

export class StreamFramer {
  readonly #limits: FramerLimits;
  /** What has come and is not yet handed over: `#buffer` from `#start` to `#end`. */
  #buffer: Buffer = NO_BYTES;
  /** `#buffer` was made by `#grow`, not by the caller. */
  #isOwn = false;
  #start = 0;
  #end = 0;
  /** Up to here the head has been searched for its blank line. */
  #searched = 0;
  /** Size of the message whose head is complete; 0 while it is not. */
  #messageBytes = 0;
  /** A CRLF has been seen between messages, and another would make it a keep-alive. */
  #hasLineBreak = false;
  #isBroken = false;

  constructor(limits: FramerLimits = DEFAULT_PARSE_LIMITS) {
    this.#limits = limits;
  }

  /** How many bytes wait for the rest of their message. */
  get pendingBytes(): number {
    return this.#end - this.#start;
  }

  /** Takes the next bytes of the stream. Messages are copies or views of `chunk`, which must not change afterwards. */
  push(chunk: Buffer): FramerEvent[] {
    if (this.#isBroken) return [];
    const events: FramerEvent[] = [];
    this.#append(chunk);
    while (this.#end > this.#start && this.#take(events));
    if (this.#start === this.#end) this.#reset();
    return events;
  }

  /** Takes one thing off the front; false when there is none complete. */
  #take(events: FramerEvent[]): boolean {
    if (this.#messageBytes > 0) return this.#takeMessage(events);
    const first = this.#buffer[this.#start];
    if (first === CR || first === LF) return this.#takeLineBreak(events, first);
    this.#hasLineBreak = false;
    const blank = this.#buffer.subarray(0, this.#end).indexOf(BLANK_LINE, Math.max(this.#start, this.#searched - 3));
    if (blank >= 0) return this.#takeHead(events, blank + BLANK_LINE.length);
    this.#searched = this.#end;
    if (this.pendingBytes > this.#limits.totalBytes) return this.#break(events, 'Message Too Large', 513);
    return false;
  }

  #takeLineBreak(events: FramerEvent[], first: number): boolean {
    if (first === LF) {
      this.#start++; // a lone LF is no keep-alive; RFC 3261 §7.5 lets us skip it
      return true;
    }
    if (this.pendingBytes < 2) return false;
    const isLineBreak = this.#buffer[this.#start + 1] === LF;
    this.#start += isLineBreak ? 2 : 1;
    if (!isLineBreak) return true;
    if (this.#hasLineBreak) {
      const before = events.at(-1);
      if (before?.kind === 'pong') events.pop();
      events.push({ kind: 'keepalive' });
    } else events.push({ kind: 'pong' });
    this.#hasLineBreak = !this.#hasLineBreak;
    return true;
  }

  #takeHead(events: FramerEvent[], headEnd: number): boolean {
    const head = this.#buffer.toString('latin1', this.#start, headEnd - BLANK_LINE.length);
    const values = [...head.matchAll(CONTENT_LENGTH)].map((match) => (match[1] ?? '').trim());
    const [value] = values;
    if (value === undefined) return this.#break(events, 'Missing Content-Length', 400);
    if (values.length > 1) return this.#break(events, 'Multiple Content-Length Headers', 400);
    if (!/^\d{1,9}$/.test(value)) return this.#break(events, 'Malformed Content-Length', 400);
    this.#messageBytes = headEnd - this.#start + Number(value);
    if (this.#messageBytes > this.#limits.totalBytes) return this.#break(events, 'Message Too Large', 513);
    return true;
  }

  #takeMessage(events: FramerEvent[]): boolean {
    if (this.pendingBytes < this.#messageBytes) return false;
    const end = this.#start + this.#messageBytes;
    events.push({ kind: 'message', data: this.#buffer.subarray(this.#start, end) });
    this.#start = end;
    this.#searched = end;
    this.#messageBytes = 0;
    return true;
  }

  #break(events: FramerEvent[], reason: string, status: number): false {
    const data = this.#buffer.subarray(this.#start, this.#end);
    events.push({ kind: 'broken', reason, status, data });
    this.#isBroken = true;
    this.#reset();
    return false;
  }

  #append(chunk: Buffer): void {
    if (this.#start === this.#end) {
      this.#buffer = chunk;
      this.#isOwn = false;
      this.#start = 0;
      this.#end = chunk.length;
      this.#searched = 0;
      return;
    }
    if (!this.#isOwn || this.#end + chunk.length > this.#buffer.length) this.#grow(this.pendingBytes + chunk.length);
    chunk.copy(this.#buffer, this.#end);
    this.#end += chunk.length;
  }

  /**
   * Moves what is pending to a buffer of our own with room to spare, so that a peer who sends byte by byte does not
   * make us copy everything each time. Bytes are only ever written behind `#end`: messages handed over stay intact.
   */
  #grow(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(needed * 2, 2048));
    this.#buffer.copy(grown, 0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#searched = Math.max(this.#searched - this.#start, 0);
    this.#start = 0;
    this.#buffer = grown;
    this.#isOwn = true;
  }

  #reset(): void {
    this.#buffer = NO_BYTES;
    this.#isOwn = false;
    this.#start = 0;
    this.#end = 0;
    this.#searched = 0;
  }
}
