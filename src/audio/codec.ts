/**
 * One interface to every audio codec: PCM frames in, payloads out, and back, with what makes up for lost packets.
 * What a codec gives may be its own memory: it is valid until the next call of the same codec.
 */

/** As SDP writes them. */
export type CodecName = 'PCMU' | 'PCMA' | 'G722' | 'L16' | 'opus';

export interface AudioEncoder {
  /** Of the PCM it takes, mono. */
  readonly rateHz: number;
  /** Encodes one frame: any even number of samples; for Opus 10, 20, 40 or 60 ms, else it throws a RangeError. */
  encode(pcm: Int16Array): Uint8Array;
  /** What fraction (0 to 1) of the packets the receiver loses: Opus sends that much redundancy (in-band FEC), others none. */
  expectLoss(fraction: number): void;
  /** Frees what it holds outside of JavaScript. */
  close(): void;
}

export interface AudioDecoder {
  /** Of the PCM it gives, mono. */
  readonly rateHz: number;
  /** Decodes one payload. One that is no such payload counts as lost: a frame like the last one is made up for it. */
  decode(payload: Uint8Array): Int16Array;
  /** Makes up `samples` samples in place of a packet that never came; the longer, the quieter. */
  conceal(samples: number): Int16Array;
  /** What the packet after a lost one knows about it, else concealment. The next packet is still to be decoded itself. */
  decodeFec(next: Uint8Array, samples: number): Int16Array;
  /** Frees what it holds outside of JavaScript. */
  close(): void;
}
