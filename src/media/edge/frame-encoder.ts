/** PCM to payloads of 20 ms, for what the edge plays by itself. */
import { encodeG711, G722Encoder } from '../../audio/index.ts';
import type { AudioCodecName } from '../../sdp/index.ts';

export interface FrameEncoder {
  /** Of the PCM it takes. */
  readonly rateHz: number;
  encode(frame: Int16Array): Buffer;
}

/** A new one; frames are to be given to it in their order. Undefined for a codec that cannot be played. */
export function createFrameEncoder(codec: AudioCodecName): FrameEncoder | undefined {
  switch (codec) {
    case 'PCMU':
    case 'PCMA':
      return { rateHz: 8000, encode: (frame) => Buffer.from(encodeG711(codec, frame)) };
    case 'G722': {
      const encoder = new G722Encoder();
      return { rateHz: 16_000, encode: (frame) => Buffer.from(encoder.encode(frame)) };
    }
    default:
      return undefined;
  }
}
