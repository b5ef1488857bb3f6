import { afterAll, beforeAll, expect, test } from 'vitest';
import { Gateway } from '../support/gateway.ts';
import { runSipp } from '../support/sipp.ts';
import { until } from '../support/until.ts';

const SIPP_PORT = 29_895;
const CALLS = 10;

let gateway: Gateway;

beforeAll(async () => {
  gateway = await Gateway.start({ base: 29_800, trunks: [{ name: 'carrier', address: `127.0.0.1:${SIPP_PORT}` }] });
});

afterAll(async () => {
  await gateway?.stop();
});

test('SIPp holds in every form, by re-INVITE and UPDATE, in ten calls at once', { timeout: 40_000 }, async () => {
  const result = await runSipp({
    scenario: 'trunk-hold',
    to: gateway.sipAddress,
    port: SIPP_PORT,
    service: 'echo',
    mediaPort: 29_896,
    calls: CALLS,
  });
  expect(result.errors).toBe('');
  expect([result.code, result.successful, result.failed]).toEqual([0, CALLS, 0]);
  const ended = await until(
    async () => {
      const records = await gateway.calls();
      return records.length === CALLS && records.every(({ endReason }) => endReason !== undefined)
        ? records
        : undefined;
    },
    { within: 5_000, what: 'the records' },
  );
  expect(new Set(ended.map(({ endReason, q850 }) => `${endReason} ${q850}`))).toEqual(new Set(['hangup-caller 16']));
});
