/**
 * Packet indices of SRTP, for every SSRC under one key, and which of them were there already (RFC 3711 §3.3.1, §3.3.2).
 * The index is the sequence number with what it has rolled over on top; a packet only tells the sequence number.
 */
import { sequenceDelta } from './sequence.ts';

/** How far behind the highest index a packet may be: 64 at least (RFC 3711 §3.3.2); this is more than two seconds of audio. */
const WINDOW = 128;
/** SSRCs remembered at once. A party changes its SSRC a few times in a call, if at all. */
const MAX_SSRCS = 64;

interface Stream {
  highest: number;
  /** The last index seen in each place of the window. */
  readonly seen: Float64Array;
}

export class PacketIndices {
  readonly #streams = new Map<number, Stream>();

  /** The most likely index of that sequence number. Negative when it would lie before the first. */
  guess(ssrc: number, sequence: number): number {
    const stream = this.#streams.get(ssrc);
    // RFC 4568 §6.4: the rollover counter is zero when an SSRC begins.
    return stream === undefined ? sequence : stream.highest + sequenceDelta(sequence, stream.highest % 0x1_0000);
  }

  /** Whether the index is neither used nor too old to tell. */
  isFresh(ssrc: number, index: number): boolean {
    const stream = this.#streams.get(ssrc);
    if (stream === undefined || index > stream.highest) return index >= 0;
    return index >= 0 && index > stream.highest - WINDOW && stream.seen[index % WINDOW] !== index;
  }

  /** Notes an index of an authentic packet: forged ones must leave nothing behind. */
  use(ssrc: number, index: number): void {
    const stream = this.#streams.get(ssrc) ?? this.#begin(ssrc);
    stream.seen[index % WINDOW] = index;
    if (index > stream.highest) stream.highest = index;
  }

  #begin(ssrc: number): Stream {
    const [oldest] = this.#streams.keys();
    if (this.#streams.size >= MAX_SSRCS && oldest !== undefined) this.#streams.delete(oldest);
    const stream = { highest: -1, seen: new Float64Array(WINDOW).fill(-1) };
    this.#streams.set(ssrc, stream);
    return stream;
  }
}
