import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Chromium, MICROPHONE_HZ, recordAudio, type SoftphonePage } from '../support/chromium.ts';
import { Gateway } from '../support/gateway.ts';
import { longestGapMs, strongestHz } from '../support/sound.ts';
import { until } from '../support/until.ts';

interface StockWindow {
  readonly stock: {
    register(options: { server: string; aor: string; name: string; password: string }): Promise<void>;
    call(target: string): Promise<void>;
    hangUp(): Promise<void>;
    readonly events: readonly string[];
  };
}

let gateway: Gateway;
let chromium: Chromium;
let alice: SoftphonePage;
let pages: Server;

beforeAll(async () => {
  [gateway, chromium] = await Promise.all([Gateway.start({ base: 28_600 }), Chromium.launch()]);
  pages = await serveStock();
  alice = await chromium.softphone(gateway.origin);
  await alice.register(gateway.credentials('alice'));
});

afterAll(async () => {
  await chromium?.close();
  pages?.close();
  await gateway?.stop();
});

async function bundle(name: string): Promise<string> {
  const entry = new URL(`pages/${name}.js`, import.meta.url).pathname;
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    define: { global: 'globalThis' },
  });
  return outputFiles[0]?.text ?? '';
}

/** Pages that are not ours, from a server that is not the gateway: a script, an audio element, the gateway's WebSocket. */
async function serveStock(): Promise<Server> {
  const scripts = new Map<string, string>();
  for (const name of ['stock-sipjs', 'stock-jssip']) scripts.set(`/${name}.js`, await bundle(name));
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    const script = scripts.get(path);
    response.setHeader('content-type', script === undefined ? 'text/html' : 'text/javascript');
    response.end(
      script ?? `<!doctype html><audio id="remote-audio" autoplay></audio><script src="${path}.js"></script>`,
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function openStock(name: string): Promise<Page> {
  const page = await (await chromium.context()).newPage();
  await page.goto(`http://127.0.0.1:${(pages.address() as AddressInfo).port}/${name}`);
  await page.waitForFunction(() => 'stock' in globalThis);
  return page;
}

const told = async (page: Page, event: string, within = 8_000): Promise<true> => {
  let events: readonly string[] = [];
  return until(
    async () => {
      events = await page.evaluate(() => (globalThis as unknown as StockWindow).stock.events);
      return events.includes(event) ? (true as const) : undefined;
    },
    { within, what: event },
  ).catch((cause: unknown) => {
    throw new Error(`${String(cause)}; told: ${events.join(', ')}`, { cause });
  });
};

const forget = (page: Page): Promise<void> =>
  page.evaluate(() => {
    (globalThis as unknown as StockWindow).stock.events
      .slice()
      .forEach(() => (globalThis as unknown as { stock: { events: string[] } }).stock.events.pop());
  });

/** The echo, or the other browser, says our tone. */
async function microphoneTone(page: Page): Promise<{ readonly isTone: boolean; readonly longestGapMs: number }> {
  await page.waitForFunction("document.querySelector('#remote-audio').srcObject !== null");
  await page.waitForTimeout(1_000);
  const heard = await recordAudio(page, '#remote-audio', 2);
  return {
    isTone: Math.abs(strongestHz(heard) - MICROPHONE_HZ) <= 5,
    longestGapMs: longestGapMs(heard, MICROPHONE_HZ),
  };
}

describe.each([
  { client: 'SIP.js 0.21 SimpleUser', name: 'stock-sipjs' },
  { client: 'JsSIP 3.13', name: 'stock-jssip' },
])('$client, unmodified', ({ name }) => {
  let page: Page;

  test('S20: registers', { timeout: 20_000 }, async () => {
    page = await openStock(name);
    const { user, password, domain } = gateway.credentials('bob');
    const server = `ws://127.0.0.1:${gateway.httpPort}/sip`;
    await page.evaluate((options) => (globalThis as unknown as StockWindow).stock.register(options), {
      server,
      aor: `sip:${user}@${domain}`,
      name: user,
      password,
    });
    expect(await told(page, 'registered')).toBe(true);
  });

  test('calls echo and hears itself', async () => {
    await page.evaluate(
      (target) => (globalThis as unknown as StockWindow).stock.call(target),
      `sip:echo@${gateway.domain}`,
    );
    await told(page, 'answered');
    const tone = await microphoneTone(page);
    expect(tone.isTone).toBe(true);
    expect(tone.longestGapMs).toBeLessThanOrEqual(40);
    await page.evaluate(() => (globalThis as unknown as StockWindow).stock.hangUp());
    await told(page, 'ended');
  });

  test('is called by the softphone, and both hear each other', async () => {
    await forget(page);
    await alice.call('bob');
    await alice.callIs('active');
    await told(page, 'answered');
    const tone = await microphoneTone(page);
    expect(tone.isTone).toBe(true);
    expect(tone.longestGapMs).toBeLessThanOrEqual(40);
    const heard = await alice.hear(1);
    expect(Math.abs(strongestHz(heard) - MICROPHONE_HZ)).toBeLessThanOrEqual(5);
    await alice.hangUp();
    await told(page, 'ended', 2_000);
    await page.context().close();
  });
});
