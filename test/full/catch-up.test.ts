/** A gateway that stood still while an agent spoke in real time is late, and makes up for it in the pauses of the speech. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { phoneOf } from '../support/beside.ts';
import { Gateway } from '../support/gateway.ts';
import { MediaStreamAgent, type Stream } from '../support/media-stream-agent.ts';
import type { HeardPacket } from '../support/rtp-peer.ts';
import type { SipPhone } from '../support/sip-phone.ts';
import { talkTo } from '../support/talk.ts';
import { until } from '../support/until.ts';

const STALL_MS = 500;
/** The clock makes up for 100 ms of it. */
const LEAST_LAG_MS = 250;
const FRAME_MS = 20;
const SILENCE = Buffer.alloc(160, 0xff);
/** Of a word, and of the pause after it. */
const WORD_FRAMES = 20;
/** The bytes of the first word; each has others. */
const FIRST = 0x10;
const MAX_WORDS = 90;

let gateway: Gateway;
let agent: MediaStreamAgent;
let phone: SipPhone;

beforeAll(async () => {
  agent = await MediaStreamAgent.start();
  gateway = await Gateway.start({
    base: 26_300,
    settings: { agents: [{ name: 'assistant', protocol: 'twilio', url: agent.url, warmUpSec: 0 }] },
  });
  phone = await phoneOf(gateway, 'carol');
});
afterAll(async () => {
  await phone?.close();
  await gateway?.stop();
  await agent?.stop();
});

/** Words and pauses in real time, until it is told to stop; `saidAt`: when each word began. */
function speak(stream: Stream): { readonly saidAt: readonly number[]; readonly stop: () => void } {
  const saidAt: number[] = [];
  const begin = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    for (; sent * FRAME_MS <= performance.now() - begin; sent++) {
      const [word, at] = [Math.floor(sent / (2 * WORD_FRAMES)), sent % (2 * WORD_FRAMES)];
      if (at === 0) saidAt.push(performance.now());
      stream.say(at < WORD_FRAMES ? Buffer.alloc(160, FIRST + word) : SILENCE);
    }
  }, 5);
  return { saidAt, stop: () => clearInterval(timer) };
}

const framesOf = (word: number, heard: readonly HeardPacket[]): readonly HeardPacket[] =>
  heard.filter(({ payload }) => payload.every((byte) => byte === FIRST + word));

test('the lag is gone soon after, not a frame of the words is missing, and the ledger has what was left out', async () => {
  const starting = agent.stream(0);
  const { rtp, end } = await talkTo('assistant', phone);
  const { saidAt, stop } = speak(await starting);
  /** The least delay of three words: what the machine adds now and then does not count. */
  const lateMs = (from: number): number =>
    Math.min(...[0, 1, 2].map((at) => (framesOf(from + at, rtp.heard)[0]?.at ?? Infinity) - (saidAt[from + at] ?? 0)));
  const areHeard = (count: number) =>
    until(() => framesOf(count - 1, rtp.heard).length > 0, { within: 60_000, what: `${count} words` });

  await areHeard(3);
  const usualMs = lateMs(0);
  const stalledAt = saidAt.length;
  process.kill(gateway.pid, 'SIGSTOP');
  await sleep(STALL_MS);
  process.kill(gateway.pid, 'SIGCONT');
  await areHeard(stalledAt + 3);
  expect(lateMs(stalledAt)).toBeGreaterThan(usualMs + LEAST_LAG_MS);
  const isBack = (): boolean => {
    const last = Math.max(stalledAt, saidAt.length - 4);
    expect(last).toBeLessThan(MAX_WORDS);
    return lateMs(last) < usualMs + 60;
  };
  await until(isBack, { within: 30_000, every: 100, what: `words no later than ${usualMs} ms` });

  stop();
  const whole = saidAt.length - 2;
  await areHeard(whole);
  for (let word = 0; word < whole; word++) expect(framesOf(word, rtp.heard).length).toBe(WORD_FRAMES);
  await end();
  const last = await until(
    async () => (await gateway.calls()).find(({ endedAt }) => endedAt !== undefined)?.legs.find(({ agent: of }) => of),
    { within: 5_000, what: 'the record' },
  );
  const { receivedMs = 0, playedMs = 0, flushedMs = 0 } = last.agent?.utterances[0] ?? {};
  expect(playedMs + flushedMs).toBe(receivedMs);
  expect(flushedMs).toBeGreaterThan(LEAST_LAG_MS);
});
