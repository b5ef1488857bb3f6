import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import type { CallEvent } from '../../src/calls/index.ts';
import { parseDialplan, type RouteHook, type RouteRequest } from '../../src/dialplan/index.ts';
import { decideAsking } from '../../src/telephony/ask-hooks.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const secret = `whsec_${randomBytes(32).toString('base64')}`;
const asking = (name: string) => ({ name, why: 'a test', route: { hook: { url: `http://${name}.test/`, secret } } });
const dialplan = parseDialplan(
  {
    rules: [
      asking('first'),
      asking('second'),
      asking('third'),
      { name: 'last', why: 'a test', route: { reject: { status: 480, reason: 'Nobody' } } },
    ],
  },
  'test',
);
const request: RouteRequest = {
  from: { user: 'alice', host: 'unit.test' },
  to: { user: 'office', host: 'unit.test' },
  uri: 'sip:office@unit.test',
  trunk: undefined,
  tenant: 'default',
  source: 'user',
  headers: () => undefined,
  at: 0,
  trunks: [],
  emergencyNumbers: [],
  isUser: () => false,
};

/** Promises settle between two steps of the virtual clock. */
const settle = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('several hooks of one call have a limit together: those that come too late are not asked', async () => {
  const clock = new VirtualClock();
  const events: CallEvent[] = [];
  const asked: string[] = [];
  // As long as a hook may take, unless nobody waits for it.
  const routeHook: RouteHook = async (hook, _, signal) => {
    asked.push(hook.url);
    await new Promise<void>((resolve) => {
      const timer = clock.after(10_000, resolve);
      signal?.addEventListener('abort', () => {
        timer.cancel();
        resolve();
      });
    });
    return { kind: 'failed' };
  };
  const observer = (event: CallEvent): void => void events.push(event);
  const deciding = decideAsking(request, { callId: 'call-1' }, { dialplan, clock, observer, routeHook });
  for (let passed = 0; passed < 16_000; passed += 1_000) {
    clock.advance(1_000);
    await settle();
  }
  expect(await deciding).toMatchObject({ kind: 'reject', rule: 'last' });
  expect(asked).toEqual(['http://first.test/', 'http://second.test/']);
  expect(events).toMatchObject([
    { kind: 'hook-asked', rule: 'first', result: 'failed', durationMs: 10_000 },
    { kind: 'hook-asked', rule: 'second', result: 'failed', durationMs: 5_000 },
  ]);
  expect(clock.timerCount).toBe(0);
});
