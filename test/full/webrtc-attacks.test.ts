/** T20 whole: a thousand calls set up under a storm of ClientHellos from addresses that no ICE check has proven. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestPlane, type TestPlane } from '../media/support/test-plane.ts';
import { DtlsCalls } from '../support/dtls-calls.ts';
import { WebRtcAttacker } from '../support/webrtc-attacker.ts';

const PORT = 44_480;
const ROUNDS = 4;
const CALLS = 250;

let media: TestPlane;
let attacker: WebRtcAttacker;

beforeAll(async () => {
  media = await startTestPlane(PORT);
  const addresses = Array.from({ length: 20 }, (_, i) => `127.0.0.${60 + i}`);
  attacker = await WebRtcAttacker.open({ port: PORT, addresses: [...addresses, '127.0.0.1'], rate: 200 });
});

afterAll(async () => {
  await attacker?.close();
  await media?.plane.stop();
});

it(`T20: ${ROUNDS * CALLS} calls, no failure`, async () => {
  let fragment = 'unknown';
  attacker.start(['client-hello', 'client-hello', 'stun'], () => ({ usernameFragment: fragment }));
  for (let round = 0; round < ROUNDS; round++) {
    const calls = await DtlsCalls.start(media.plane, 25_000 + round * CALLS);
    try {
      for (let call = 0; call < CALLS; call++) {
        fragment = await calls.callTone();
      }
      expect(calls.counts).toEqual({ dtls: CALLS, hearing: CALLS, failed: 0 });
    } finally {
      await calls.stop();
    }
  }
  expect(attacker.sent).toBeGreaterThan(100_000);
  expect(attacker.leaked).toBe(0);
  expect(media.events.filter(({ kind }) => kind === 'port-failed')).toEqual([]);
  expect(await media.plane.counters()).toMatchObject({ portsOpen: 0, routersOpen: 0, webRtcTransportsOpen: 0 });
});
