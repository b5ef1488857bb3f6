import { type CodecName, encodeG711, G722Encoder } from '../../audio/index.ts';
import { payloadLength, payloadOffset } from '../../rtp/index.ts';
import type { AudioCodecName } from '../../sdp/index.ts';

const frames: Readonly<Record<AudioCodecName, Buffer>> = {
  PCMU: Buffer.from(encodeG711('PCMU', new Int16Array(160))),
  PCMA: Buffer.from(encodeG711('PCMA', new Int16Array(160))),
  G722: Buffer.from(new G722Encoder().encode(new Int16Array(320))),
  L16: Buffer.alloc(640),
  // One CELT frame of 20 ms, full band, mono, with nothing in it (RFC 6716 §3.1).
  opus: Buffer.from([0xf8, 0xff, 0xfe]),
};

/** The payload of 20 ms of silence. */
export function silenceOf(codec: AudioCodecName): Buffer {
  return frames[codec];
}

/** An Opus frame of digital silence is hardly more than its header; the faintest sound needs more. */
const SILENT_OPUS_BYTES = 12;

/** Whether a packet carries digital silence: what a muted microphone sends. */
export function isSilent(codec: AudioCodecName, packet: Buffer): boolean {
  const offset = payloadOffset(packet);
  const length = offset < 0 ? 0 : payloadLength(packet, offset);
  if (length <= 0) return true;
  if (codec === 'opus') return length <= SILENT_OPUS_BYTES;
  const silence = silentBytes[codec];
  for (let at = offset; at < offset + length; at++) if (silence[packet[at] ?? 0] === 0) return false;
  return true;
}

const silentBytes: Readonly<Record<Exclude<AudioCodecName, 'opus'>, Uint8Array>> = {
  // Zero and the smallest steps beside it.
  PCMU: bytesOf([0xff, 0xfe, 0x7f, 0x7e]),
  PCMA: bytesOf([0xd5, 0xd4, 0x55, 0x54]),
  G722: bytesOf(frames.G722),
  L16: bytesOf([0]),
};

function bytesOf(bytes: Iterable<number>): Uint8Array {
  const isOneOf = new Uint8Array(256);
  for (const byte of bytes) isOneOf[byte] = 1;
  return isOneOf;
}

/** Opus frames of any length that are silent: one silent frame, and padding behind it (RFC 6716 §3.2.5). */
const PADDED_SILENCE = { toc: 0xfb, oneFrameAndPadding: 0x41, frame: [0xff, 0xfe] } as const;
const MOST_IN_A_LENGTH_BYTE = 254;

/** Makes a payload silent without changing its length. */
export function muteInPlace(codec: CodecName, payload: Buffer): void {
  if (codec === 'opus') return muteOpus(payload);
  const silence = codec === 'L16' ? NO_SOUND : frames[codec];
  for (let at = 0; at < payload.length; at++) payload[at] = silence[at % silence.length] ?? 0;
}

const NO_SOUND = Buffer.alloc(1);

function muteOpus(payload: Buffer): void {
  const { toc, oneFrameAndPadding, frame } = PADDED_SILENCE;
  // What is that short is silence already.
  if (payload.length < 3 + frame.length) return;
  const lengthBytes = Math.ceil((payload.length - 2 - frame.length) / (MOST_IN_A_LENGTH_BYTE + 1));
  let padding = payload.length - 2 - frame.length - lengthBytes;
  payload.fill(0);
  payload[0] = toc;
  payload[1] = oneFrameAndPadding;
  for (let at = 2; at < 2 + lengthBytes; at++) {
    const isLast = at === 1 + lengthBytes;
    payload[at] = isLast ? padding : MOST_IN_A_LENGTH_BYTE + 1;
    padding -= isLast ? 0 : MOST_IN_A_LENGTH_BYTE;
  }
  payload.set(frame, 2 + lengthBytes);
}
