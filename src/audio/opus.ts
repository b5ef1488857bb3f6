/**
 * Opus (RFC 6716) behind the codec interface, by libopus. It encodes from and decodes to the rate the
 * other side has, so that nothing needs to be resampled.
 */
import type { AudioDecoder, AudioEncoder } from './codec.ts';
import { type OpusDecoderCore, type OpusEncoderCore, type OpusEncoderSettings, opusInUse } from './opus-binding.ts';

export interface OpusOptions {
  /** bit/s without redundancy; default by rate: 20, 28 or 32 kbit/s. */
  readonly bitrate?: number;
  /** 0 to 10. 5 sounds like 10 to most and costs half. */
  readonly complexity?: number;
  /** Send next to nothing in silence. */
  readonly dtx?: boolean;
}

type SampleRate = OpusEncoderSettings['rateHz'];

const RATES: readonly number[] = [8000, 12_000, 16_000, 24_000, 48_000] satisfies readonly SampleRate[];
const DEFAULT_COMPLEXITY = 5;
/** Redundancy costs a third more time and bits: below this fraction of loss it is not worth it. */
const FEC_FROM = 0.01;
/** libopus leaves redundancy out when the bits are few, so there are more of them with it. */
const FEC_BITRATE = 1.5;
/** libopus: a lost frame is asked for in multiples of 2.5 ms. */
const GRAIN_PER_SEC = 400;
/** No packet lasts longer. */
const LONGEST_SEC = 0.12;

export async function createOpusEncoder(rateHz: number, options: OpusOptions): Promise<AudioEncoder> {
  const settings = {
    rateHz: sampleRate(rateHz),
    bitrate: options.bitrate ?? (rateHz <= 12_000 ? 20_000 : rateHz <= 16_000 ? 28_000 : 32_000),
    complexity: options.complexity ?? DEFAULT_COMPLEXITY,
    dtx: options.dtx ?? false,
  };
  return new OpusEncoder(await opusInUse().createEncoder(settings), settings);
}

export async function createOpusDecoder(rateHz: number): Promise<AudioDecoder> {
  return new OpusDecoder(await opusInUse().createDecoder(sampleRate(rateHz)), rateHz);
}

class OpusEncoder implements AudioEncoder {
  readonly rateHz: number;
  readonly #core: OpusEncoderCore;
  readonly #bitrate: number;
  #lossPercent = 0;

  constructor(core: OpusEncoderCore, { rateHz, bitrate }: OpusEncoderSettings) {
    this.#core = core;
    this.#bitrate = bitrate;
    this.rateHz = rateHz;
  }

  encode(pcm: Int16Array): Uint8Array {
    if (!this.#isFrame(pcm.length))
      throw new RangeError(`no Opus frame has ${pcm.length} samples at ${this.rateHz} Hz`);
    return this.#core.encode(pcm);
  }

  expectLoss(fraction: number): void {
    const percent = fraction < FEC_FROM ? 0 : Math.min(100, Math.ceil(fraction * 100));
    if (percent === this.#lossPercent) return;
    this.#lossPercent = percent;
    this.#core.set(percent > 0 ? Math.round(this.#bitrate * FEC_BITRATE) : this.#bitrate, percent);
  }

  close(): void {
    this.#core.close();
  }

  #isFrame(samples: number): boolean {
    const ms = (samples * 1000) / this.rateHz;
    return ms === 20 || ms === 10 || ms === 40 || ms === 60;
  }
}

class OpusDecoder implements AudioDecoder {
  readonly rateHz: number;
  readonly #core: OpusDecoderCore;
  #lastLength: number;

  constructor(core: OpusDecoderCore, rateHz: number) {
    this.#core = core;
    this.rateHz = rateHz;
    this.#lastLength = rateHz / 50;
  }

  decode(payload: Uint8Array): Int16Array {
    if (payload.length === 0) return this.conceal(this.#lastLength);
    try {
      const pcm = this.#core.decode(payload);
      this.#lastLength = pcm.length;
      return pcm;
    } catch {
      return this.conceal(this.#lastLength);
    }
  }

  conceal(samples: number): Int16Array {
    return this.#core.recover(undefined, this.#wholeGrains(samples));
  }

  decodeFec(next: Uint8Array, samples: number): Int16Array {
    if (next.length === 0) return this.conceal(samples);
    try {
      return this.#core.recover(next, this.#wholeGrains(samples));
    } catch {
      return this.conceal(samples);
    }
  }

  close(): void {
    this.#core.close();
  }

  #wholeGrains(samples: number): number {
    const grain = this.rateHz / GRAIN_PER_SEC;
    const most = this.rateHz * LONGEST_SEC;
    return Math.max(grain, Math.min(most, Math.round(samples / grain) * grain));
  }
}

function sampleRate(rateHz: number): SampleRate {
  if (!isSampleRate(rateHz)) throw new RangeError(`Opus has no PCM of ${rateHz} Hz`);
  return rateHz;
}

function isSampleRate(rateHz: number): rateHz is SampleRate {
  return RATES.includes(rateHz);
}
