/** Which codecs a call has, and why: part of its record. Plain JSON. */
import type { LegId } from '../kernel/index.ts';
import type { AudioCodecName, AudioFormat, TelephoneEventFormat } from '../sdp/index.ts';

export interface CodecRecord {
  /** A sentence of the planner. */
  readonly reason: string;
  readonly isTranscoding: boolean;
  /** Milliseconds since 1970, while it is transcoded. */
  readonly transcodingSince: number | undefined;
  /** So far, all stretches together. */
  readonly transcodedSec: number;
  /** How often the codec of a Leg, or whether the call is transcoded, has changed since it was answered. */
  readonly replans: number;
}

/** What one Leg exchanges. */
export interface LegCodec {
  readonly codec: AudioCodecName;
  /** How long the packets are that it is sent, ms. */
  readonly ptimeMs: number;
  /** As which digits are sent to it; undefined: it has no telephone-event. */
  readonly telephoneEvent: TelephoneEventFormat | undefined;
}

export interface CallCodecs extends CodecRecord {
  readonly legs: ReadonlyMap<LegId, LegCodec>;
}

export function legCodecOf({ codec, ptimeMs, telephoneEvents }: AudioFormat): LegCodec {
  return { codec: codec.name, ptimeMs, telephoneEvent: telephoneEvents[0] };
}
