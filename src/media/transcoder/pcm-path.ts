/** Which codecs and rates lead from one format to another. */
import {
  type AudioDecoder,
  type AudioEncoder,
  createDecoder,
  createEncoder,
  createResampler,
  type Resampler,
} from '../../audio/index.ts';
import { byteDuration, type DurationOf, opusDuration, wordDuration } from '../../rtp/index.ts';
import type { AudioCodec, AudioFormat } from '../../sdp/index.ts';

export interface PcmPath {
  readonly decoder: AudioDecoder;
  /** Undefined when encoder and decoder have the same rate. */
  readonly resampler: Resampler | undefined;
  readonly encoder: AudioEncoder;
  readonly durationOf: DurationOf;
  /** Of the encoder. */
  readonly frameMs: number;
}

/** What an Opus encoder can make a packet of, ms. */
const OPUS_FRAMES_MS: readonly number[] = [60, 40, 20, 10];
const SHORTEST_MS = 10;
const LONGEST_MS = 60;

/** Opens both codecs. Opus works at the other side's rate, so that only G.722 and L16 ever meet another rate. */
export async function openPcmPath(from: AudioFormat, to: AudioFormat): Promise<PcmPath> {
  const [decodeHz, encodeHz] = rates(from.codec, to.codec);
  const resampler = createResampler(decodeHz, encodeHz);
  const [decoder, encoder] = await Promise.all([
    createDecoder(from.codec.name, { rateHz: decodeHz }),
    createEncoder(to.codec.name, { rateHz: encodeHz, opus: opusOptions(to.codec) }),
  ]);
  return { decoder, encoder, resampler, durationOf: durationOf(from.codec), frameMs: frameMs(to) };
}

/** Whether losses towards the receiver may be answered with redundancy (RFC 7587 §6.1, useinbandfec). */
export function takesFec({ name, fmtp }: AudioCodec): boolean {
  return name === 'opus' && parameter(fmtp, 'useinbandfec') === 1;
}

function rates(from: AudioCodec, to: AudioCodec): readonly [number, number] {
  const [decodeHz, encodeHz] = [ownRate(from), ownRate(to)];
  return [decodeHz ?? encodeHz ?? 48_000, encodeHz ?? decodeHz ?? 48_000];
}

/** Undefined for Opus, which has none. */
function ownRate({ name, clockRate }: AudioCodec): number | undefined {
  if (name === 'opus') return undefined;
  // The clock of G.722 says 8 kHz, for history's sake (RFC 3551 §4.5.2).
  return name === 'G722' ? 16_000 : clockRate;
}

function durationOf({ name }: AudioCodec): DurationOf {
  if (name === 'opus') return opusDuration;
  return name === 'L16' ? wordDuration : byteDuration;
}

/** The packet time the receiver asked for, as far as the codec can. */
function frameMs({ codec, ptimeMs }: AudioFormat): number {
  const asked = Math.max(SHORTEST_MS, Math.min(LONGEST_MS, ptimeMs));
  return codec.name === 'opus' ? (OPUS_FRAMES_MS.find((ms) => ms <= asked) ?? SHORTEST_MS) : asked;
}

function opusOptions({ fmtp }: AudioCodec): { bitrate?: number; dtx: boolean } {
  const most = parameter(fmtp, 'maxaveragebitrate');
  const bitrate = most === undefined ? {} : { bitrate: Math.max(6000, Math.min(64_000, most)) };
  return { ...bitrate, dtx: parameter(fmtp, 'usedtx') === 1 };
}

function parameter(fmtp: string, name: string): number | undefined {
  const found = new RegExp(`(?:^|[;\\s])${name}\\s*=\\s*(\\d+)`, 'i').exec(fmtp)?.[1];
  return found === undefined ? undefined : Number(found);
}
