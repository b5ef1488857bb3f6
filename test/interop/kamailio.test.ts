/** S82: a fleet's edge. Kamailio on the shipped configuration, in front of the gateway: real phones, real browsers. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BARESIP_HZ, Baresip } from '../support/baresip.ts';
import { Chromium, MICROPHONE_HZ, recordAudio } from '../support/chromium.ts';
import { Gateway } from '../support/gateway.ts';
import { Kamailio } from '../support/kamailio.ts';
import { excerpt, strongestHz } from '../support/sound.ts';
import { type StockPages, type StockPhone, serveStockPages } from '../support/stock-pages.ts';
import { until } from '../support/until.ts';

const EDGE = '127.0.0.2';

let gateway: Gateway;
let edge: Kamailio;
let chromium: Chromium;
let pages: StockPages;
let browser: StockPhone;
let phone: Baresip;

beforeAll(async () => {
  [gateway, chromium] = await Promise.all([Gateway.start({ base: 29_100, edgeProxies: [EDGE] }), Chromium.launch()]);
  edge = await Kamailio.start({ address: EDGE, base: 29_190, gateways: [gateway.sipAddress], name: gateway.domain });
  pages = await serveStockPages(chromium);
  browser = await pages.open('stock-sipjs');
});

afterAll(async () => {
  await phone?.stop();
  await chromium?.close();
  pages?.close();
  await edge?.stop();
  await gateway?.stop();
});

test('the shipped configuration is one that Kamailio takes', async () => {
  expect(await edge.check()).toBe(0);
});

describe('through the edge', () => {
  test('a browser registers over WSS and a phone over UDP, each as what it is', async () => {
    await browser.register({ ...gateway.credentials('alice'), server: edge.wssUrl });
    await browser.told('registered');
    phone = await Baresip.start({ ...gateway.credentials('bob'), proxy: edge.sipAddress, base: 29_200 });
    const registrations = await gateway.registrations();
    const transportOf = (user: string): string | undefined =>
      registrations.find(({ aor }) => aor === `sip:${user}@${gateway.domain}`)?.transport;
    expect([transportOf('alice'), transportOf('bob')]).toEqual(['wss', 'udp']);
  });

  test('the browser calls the phone, both hear each other, the phone hangs up', async () => {
    await browser.forget();
    await browser.call(`sip:bob@${gateway.domain}`);
    await browser.told('answered');
    await expectBrowserHears();
    phone.command('hangup');
    await browser.told('ended');
    await expectPhoneHeard();
  });

  test('the phone calls the browser, both hear each other, the browser hangs up', async () => {
    await browser.forget();
    phone.dial(`sip:alice@${gateway.domain}`);
    await browser.told('answered');
    await expectBrowserHears();
    await browser.hangUp();
    await browser.told('ended');
    await until(async () => (await gateway.metric('viaduct_calls_active')) === 0, {
      within: 5_000,
      what: 'the call to end',
    });
    await expectPhoneHeard();
  });
});

test('S30/T30: a page of a foreign Origin gets no WebSocket, and no gateway hears of it', async () => {
  const foreign = await (await chromium.context()).newPage();
  await foreign.goto('about:blank');
  const isOpen = await foreign.evaluate(
    (url) =>
      new Promise<boolean>((resolve) => {
        const socket = new WebSocket(url, 'sip');
        socket.addEventListener('open', () => resolve(true));
        socket.addEventListener('error', () => resolve(false));
      }),
    edge.wssUrl,
  );
  expect(isOpen).toBe(false);
  await foreign.context().close();
});

async function expectBrowserHears(): Promise<void> {
  await browser.page.waitForFunction("document.querySelector('#remote-audio').srcObject !== null");
  await browser.page.waitForTimeout(1_000);
  const heard = await recordAudio(browser.page, '#remote-audio', 2);
  expect(Math.abs(strongestHz(heard) - BARESIP_HZ)).toBeLessThanOrEqual(5);
}

/** Its recording is complete when the call is over. */
async function expectPhoneHeard(): Promise<void> {
  expect(Math.abs(strongestHz(excerpt(await phone.heard(), 0.5, 1.5)) - MICROPHONE_HZ)).toBeLessThanOrEqual(5);
}
