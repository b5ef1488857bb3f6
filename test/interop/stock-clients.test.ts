import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Chromium, MICROPHONE_HZ, recordAudio, type SoftphonePage } from '../support/chromium.ts';
import { Gateway } from '../support/gateway.ts';
import { longestGapMs, type Sound, strongestHz } from '../support/sound.ts';
import { hearUndisturbed } from '../support/stalls.ts';
import { type StockClient, type StockPages, type StockPhone, serveStockPages } from '../support/stock-pages.ts';

const GAP_MS = 40;
let gateway: Gateway;
let chromium: Chromium;
let alice: SoftphonePage;
let pages: StockPages;

beforeAll(async () => {
  [gateway, chromium] = await Promise.all([Gateway.start({ base: 28_600 }), Chromium.launch()]);
  pages = await serveStockPages(chromium);
  alice = await chromium.softphone(gateway.origin);
  await alice.register(gateway.credentials('alice'));
});

afterAll(async () => {
  await chromium?.close();
  pages?.close();
  await gateway?.stop();
});

/** The echo, or the other browser, says our tone. */
async function microphoneTone({
  page,
}: StockPhone): Promise<{ readonly isTone: boolean; readonly longestGapMs: number }> {
  await page.waitForFunction("document.querySelector('#remote-audio').srcObject !== null");
  await page.waitForTimeout(1_000);
  const hear = async (): Promise<Sound> => recordAudio(page, '#remote-audio', 2);
  const heard = await hearUndisturbed(hear, { hz: MICROPHONE_HZ, gapMs: GAP_MS });
  return {
    isTone: Math.abs(strongestHz(heard) - MICROPHONE_HZ) <= 5,
    longestGapMs: longestGapMs(heard, MICROPHONE_HZ),
  };
}

describe.each<{ client: string; name: StockClient }>([
  { client: 'SIP.js 0.21 SimpleUser', name: 'stock-sipjs' },
  { client: 'JsSIP 3.13', name: 'stock-jssip' },
])('$client, unmodified', ({ name }) => {
  let phone: StockPhone;

  test('S20: registers', { timeout: 20_000 }, async () => {
    phone = await pages.open(name);
    await phone.register({ ...gateway.credentials('bob'), server: `ws://127.0.0.1:${gateway.httpPort}/sip` });
    expect(await phone.told('registered')).toBe(true);
  });

  test('calls echo and hears itself', async () => {
    await phone.call(`sip:echo@${gateway.domain}`);
    await phone.told('answered');
    const tone = await microphoneTone(phone);
    expect(tone.isTone).toBe(true);
    expect(tone.longestGapMs).toBeLessThanOrEqual(GAP_MS);
    await phone.hangUp();
    await phone.told('ended');
  });

  test('is called by the softphone, and both hear each other', async () => {
    await phone.forget();
    await alice.call('bob');
    await alice.callIs('active');
    await phone.told('answered');
    const tone = await microphoneTone(phone);
    expect(tone.isTone).toBe(true);
    expect(tone.longestGapMs).toBeLessThanOrEqual(GAP_MS);
    const heard = await alice.hear(1);
    expect(Math.abs(strongestHz(heard) - MICROPHONE_HZ)).toBeLessThanOrEqual(5);
    await alice.hangUp();
    await phone.told('ended', 2_000);
    await phone.close();
  });
});
