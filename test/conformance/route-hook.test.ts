import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Hook, HookFacts, RouteHook } from '../../src/dialplan/index.ts';
import { createRouteHook } from '../../src/hooks/index.ts';
import { type LogFields, type Logger, silentLogger, systemClock, systemRandom } from '../../src/kernel/index.ts';
import { type HookServer, startHookServer } from '../support/http-server.ts';
import { until } from '../support/until.ts';

const secret = `whsec_${randomBytes(32).toString('base64')}`;
const facts: HookFacts = {
  type: 'route.requested',
  timestamp: '2026-11-25T12:00:00.000Z',
  data: {
    callId: 'call-1',
    from: 'alice',
    to: '+49301234',
    uri: 'sip:+49301234@exchange.test',
    source: 'user',
    trunk: null,
    tenant: 'default',
    isEmergency: false,
    headers: { 'X-Note': 'Grüße' },
  },
};

let server: HookServer;
let warnings: LogFields[];
let ask: RouteHook;
let hook: Hook;

beforeEach(async () => {
  server = await startHookServer();
  warnings = [];
  const logger: Logger = { ...silentLogger, warn: (fields) => warnings.push(fields) };
  ask = createRouteHook({ clock: systemClock, random: systemRandom, logger, concurrency: 2 });
  hook = { url: server.url, secret, secretEnv: undefined, timeoutMs: 300, retries: 0, headers: [] };
});
afterEach(async () => {
  await server.close();
});

const json = (body: unknown) => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});
const codes = (): unknown[] => warnings.map(({ err }) => (err as { code: string }).code);
const never = new Promise<never>(() => {});

describe('a route hook', () => {
  it('is asked with a signature that the Standard Webhooks library accepts, and answers a route', async () => {
    server.answer = () => json({ hunt: [{ user: 'bob', ringSec: 5 }, { user: 'carol' }] });
    expect(await ask(hook, facts, undefined)).toEqual({
      kind: 'route',
      answer: { hunt: [{ user: 'bob', ringSec: 5 }, { user: 'carol' }] },
    });
    const [asked] = server.asked;
    expect(asked?.method).toBe('POST');
    expect(asked?.headers['content-type']).toBe('application/json');
    const headers = Object.fromEntries(
      Object.entries(asked?.headers ?? {}).map(([name, value]) => [name, String(value)]),
    );
    expect(new Webhook(secret).verify(asked?.body ?? '', headers)).toEqual(facts);
    const forged = new Webhook(`whsec_${randomBytes(32).toString('base64')}`);
    expect(() => forged.verify(asked?.body ?? '', headers)).toThrow('No matching signature found');
    expect(() => new Webhook(secret).verify(`${asked?.body} `, headers)).toThrow('No matching signature found');
  });

  it('may leave it to the next rule', async () => {
    expect(await ask(hook, facts, undefined)).toEqual({ kind: 'next' });
    expect(warnings).toEqual([]);
  });

  it('is asked again after 503, with the same id and a right signature', async () => {
    server.answer = (_, index) => (index < 2 ? { status: 503 } : json({ user: 'bob' }));
    expect(await ask({ ...hook, retries: 2 }, facts, undefined)).toMatchObject({ kind: 'route' });
    expect(new Set(server.asked.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(server.asked).toHaveLength(3);
  });

  it('is given up after its retries', async () => {
    server.answer = () => ({ status: 500 });
    expect(await ask({ ...hook, retries: 1 }, facts, undefined)).toEqual({ kind: 'failed' });
    expect(server.asked).toHaveLength(2);
    expect(codes()).toEqual(['HOOK_OVERLOADED']);
  });

  it('that hangs is waited for no longer than it may take', async () => {
    server.answer = () => never;
    expect(await ask({ ...hook, timeoutMs: 100 }, facts, undefined)).toEqual({ kind: 'failed' });
    expect(codes()).toEqual(['HOOK_TIMEOUT']);
  });

  it('that cannot be reached fails', async () => {
    await server.close();
    expect(await ask(hook, facts, undefined)).toEqual({ kind: 'failed' });
    expect(codes()).toEqual(['HOOK_UNREACHABLE']);
  });

  it('leads us nowhere else: redirects are not followed', async () => {
    const other = await startHookServer();
    server.answer = () => ({ status: 307, headers: { location: other.url } });
    expect(await ask({ ...hook, retries: 3 }, facts, undefined)).toEqual({ kind: 'failed' });
    expect(other.asked).toEqual([]);
    expect(server.asked).toHaveLength(1);
    expect(codes()).toEqual(['HOOK_STATUS']);
    await other.close();
  });

  it.each([
    ['no JSON', 'ring bob'],
    ['an unknown key', '{"usr":"bob"}'],
    ['two destinations', '{"user":"bob","agent":"echo"}'],
    ['another hook', '{"hook":{"url":"http://127.0.0.1/"}}'],
  ])('whose answer is %s fails, and is not asked again', async (_, body) => {
    server.answer = () => ({ status: 200, body });
    expect(await ask({ ...hook, retries: 2 }, facts, undefined)).toEqual({ kind: 'failed' });
    expect(server.asked).toHaveLength(1);
    expect(codes()).toEqual(['HOOK_ANSWER']);
  });

  it('cannot fill our memory', async () => {
    server.answer = () => ({ status: 200, body: ' '.repeat(100_000) });
    expect(await ask(hook, facts, undefined)).toEqual({ kind: 'failed' });
    expect(codes()).toEqual(['HOOK_TOO_LARGE']);
  });

  it('holds up a bounded number of calls: more fail at once', async () => {
    let release: (() => void) | undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    server.answer = async () => {
      await gate;
      return json({ user: 'bob' });
    };
    const slow = { ...hook, timeoutMs: 5_000 };
    const first = [ask(slow, facts, undefined), ask(slow, facts, undefined)];
    expect(await ask(slow, facts, undefined)).toEqual({ kind: 'failed' });
    expect(codes()).toEqual(['HOOK_BUSY']);
    release?.();
    expect((await Promise.all(first)).map(({ kind }) => kind)).toEqual(['route', 'route']);
    expect(await ask(slow, facts, undefined)).toMatchObject({ kind: 'route' });
  });

  it('is left alone when the caller hangs up', async () => {
    server.answer = () => never;
    const ended = new AbortController();
    const asking = ask({ ...hook, timeoutMs: 10_000, retries: 3 }, facts, ended.signal);
    await until(() => server.asked.length > 0, { within: 2_000, what: 'the question' });
    ended.abort();
    expect(await asking).toEqual({ kind: 'failed' });
    expect(server.asked).toHaveLength(1);
    expect(warnings).toEqual([]);
  });
});
