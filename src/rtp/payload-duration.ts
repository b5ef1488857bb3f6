/** How long the audio in one payload lasts, in units of the RTP clock. */

/** Of a payload, without decoding it; 0 when it is no payload of the codec. */
export type DurationOf = (payload: Uint8Array) => number;

/** One byte for each unit of the clock: G.711, and G.722 whose clock is half of its rate (RFC 3551 §4.5.2). */
export const byteDuration: DurationOf = (payload) => payload.length;

/** Two bytes for each unit of the clock: L16 in mono. */
export const wordDuration: DurationOf = (payload) => payload.length >> 1;

const OPUS_CLOCK_PER_MS = 48;
/** Longer packets are not allowed (RFC 6716 §3.2.5, requirement R5). */
const OPUS_LONGEST = 120 * OPUS_CLOCK_PER_MS;

/** By the table of contents at the packet's beginning (RFC 6716 §3.1 and §3.2), at the clock of 48 kHz. */
export const opusDuration: DurationOf = (payload) => {
  const toc = payload[0];
  if (toc === undefined) return 0;
  const code = toc & 3;
  const frames = code === 0 ? 1 : code === 3 ? (payload[1] ?? 0) & 0x3f : 2;
  const duration = frames * opusFrame(toc >> 3);
  return duration <= OPUS_LONGEST ? duration : 0;
};

function opusFrame(configuration: number): number {
  const place = configuration & 3;
  // SILK: 10, 20, 40, 60 ms; hybrid: 10, 20 ms; CELT: 2.5, 5, 10, 20 ms.
  if (configuration < 12) return (place === 3 ? 60 : 10 * 2 ** place) * OPUS_CLOCK_PER_MS;
  if (configuration < 16) return ((configuration & 1) === 1 ? 20 : 10) * OPUS_CLOCK_PER_MS;
  return 2.5 * 2 ** place * OPUS_CLOCK_PER_MS;
}
