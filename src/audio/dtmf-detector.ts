/**
 * Hears keys in audio (ITU-T Q.24): Goertzel filters over blocks of about 13 ms. A key counts from two blocks in a row
 * on, and is over after two blocks without it, so that a click neither begins nor splits one. Speech is kept out by what
 * a key has and a voice has not: just two frequencies, nearly equally loud, that hold nearly all of the power.
 */
import { DTMF_COLUMNS_HZ, DTMF_ROWS_HZ, dtmfKeyAt } from './dtmf-tones.ts';

/** 102 samples at 8 kHz: the filters are then 78 Hz wide, and a tone of 40 ms fills two blocks wherever they fall. */
const BLOCKS_PER_SEC = 8000 / 102;
/** Of both frequencies together, against a sine at full scale. */
const LEAST_DBFS = -38;
/** The row louder than the column, and the column louder than the row (Q.24: 4 to 8 dB must be taken). */
const NORMAL_TWIST_DB = 8;
const REVERSE_TWIST_DB = 6;
/** By how much the other frequencies of its group stay below each of the two. */
const ALONE_DB = 8;
/** The part of a block's power that the two frequencies hold. Speech has seldom so much for 26 ms together. */
const SHARE = 0.8;
const HITS_TO_BEGIN = 2;
const MISSES_TO_END = 2;

export interface HeardKey {
  readonly key: string;
  readonly durationMs: number;
}

export class DtmfDetector {
  readonly #rateHz: number;
  readonly #block: Float64Array;
  readonly #rows: readonly number[];
  readonly #columns: readonly number[];
  /** As long as a block, and the latest there is. */
  readonly #latest: Float64Array;
  #latestKey = '';
  #filled = 0;
  /** What the last block sounded like, and how often in a row. */
  #candidate = '';
  #hits = 0;
  #misses = 0;
  #down = '';
  #blocksDown = 0;

  constructor(rateHz: number) {
    this.#rateHz = rateHz;
    this.#block = new Float64Array(Math.round(rateHz / BLOCKS_PER_SEC));
    this.#latest = new Float64Array(this.#block.length);
    this.#rows = DTMF_ROWS_HZ.map((hz) => this.#coefficient(hz));
    this.#columns = DTMF_COLUMNS_HZ.map((hz) => this.#coefficient(hz));
  }

  /** The audio now sounds like a key: whoever passes the key on otherwise must not let it through. */
  get isSounding(): boolean {
    return this.#down !== '' || this.#candidate !== '' || this.#latestKey !== '';
  }

  /** Takes samples as they come; answers with the key that has ended in them. */
  take(samples: Int16Array): HeardKey | undefined {
    let heard: HeardKey | undefined;
    for (const sample of samples) {
      this.#block[this.#filled++] = sample;
      if (this.#filled < this.#block.length) continue;
      this.#filled = 0;
      heard = this.#step(this.#classify(this.#block)) ?? heard;
    }
    // The blocks tell a frame too late whether a key begins in it.
    const tail = samples.subarray(-this.#latest.length);
    this.#latest.copyWithin(0, tail.length);
    this.#latest.set(tail, this.#latest.length - tail.length);
    this.#latestKey = this.#classify(this.#latest);
    return heard;
  }

  /** The audio has stopped altogether: a key that was down is up. */
  end(): HeardKey | undefined {
    this.#filled = 0;
    this.#latest.fill(0);
    this.#latestKey = '';
    this.#step('');
    return this.#step('');
  }

  #step(key: string): HeardKey | undefined {
    this.#hits = key !== '' && key === this.#candidate ? this.#hits + 1 : 1;
    this.#candidate = key;
    if (this.#down !== '') {
      this.#blocksDown++;
      this.#misses = key === this.#down ? 0 : this.#misses + 1;
      if (this.#misses < MISSES_TO_END) return undefined;
      const blocks = this.#blocksDown - this.#misses;
      const ended = { key: this.#down, durationMs: Math.round((blocks * this.#block.length * 1000) / this.#rateHz) };
      this.#down = '';
      this.#begin(key);
      return ended;
    }
    this.#begin(key);
    return undefined;
  }

  #begin(key: string): void {
    if (key === '' || this.#hits < HITS_TO_BEGIN) return;
    this.#down = key;
    this.#blocksDown = this.#hits;
    this.#misses = 0;
  }

  /** The key that a block sounds like, '' for none. */
  #classify(block: Float64Array): string {
    const { length } = block;
    let total = 0;
    for (const sample of block) total += sample * sample;
    const rows = this.#rows.map((coefficient) => powerIn(block, coefficient));
    const columns = this.#columns.map((coefficient) => powerIn(block, coefficient));
    const [row, column] = [strongest(rows), strongest(columns)];
    const [low, high] = [rows[row] ?? 0, columns[column] ?? 0];
    // A sine of amplitude A has the power (A N / 2)² in its filter, and A² N / 2 in the sum of squares.
    const asAmplitude = (4 * (low + high)) / (length * length);
    if (10 * Math.log10(asAmplitude / (32768 * 32768)) < LEAST_DBFS) return '';
    if (low > high * ratio(NORMAL_TWIST_DB) || high > low * ratio(REVERSE_TWIST_DB)) return '';
    if ((2 * (low + high)) / (length * total) < SHARE) return '';
    if (!isAlone(rows, row) || !isAlone(columns, column)) return '';
    return dtmfKeyAt(row, column);
  }

  #coefficient(hz: number): number {
    return 2 * Math.cos((2 * Math.PI * hz) / this.#rateHz);
  }
}

/** Goertzel's filter. */
function powerIn(block: Float64Array, coefficient: number): number {
  let [before, last] = [0, 0];
  for (const sample of block) {
    const next = sample + coefficient * last - before;
    before = last;
    last = next;
  }
  return last * last + before * before - coefficient * last * before;
}

const ratio = (db: number): number => 10 ** (db / 10);

function strongest(powers: readonly number[]): number {
  return powers.reduce((best, power, index) => (power > (powers[best] ?? 0) ? index : best), 0);
}

function isAlone(powers: readonly number[], index: number): boolean {
  const power = powers[index] ?? 0;
  return powers.every((other, at) => at === index || other * ratio(ALONE_DB) <= power);
}
