/**
 * Frames of drachtio's wire protocol: `<payload length in bytes, decimal>#<payload>`, nothing between frames.
 * A frame may be split anywhere, inside the digits too. Pure.
 */

/** Why a stream of frames cannot be read on: there is no way to find the next frame, so the connection must close. */
export type FrameFailure = 'bad-length' | 'too-long';

export interface DecodedFrames {
  /** Payloads in order; they may share memory with the chunks pushed. */
  readonly payloads: readonly Buffer[];
  readonly failure: FrameFailure | undefined;
}

const HASH = 0x23;
const ZERO = 0x30;
const NINE = 0x39;
/** Nobody needs more to write any length that we accept. */
const MAX_DIGITS = 7;

/** Encodes one frame; `message` follows the leader after a CRLF. */
export function encodeFrame(leader: string, message: Buffer | undefined): Buffer {
  const leaderBytes = Buffer.byteLength(leader);
  const payloadBytes = leaderBytes + (message === undefined ? 0 : message.length + 2);
  const prefix = `${payloadBytes}#`;
  const frame = Buffer.allocUnsafe(prefix.length + payloadBytes);
  frame.write(prefix, 0, 'latin1');
  let at = prefix.length;
  at += frame.write(leader, at);
  if (message !== undefined) {
    frame.write('\r\n', at, 'latin1');
    message.copy(frame, at + 2);
  }
  return frame;
}

type Head = { readonly kind: 'incomplete' } | { readonly kind: 'failed'; readonly why: FrameFailure } | LengthHead;
interface LengthHead {
  readonly kind: 'length';
  readonly start: number;
  readonly end: number;
}

/** Collects chunks and cuts them into payloads. After a failure it yields nothing more. */
export class FrameDecoder {
  readonly #limit: number;
  #chunks: Buffer[] = [];
  #buffered = 0;
  /** Bytes that must be there before another look is worth it. */
  #wanted = 1;
  #failure: FrameFailure | undefined;

  /** `limit`: largest payload accepted, in bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  push(chunk: Buffer): DecodedFrames {
    const payloads: Buffer[] = [];
    if (this.#failure !== undefined) return { payloads, failure: this.#failure };
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    if (this.#buffered < this.#wanted) return { payloads, failure: undefined };
    const input = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    this.#keep(input, this.#cut(input, payloads));
    return { payloads, failure: this.#failure };
  }

  /** Takes whole frames from the front of `input`; the result is where the first incomplete one begins. */
  #cut(input: Buffer, payloads: Buffer[]): number {
    let at = 0;
    for (;;) {
      const head = this.#head(input, at);
      if (head.kind === 'failed') {
        this.#failure = head.why;
        return input.length;
      }
      if (head.kind === 'incomplete') {
        this.#wanted = input.length - at + 1;
        return at;
      }
      if (head.end > input.length) {
        this.#wanted = head.end - at;
        return at;
      }
      payloads.push(input.subarray(head.start, head.end));
      at = head.end;
    }
  }

  #head(input: Buffer, from: number): Head {
    let length = 0;
    for (let at = from; at < input.length; at += 1) {
      const byte = input[at] ?? 0;
      if (byte === HASH && length > 0) return { kind: 'length', start: at + 1, end: at + 1 + length };
      if (byte < ZERO || byte > NINE || at - from >= MAX_DIGITS) return { kind: 'failed', why: 'bad-length' };
      length = length * 10 + (byte - ZERO);
      if (length > this.#limit) return { kind: 'failed', why: 'too-long' };
    }
    return { kind: 'incomplete' };
  }

  #keep(input: Buffer, from: number): void {
    this.#chunks = from === input.length ? [] : [input.subarray(from)];
    this.#buffered = input.length - from;
  }
}
