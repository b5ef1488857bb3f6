/** T43, the small form: a thousand calls at fifteen a second, as many as the test's ports allow, and nothing is left of them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Gateway } from '../support/gateway.ts';
import { runSipp } from '../support/sipp.ts';
import { until } from '../support/until.ts';

const SIPP_PORT = 28_495;
const CALLS = 1000;
const LEFT_OVER = [
  'viaduct_calls_active',
  'viaduct_media_ports_open',
  'viaduct_media_ports_quarantined',
  'viaduct_sip_dialogs',
  'viaduct_sip_server_transactions',
  'viaduct_sip_client_transactions',
];

let gateway: Gateway;
beforeAll(async () => {
  const trunks = [{ name: 'carrier', address: `127.0.0.1:${SIPP_PORT}` }];
  gateway = await Gateway.start({ base: 28_400, trunks, quarantineSec: 1 });
});
afterAll(() => gateway?.stop());

describe('T43: soak', () => {
  test('a thousand calls leave no port, dialog or transaction behind', async () => {
    const result = await runSipp({
      scenario: 'trunk-short',
      to: gateway.sipAddress,
      port: SIPP_PORT,
      mediaPort: 28_496,
      service: 'echo',
      calls: CALLS,
      limit: 10,
      rate: 15,
      holdMs: 200,
      timeoutSec: 120,
    });
    expect(result).toMatchObject({ code: 0, successful: CALLS, failed: 0 });
    const left = async (): Promise<Record<string, number>> => {
      const metrics = await gateway.metrics();
      return Object.fromEntries(LEFT_OVER.map((name) => [name, metrics.get(name) ?? Number.NaN]));
    };
    const nothing = Object.fromEntries(LEFT_OVER.map((name) => [name, 0]));
    await until(async () => JSON.stringify(await left()) === JSON.stringify(nothing), {
      within: 45_000,
      what: 'an idle gateway',
    });
    expect(await left()).toEqual(nothing);
  });
});
