/** What the gateway says was heard of an agent, against what was: a thousand times cut off, and a minute in bursts. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { UtteranceRecord } from '../../src/calls/index.ts';
import { bargeIn, heardOf } from '../support/barge-ins.ts';
import { bursts } from '../support/bursts.ts';
import { Gateway } from '../support/gateway.ts';
import { MediaStreamAgent } from '../support/media-stream-agent.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { SipPhone } from '../support/sip-phone.ts';
import { talkTo } from '../support/talk.ts';
import { until } from '../support/until.ts';

const SILENCE = 0xff;
const CALLS = 20;
const TIMES = 50;

let gateway: Gateway;
let agent: MediaStreamAgent;
let phone: SipPhone;
let streams = 0;

beforeAll(async () => {
  agent = await MediaStreamAgent.start();
  gateway = await Gateway.start({
    base: 27_700,
    settings: { agents: [{ name: 'assistant', protocol: 'twilio', url: agent.url, warmUpSec: 0 }] },
  });
  phone = await SipPhone.open({
    user: 'carol',
    password: gateway.credentials('carol').password,
    domain: gateway.domain,
    gatewayPort: gateway.sipPort,
  });
  await phone.register();
});
afterAll(async () => {
  await phone?.close();
  await gateway?.stop();
  await agent?.stop();
});

async function talk() {
  const starting = agent.stream(streams++);
  const call = await talkTo('assistant', phone);
  return { ...call, stream: await starting };
}

async function utterancesOfLast(): Promise<readonly UtteranceRecord[]> {
  const ended = await until(
    async () => {
      const [last] = await gateway.calls();
      return last?.endedAt === undefined ? undefined : last;
    },
    { within: 5_000, what: 'the record' },
  );
  return ended.legs.find(({ kind }) => kind === 'agent')?.agent?.utterances ?? [];
}

test(`the ledger is right to 20 ms, ${CALLS * TIMES} times an agent is cut off`, async () => {
  const errors: number[] = [];
  for (let index = 0; index < CALLS; index++) {
    const call = await talk();
    await bargeIn(call.stream, call.rtp, { times: TIMES, random: seededRandom(index) });
    await call.end();
    const heard = heardOf(call.rtp, TIMES);
    const utterances = await utterancesOfLast();
    expect(utterances.length).toBe(TIMES);
    for (const [at, { receivedMs, playedMs, flushedMs }] of utterances.entries()) {
      expect(playedMs + flushedMs).toBe(receivedMs);
      errors.push(Math.abs(playedMs - (heard[at] ?? 0)));
    }
  }
  expect(errors.length).toBe(CALLS * TIMES);
  expect(Math.max(...errors)).toBeLessThanOrEqual(20);
});

test('a minute in bursts, with late starts and stalls, is heard whole, in order, without a pause of ours', async () => {
  const totalMs = 60_000;
  const plan = bursts(totalMs, seededRandom(5));
  const call = await talk();
  const began = performance.now();
  let said = 0;
  for (const { atMs, lengthMs } of plan) {
    await sleep(Math.max(0, began + atMs - performance.now()));
    const frames = Array.from({ length: lengthMs / 20 }, () => {
      const frame = Buffer.alloc(160, 1);
      frame.writeUInt16BE(0x0101 + (said % 200) + 256 * Math.floor(said / 200), 0);
      said++;
      return frame;
    });
    call.stream.say(Buffer.concat(frames));
  }
  const speech = () => call.rtp.heard.filter(({ payload }) => payload.some((byte) => byte !== SILENCE));
  await until(() => speech().length >= totalMs / 20, { within: 60_000, what: 'all of it' });
  const heard = speech();
  expect(heard.map(({ payload }) => payload.readUInt16BE(0))).toEqual(
    heard.map((_, index) => 0x0101 + (index % 200) + 256 * Math.floor(index / 200)),
  );
  // By the clock of the stream, which knows nothing of when this machine has looked.
  const pauses = heard.filter(
    ({ timestamp }, index) => index > 0 && (timestamp - (heard[index - 1]?.timestamp ?? 0)) >>> 0 > 160,
  ).length;
  let endMs = plan[0]?.atMs ?? 0;
  let stalls = 0;
  for (const { atMs, lengthMs } of plan) {
    if (atMs > endMs) stalls++;
    endMs = Math.max(endMs, atMs) + lengthMs;
  }
  expect(pauses).toBeLessThanOrEqual(stalls);
  await call.end();
  expect((await utterancesOfLast())[0]).toMatchObject({ receivedMs: totalMs, playedMs: totalMs, flushedMs: 0 });
});
