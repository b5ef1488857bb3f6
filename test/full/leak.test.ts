import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Chromium, type SoftphonePage } from '../support/chromium.ts';
import { Gateway } from '../support/gateway.ts';
import { runSipp } from '../support/sipp.ts';
import { until } from '../support/until.ts';

const SIPP_PORT = 28_895;
const ECHO_CALLS = 140;
const BROWSER_CALLS = 60;

let gateway: Gateway;
let chromium: Chromium;
let alice: SoftphonePage;

beforeAll(async () => {
  const trunks = [{ name: 'carrier', address: `127.0.0.1:${SIPP_PORT}` }];
  [gateway, chromium] = await Promise.all([
    Gateway.start({ base: 28_800, trunks, quarantineSec: 1 }),
    Chromium.launch(),
  ]);
  alice = await chromium.softphone(gateway.origin);
  await alice.register(gateway.credentials('alice'));
  await alice.answerAll();
});

afterAll(async () => {
  await chromium?.close();
  await gateway?.stop();
});

const openFiles = (): number => readdirSync(`/proc/${gateway.pid}/fd`).length;

/** What must be zero when no call is there. */
const perCall = [
  'viaduct_calls_active',
  'viaduct_media_ports_open',
  'viaduct_media_ports_quarantined',
  'viaduct_media_routers_open',
  'viaduct_media_web_rtc_transports_open',
];

describe('two hundred short calls', () => {
  test('leave nothing behind: ports, transports, routers, dialogs, sockets', async () => {
    const common = { scenario: 'trunk-short', to: gateway.sipAddress, port: SIPP_PORT, mediaPort: 28_896 };
    const warm = await runSipp({ ...common, service: 'alice', calls: 2, limit: 1, rate: 2, holdMs: 100 });
    expect(warm).toMatchObject({ code: 0, errors: '' });
    const filesBefore = openFiles();
    const echo = await runSipp({
      ...common,
      service: 'echo',
      calls: ECHO_CALLS,
      limit: 10,
      rate: 20,
      holdMs: 200,
      timeoutSec: 40,
    });
    expect(echo).toMatchObject({ code: 0, successful: ECHO_CALLS, failed: 0, errors: '' });
    const browser = await runSipp({
      ...common,
      service: 'alice',
      calls: BROWSER_CALLS,
      limit: 1,
      rate: 5,
      holdMs: 100,
      timeoutSec: 60,
    });
    expect(browser).toMatchObject({ code: 0, successful: BROWSER_CALLS, failed: 0, errors: '' });
    await until(
      async () => {
        const metrics = await gateway.metrics();
        return perCall.every((name) => metrics.get(name) === 0);
      },
      { within: 5_000, every: 200, what: 'everything to be closed and the ports to return from quarantine' },
    );
    const metrics = await gateway.metrics();
    expect(perCall.filter((name) => metrics.get(name) !== 0)).toEqual([]);
    expect(metrics.get('viaduct_calls_started_total')).toBe(ECHO_CALLS + BROWSER_CALLS + 2);
    expect(openFiles() - filesBefore).toBeLessThanOrEqual(2);
    expect((await alice.state()).line.kind).toBe('online');
  });
});
