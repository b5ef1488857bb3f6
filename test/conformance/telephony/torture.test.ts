/** T1: the 49 messages of RFC 4475, byte for byte, against the engine in its thread and the telephony behind it. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { RunningMediaPlane } from '../../../src/media/index.ts';
import { startTestEngine, type TestEngine } from '../../support/test-engine.ts';
import { TORTURE, tortureMessage } from '../../support/torture.ts';
import { type Answer, TORTURE_OUTCOMES, type TortureOutcome } from '../../support/torture-outcomes.ts';
import { until } from '../../support/until.ts';
import { type Exchange, startExchange, startRealPlane, trunks } from './support/exchange.ts';

/** So short that every transaction is over before the next message, many of which share a branch, is sent. */
const TIMERS = { t1: 1, t2: 8, t4: 10, timerC: 1_500 };
const SILENCE_MS = { udp: 90, tcp: 40, ws: 40 };

let plane: RunningMediaPlane;
let engine: TestEngine;
let exchange: Exchange;

beforeAll(async () => {
  [plane, engine] = await Promise.all([startRealPlane(), startTestEngine({ engine: { timers: TIMERS } })]);
  const tester = { name: 'tester', addresses: ['127.0.0.1'], target: '127.0.0.1:9', transport: 'udp' as const };
  exchange = await startExchange(engine, plane, { trunks: [{ ...tester, profile: trunks }] });
});
afterAll(async () => {
  expect(exchange.telephony.activeCalls).toBe(0);
  await exchange?.close();
  await engine?.close();
  await plane?.stop();
});

/** Final statuses in the order they came, copies left out. */
class Answers {
  readonly statuses: number[] = [];
  readonly #seen = new Set<string>();

  note(text: string): void {
    for (const [, status = '', rest = ''] of text.matchAll(/SIP\/2\.0 ([2-6]\d\d)([^]*?)\r\n\r\n/g)) {
      const key = `${status} ${/^CSeq:.*$/im.exec(rest)?.[0] ?? ''}`;
      if (this.#seen.has(key)) continue;
      this.#seen.add(key);
      this.statuses.push(Number(status));
    }
  }

  async settled(wanted: number, silenceMs: number): Promise<readonly number[]> {
    await until(() => this.statuses.length >= wanted, { within: 5000, every: 5, what: `${wanted} answers` }).catch(
      () => undefined,
    );
    // Transactions end, and what should not come has had its time.
    await sleep(silenceMs);
    return this.statuses;
  }
}

const expected = (answer: Answer): readonly number[] => (answer === 'none' ? [] : [answer]);

async function overUdp(data: Buffer, wanted: number): Promise<readonly number[]> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const answers = new Answers();
  socket.on('message', (message) => answers.note(String(message)));
  socket.send(data, engine.udp.port, '127.0.0.1');
  const statuses = await answers.settled(wanted, SILENCE_MS.udp);
  socket.close();
  return statuses;
}

async function overWs(data: Buffer, wanted: number): Promise<readonly number[]> {
  const socket = new WebSocket(`ws://127.0.0.1:${engine.ws.port}`, 'sip');
  await once(socket, 'open');
  const answers = new Answers();
  socket.on('message', (message: Buffer) => answers.note(message.toString()));
  socket.send(data);
  const statuses = await answers.settled(wanted, SILENCE_MS.ws);
  socket.terminate();
  return statuses;
}

async function overTcp(
  data: Buffer,
  wanted: number,
  closes: boolean,
): Promise<readonly (number | 'closes' | 'waits')[]> {
  const socket = connect(engine.tcp.port, '127.0.0.1');
  await once(socket, 'connect');
  const answers = new Answers();
  let text = '';
  let isEnded = false;
  socket.on('data', (chunk) => {
    text += String(chunk);
    answers.note(text);
  });
  socket.on('end', () => {
    isEnded = true;
  });
  socket.write(data);
  const statuses = await answers.settled(wanted, SILENCE_MS.tcp);
  if (closes) await until(() => isEnded, { within: 5000, every: 5, what: 'the end of the connection' });
  // What the engine waits for: with a blank line behind it, everything else would have been answered.
  const isWaiting = statuses.length === 0 && !isEnded && wanted === 0;
  socket.destroy();
  return [...statuses, ...(isEnded ? ['closes' as const] : []), ...(isWaiting ? ['waits' as const] : [])];
}

function streamOutcome({ answer, onStream }: TortureOutcome): readonly (number | 'closes' | 'waits')[] {
  if (onStream !== undefined) return onStream.filter((one) => one !== 'none');
  // A response that leads nowhere leaves the connection open and silent, too.
  return answer === 'none' ? ['waits'] : [answer];
}

describe('T1: RFC 4475 against the running gateway', () => {
  it('the table has every message', () => {
    expect(TORTURE_OUTCOMES.map(({ name, section }) => `${name} ${section}`)).toEqual(
      TORTURE.map(({ name, section }) => `${name} ${section}`),
    );
  });

  describe.each(['udp', 'ws'] as const)('over %s', (transport) => {
    it.each(TORTURE_OUTCOMES)('$name (§$section): $answer: $why', async ({ name, answer }) => {
      const send = transport === 'udp' ? overUdp : overWs;
      const wanted = expected(answer);
      expect(await send(tortureMessage(name), wanted.length)).toEqual(wanted);
    });
  });

  it.each(TORTURE_OUTCOMES)('$name (§$section) over tcp', async (outcome) => {
    const wanted = streamOutcome(outcome);
    const answers = wanted.filter((one) => typeof one === 'number').length;
    expect(await overTcp(tortureMessage(outcome.name), answers, wanted.includes('closes'))).toEqual(wanted);
  });

  it('after all of them the engine runs and keeps nothing', async () => {
    const counters = await engine.server?.counters();
    expect(counters).toMatchObject({ restarts: 0, applications: 1, engine: { serverTransactions: 0, dialogs: 0 } });
  });
});
