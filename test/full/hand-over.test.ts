/** A thousand hand-overs and as many takes back under ten calls: no packet is lost, and none is changed. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BrowserPeers } from '../media/support/browser-peer.ts';
import { HandOverCall } from '../media/support/hand-over-call.ts';
import { startTestPlane, type TestPlane } from '../media/support/test-plane.ts';
import { until } from '../support/until.ts';

const codecs = ['PCMU', 'PCMA', 'G722', 'opus'] as const;
const count = 10;
const turns = 100;

let browser: BrowserPeers;
let media: TestPlane;

beforeAll(async () => {
  browser = await BrowserPeers.start();
  media = await startTestPlane(44_500, 1, { handOverAfterMs: 250 });
});

afterAll(async () => {
  await media?.plane.stop();
  await browser?.stop();
});

it('loses no packet over 1,000 hand-overs and takes back, and changes no byte', async () => {
  const calls: HandOverCall[] = [];
  for (let index = 0; index < count; index++) {
    const codec = codecs[index % codecs.length] ?? 'PCMU';
    calls.push(await HandOverCall.begin(media, browser, `${codec}-${index}`, { codec, policy: 'sdp' }));
  }
  let handOvers = 0;
  for (let turn = 0; turn < turns; turn++) {
    await until(async () => (await media.plane.counters()).portsHandedOver === count, {
      within: 30_000,
      what: `all to be handed over, turn ${turn}`,
    });
    handOvers += count;
    await Promise.all(calls.map((call, index) => ((turn + index) % 2 === 0 ? call.renegotiate() : call.press('5'))));
    expect((await media.plane.counters()).portsHandedOver).toBe(0);
  }
  expect(handOvers).toBe(1000);
  for (const call of calls) {
    const { toBrowser, toPhone } = await call.losses();
    expect(toBrowser, `${call.id} to the browser`).toEqual([]);
    expect(toPhone, `${call.id} to the phone`).toEqual([]);
    await call.end();
  }
});
