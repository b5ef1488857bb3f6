/** Webhooks about calls to a real HTTP server: signed, in order, again and again until taken, and never too many. */

import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CallEvent, CallEventFeed, FEED_TYPES, type FeedEvent } from '../../src/calls/index.ts';
import { Webhooks, type WebhookTarget } from '../../src/hooks/index.ts';
import {
  type CallId,
  type Clock,
  type LegId,
  type LogFields,
  silentLogger,
  systemClock,
  systemRandom,
} from '../../src/kernel/index.ts';
import { type HookServer, startHookServer } from '../support/http-server.ts';
import { until } from '../support/until.ts';

const SECRET = `whsec_${Buffer.from('a secret of thirty-two bytes....').toString('base64')}`;
/** Pauses are a thousandth of what they are. */
const quick: Clock = {
  ...systemClock,
  now: () => systemClock.now(),
  wallTime: () => systemClock.wallTime(),
  after: (ms, fire) => systemClock.after(ms / 1000, fire),
};

let server: HookServer;
let webhooks: Webhooks | undefined;
let errors: { fields: LogFields; message: string }[];
beforeEach(async () => {
  server = await startHookServer();
  errors = [];
});
afterEach(async () => {
  await webhooks?.close(10);
  await server.close();
});

function start(target: Partial<WebhookTarget> = {}, maxWaiting = 100): Webhooks {
  const logger = {
    ...silentLogger,
    error: (fields: LogFields, message: string) => void errors.push({ fields, message }),
  };
  webhooks = new Webhooks({
    target: {
      url: server.url,
      secret: SECRET,
      events: new Set(FEED_TYPES),
      timeoutMs: 2_000,
      attempts: 3,
      mayBePrivate: true,
      ...target,
    },
    maxWaiting,
    concurrency: 4,
    clock: quick,
    random: systemRandom,
    logger,
  });
  return webhooks;
}

const event = (callId: string, index: number): FeedEvent => ({
  id: `msg_${callId}-${index}`,
  type: 'call.digit',
  at: Date.now(),
  data: { callId, index },
});

const ids = (): string[] => server.asked.map(({ headers }) => String(headers['webhook-id']));

describe('a webhook', () => {
  it('T34: is signed as Standard Webhooks says: a library of others verifies it, and nothing that was changed', async () => {
    start().take(event('a', 1));
    await until(() => server.asked.length === 1, { within: 2_000, what: 'the webhook' });
    const [{ headers, body }] = server.asked as [HookServer['asked'][0]];
    const verifier = new Webhook(SECRET);
    expect(verifier.verify(body, headers as Record<string, string>)).toMatchObject({
      type: 'call.digit',
      data: { callId: 'a', index: 1 },
    });
    expect(() => verifier.verify(`${body} `, headers as Record<string, string>)).toThrow('signature');
    const old: Record<string, string> = { ...(headers as Record<string, string>), 'webhook-timestamp': '1000000000' };
    expect(() => verifier.verify(body, old)).toThrow('timestamp');
  });

  it('is sent again under the same id, and what follows in the same call waits for it', async () => {
    server.answer = (_asked, index) => ({ status: index < 2 ? 503 : 200 });
    const hooks = start();
    hooks.take(event('a', 1));
    hooks.take(event('a', 2));
    await until(() => hooks.counters.delivered === 2, { within: 3_000, what: 'both' });
    expect(ids()).toEqual(['msg_a-1', 'msg_a-1', 'msg_a-1', 'msg_a-2']);
    expect(hooks.counters).toEqual({ delivered: 2, retried: 2, dead: 0, waiting: 0 });
  });

  it('does not wait for other calls', async () => {
    const held: (() => void)[] = [];
    server.answer = ({ headers }) =>
      headers['webhook-id'] === 'msg_a-1'
        ? new Promise((resolve) => {
            held.push(() => resolve({ status: 200 }));
          })
        : { status: 200 };
    const hooks = start();
    hooks.take(event('a', 1));
    for (let index = 1; index <= 10; index++) hooks.take(event('b', index));
    await until(() => hooks.counters.delivered === 10, { within: 3_000, what: 'the other call' });
    for (const release of held) release();
    await until(() => hooks.counters.delivered === 11, { within: 3_000, what: 'the first call' });
    expect(ids().filter((id) => id.startsWith('msg_b'))).toEqual(
      Array.from({ length: 10 }, (_, i) => `msg_b-${i + 1}`),
    );
  });

  it('is given up after so many attempts, or when the server wants no more, and that is counted and logged', async () => {
    server.answer = (_asked, index) => ({ status: index < 3 ? 500 : 410 });
    const hooks = start();
    hooks.take(event('a', 1));
    hooks.take(event('a', 2));
    await until(() => hooks.counters.dead === 2, { within: 3_000, what: 'both to be given up' });
    expect(ids()).toEqual(['msg_a-1', 'msg_a-1', 'msg_a-1', 'msg_a-2']);
    expect(errors.map(({ message }) => message)).toEqual(['webhook given up', 'webhook given up']);
    expect(JSON.stringify(errors)).not.toContain(SECRET);
  });

  it('T34: no storm: no more wait than may, and no more are sent at once', async () => {
    server.answer = () => new Promise(() => {});
    const hooks = start({}, 20);
    for (let index = 0; index < 50; index++) hooks.take(event(`call-${index}`, 1));
    await until(() => server.asked.length === 4, { within: 2_000, what: 'those that are sent' });
    expect(hooks.counters).toMatchObject({ waiting: 20, dead: 30 });
    await hooks.close(10);
    expect(server.asked).toHaveLength(4);
    expect(errors.at(-1)?.message).toBe('webhooks not sent before the end');
  });

  it('T34: goes to no private address unless that is allowed', async () => {
    const hooks = start({ mayBePrivate: false, attempts: 1 });
    hooks.take(event('a', 1));
    await until(() => hooks.counters.dead === 1, { within: 2_000, what: 'it to be given up' });
    expect(server.asked).toHaveLength(0);
  });
});

describe('the feed', () => {
  it('T15: tells what strangers say as data: no control characters, and not endless', () => {
    const told: FeedEvent[] = [];
    const feed = new CallEventFeed({ clock: systemClock, random: systemRandom });
    feed.subscribe((each) => told.push(each));
    const started: CallEvent = {
      kind: 'call-started',
      callId: 'c' as CallId,
      legId: 'l' as LegId,
      from: `sip:a\r\nX-Evil: 1\u001b[31m%s\u2028@x${'y'.repeat(5000)}`,
      to: 'sip:b@x',
      trunk: undefined,
      sipCallId: '1',
    };
    feed.observe(started);
    const from = String(told[0]?.data['from']);
    // oxlint-disable-next-line eslint/no-control-regex
    expect(from).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028]/);
    expect(from.length).toBe(1024);
    expect(from).toContain('%s');
  });

  it('T36: does not tell which keys were pressed', () => {
    const told: FeedEvent[] = [];
    const feed = new CallEventFeed({ clock: systemClock, random: systemRandom });
    feed.subscribe((each) => told.push(each));
    feed.observe({ kind: 'digit', callId: 'c' as CallId, legId: 'l' as LegId, durationMs: 100 });
    expect(told).toMatchObject([{ type: 'call.digit', data: { callId: 'c', legId: 'l', durationMs: 100 } }]);
    expect(Object.keys(told[0]?.data ?? {})).toEqual(['callId', 'legId', 'durationMs']);
  });
});
