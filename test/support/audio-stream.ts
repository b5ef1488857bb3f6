/** Sound as RTP payloads and back: a recording played by one test peer, and what another heard of it. */
import { type CodecName, createDecoder, createEncoder } from '../../src/audio/index.ts';
import type { HeardPacket } from './rtp-peer.ts';

export interface StreamCodec {
  readonly name: CodecName;
  /** Of the PCM, where the codec leaves a choice. */
  readonly rateHz?: number;
  /** Of the RTP timestamps. */
  readonly clockRate: number;
  readonly ptimeMs?: number;
}

/** The recording as payloads. `loss` is what an Opus encoder is told to expect. */
export async function encodeAll(pcm: Int16Array, codec: StreamCodec, loss = 0): Promise<Buffer[]> {
  const encoder = await createEncoder(codec.name, codec);
  encoder.expectLoss(loss);
  const frame = (encoder.rateHz * (codec.ptimeMs ?? 20)) / 1000;
  const payloads = Array.from({ length: Math.floor(pcm.length / frame) }, (_, i) =>
    Buffer.from(encoder.encode(pcm.subarray(i * frame, (i + 1) * frame))),
  );
  encoder.close();
  return payloads;
}

/** What was heard, every packet where its timestamp puts it, silence where there is none. */
export async function decodeAll(packets: readonly HeardPacket[], codec: StreamCodec): Promise<Int16Array> {
  const decoder = await createDecoder(codec.name, codec);
  const sorted = packets.toSorted((a, b) => ((a.sequence - b.sequence) << 16) >> 16);
  const first = sorted[0]?.timestamp ?? 0;
  const pieces = sorted.map((packet) => ({
    at: Math.round((((packet.timestamp - first) | 0) * decoder.rateHz) / codec.clockRate),
    pcm: decoder.decode(packet.payload).slice(),
  }));
  decoder.close();
  const length = Math.max(0, ...pieces.map(({ at, pcm }) => at + pcm.length));
  const whole = new Int16Array(length);
  for (const { at, pcm } of pieces) if (at >= 0) whole.set(pcm, at);
  return whole;
}
