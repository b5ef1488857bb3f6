/** Hears the keys in what a port receives, and takes their tones out: they go on in another form. */
import { type AudioDecoder, type CodecName, createDecoder, DtmfDetector, type HeardKey } from '../../audio/index.ts';
import { payloadLength, payloadOffset } from '../../rtp/index.ts';
import { muteInPlace } from './silence.ts';

/** No audio for so long ends a key, ms. */
const IDLE_MS = 120;

export class ToneListener {
  readonly #codec: CodecName;
  #decoder: AudioDecoder | undefined;
  #detector: DtmfDetector | undefined;
  #heardMs = 0;
  #isClosed = false;

  constructor(codec: CodecName) {
    this.#codec = codec;
  }

  /** Hears nothing before. */
  async start(): Promise<void> {
    // Opus is decoded straight to the rate that the filters want.
    const options = this.#codec === 'opus' ? { rateHz: 8000 } : {};
    const decoder = await createDecoder(this.#codec, options);
    if (this.#isClosed) return decoder.close();
    this.#decoder = decoder;
    this.#detector = new DtmfDetector(decoder.rateHz);
  }

  get codec(): CodecName {
    return this.#codec;
  }

  /** An audio packet; its sound is gone afterwards if it is that of a key. Answers with a key that is over. */
  take(packet: Buffer, nowMs: number): HeardKey | undefined {
    const offset = payloadOffset(packet);
    if (this.#decoder === undefined || this.#detector === undefined || offset < 0) return undefined;
    this.#heardMs = nowMs;
    const payload = packet.subarray(offset, offset + payloadLength(packet, offset));
    const key = this.#detector.take(this.#decoder.decode(payload));
    if (this.#detector.isSounding) muteInPlace(this.#codec, payload);
    return key;
  }

  /** The key that ended because nothing comes any more. */
  expire(nowMs: number): HeardKey | undefined {
    return nowMs - this.#heardMs < IDLE_MS ? undefined : this.#detector?.end();
  }

  close(): void {
    this.#isClosed = true;
    this.#decoder?.close();
    this.#decoder = undefined;
  }
}
