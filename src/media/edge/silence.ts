import { encodeG711, G722Encoder } from '../../audio/index.ts';
import type { AudioCodecName } from '../../sdp/index.ts';

const frames: Readonly<Record<AudioCodecName, Buffer>> = {
  PCMU: Buffer.from(encodeG711('PCMU', new Int16Array(160))),
  PCMA: Buffer.from(encodeG711('PCMA', new Int16Array(160))),
  G722: Buffer.from(new G722Encoder().encode(new Int16Array(320))),
  // One CELT frame of 20 ms, full band, mono, with nothing in it (RFC 6716 §3.1).
  opus: Buffer.from([0xf8, 0xff, 0xfe]),
};

/** The payload of 20 ms of silence. */
export function silenceOf(codec: AudioCodecName): Buffer {
  return frames[codec];
}
