/**
 * AudioSocket, Asterisk's protocol for audio over TCP: a byte of type, two of length (high one first), and the payload.
 * Audio is 16-bit linear PCM, little endian, with a type for each sampling rate.
 */
import type { AgentL16 } from '../../calls/index.ts';

export const HANG_UP = 0x00;
/** First of all, from who dials in: a UUID, as 16 bytes. */
export const UUID = 0x01;
/** One ASCII character. */
export const DTMF = 0x03;
export const FAULT = 0xff;

const AUDIO: Readonly<Record<AgentL16, number>> = { 'L16/8000': 0x10, 'L16/16000': 0x12, 'L16/24000': 0x13 };

const HEADER_BYTES = 3;

export interface Frame {
  readonly type: number;
  readonly payload: Buffer;
}

export function audioType(encoding: AgentL16): number {
  return AUDIO[encoding];
}

/** Header and payload in one piece: Asterisk gives up on a payload that takes its time after the header. */
export function frameOf(type: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  frame.writeUInt8(type, 0);
  frame.writeUInt16BE(payload.length, 1);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

/** Frames out of a stream of bytes; what is kept of it is less than one frame, which is 65,538 bytes at most. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  push(bytes: Buffer): readonly Frame[] {
    const frames: Frame[] = [];
    let all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    for (;;) {
      const length = all.length < HEADER_BYTES ? Infinity : HEADER_BYTES + all.readUInt16BE(1);
      if (all.length < length) break;
      frames.push({ type: all.readUInt8(0), payload: all.subarray(HEADER_BYTES, length) });
      all = all.subarray(length);
    }
    // A copy: else a few bytes would keep the whole chunk.
    this.#rest = Buffer.from(all);
    return frames;
  }
}

export function uuidBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

/** Undefined: it is none. */
export function uuidOf(bytes: Buffer): string | undefined {
  if (bytes.length !== 16) return undefined;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
