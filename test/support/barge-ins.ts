/** Speech that is cut off at random moments, and what of each utterance a phone has really heard. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../src/kernel/index.ts';
import type { Stream } from './media-stream-agent.ts';
import type { RtpPeer } from './rtp-peer.ts';
import { until } from './until.ts';

const UTTERANCE_MS = 1500;
/** Utterances are told apart by the one byte that they are made of, which is neither silence nor of the one before. */
const valueOf = (index: number): number => 1 + (index % 100);

/** The agent says something and is cut off, so often. Utterances are counted from 1, as the record names them. */
export async function bargeIn(stream: Stream, rtp: RtpPeer, { times, random }: { times: number; random: Random }) {
  for (let index = 0; index < times; index++) {
    const value = valueOf(index);
    stream.say(Buffer.alloc(8 * UTTERANCE_MS, value));
    await until(() => rtp.heard.some(({ payload }) => payload[0] === value), { within: 10_000, what: 'the utterance' });
    await sleep(random.uint32() % 300);
    stream.clear();
    await until(() => rtp.heard.at(-1)?.payload.every((byte) => byte === 0xff) === true, {
      within: 10_000,
      what: 'silence',
    });
  }
}

/** How much of each utterance was heard, ms; at most a hundred of them. */
export function heardOf(rtp: RtpPeer, times: number): readonly number[] {
  const bytes = new Uint32Array(256);
  for (const { payload } of rtp.heard) for (const byte of payload) bytes[byte] = (bytes[byte] ?? 0) + 1;
  return Array.from({ length: times }, (_, index) => (bytes[valueOf(index)] ?? 0) / 8);
}
