/** How long packets are (RFC 8866 §6.4: both attributes say what their writer wants to receive). */
import { isSameCodec } from './codec-list.ts';
import type { AudioCodec, RemoteAudio } from './model.ts';

/** What we make ourselves is within these, ms. */
const MIN_MS = 10;
const MAX_MS = 60;
/** The lengths of an Opus packet that we make (RFC 6716 §2.1.4 has shorter ones, too). */
const OPUS_MS: readonly number[] = [60, 40, 20, 10];

/** One Leg's wishes. */
export interface PacketWish {
  readonly codec: AudioCodec;
  readonly audio: Pick<RemoteAudio, 'ptimeMs' | 'maxPtimeMs'>;
  /** What its profile wants, whatever the peer says. */
  readonly ptimeMs: number | undefined;
}

export interface PacketTimes {
  /** What the first and the second Leg are sent. */
  readonly sent: readonly [number, number];
  /** What they are asked for. */
  readonly asked: readonly [number, number];
  readonly maxAsked: readonly [number | undefined, number | undefined];
}

/**
 * Packets that need no decoding pass as they come: each Leg is asked for what the other one wants. Only where one of
 * them cannot have that, by its profile or its a=maxptime, packets are cut and joined on the way; Opus packets cannot
 * be. Where they are decoded anyway, each Leg has its own.
 */
export function packetTimes(
  first: PacketWish,
  second: PacketWish,
  { canRepacketize }: { readonly canRepacketize: boolean },
): PacketTimes {
  const isSame = isSameCodec(first.codec, second.codec);
  const own: readonly [number, number] = [ownPtime(first), ownPtime(second)];
  const mustDiffer = isSame && canRepacketize && first.codec.name !== 'opus' && excludes(first, second);
  if (!isSame || mustDiffer) return { sent: own, asked: own, maxAsked: [undefined, undefined] };
  // One length for both directions: that of the second, who spoke last, unless a profile wants another one.
  const common = first.ptimeMs ?? second.ptimeMs ?? second.audio.ptimeMs;
  return {
    sent: [common, common],
    asked: [common, common],
    maxAsked: [second.audio.maxPtimeMs, first.audio.maxPtimeMs],
  };
}

/** What we send a Leg when we make its packets. */
function ownPtime({ codec, audio, ptimeMs }: PacketWish): number {
  const most = Math.min(MAX_MS, audio.maxPtimeMs ?? MAX_MS);
  const wanted = Math.max(MIN_MS, Math.min(most, ptimeMs ?? audio.ptimeMs));
  if (codec.name === 'opus') return OPUS_MS.find((each) => each <= wanted) ?? MIN_MS;
  return wanted - (wanted % 10);
}

/** Whether one Leg will not have what the other one wants: a profile's word, or a=maxptime. */
function excludes(a: PacketWish, b: PacketWish): boolean {
  const [ofA, ofB] = [a.ptimeMs ?? a.audio.ptimeMs, b.ptimeMs ?? b.audio.ptimeMs];
  if (ofA === ofB) return false;
  if (a.ptimeMs !== undefined || b.ptimeMs !== undefined) return true;
  return ofA > (b.audio.maxPtimeMs ?? ofA) || ofB > (a.audio.maxPtimeMs ?? ofB);
}
