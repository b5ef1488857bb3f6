/** Pages with unmodified SIP clients, from a server that is not the gateway: a script, an audio element, a WebSocket. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import type { Chromium } from './chromium.ts';
import { until } from './until.ts';

const SCRIPTS = ['stock-sipjs', 'stock-jssip'] as const;
export type StockClient = (typeof SCRIPTS)[number];

interface StockWindow {
  readonly stock: {
    register(options: { server: string; aor: string; name: string; password: string }): Promise<void>;
    call(target: string): Promise<void>;
    hangUp(): Promise<void>;
    readonly events: string[];
  };
}

export interface StockAccount {
  /** URL of the WebSocket. */
  readonly server: string;
  readonly user: string;
  readonly password: string;
  readonly domain: string;
}

async function bundle(name: string): Promise<string> {
  const entry = new URL(`../interop/pages/${name}.js`, import.meta.url).pathname;
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

export interface StockPages {
  /** `prepare` sees the page before its scripts. */
  open(client: StockClient, prepare?: (page: Page) => Promise<void>): Promise<StockPhone>;
  close(): void;
}

export async function serveStockPages(chromium: Chromium): Promise<StockPages> {
  const scripts = new Map<string, string>();
  for (const name of SCRIPTS) scripts.set(`/${name}.js`, await bundle(name));
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
  const { port } = server.address() as AddressInfo;
  return {
    open: async (client, prepare) => {
      const page = await (await chromium.context()).newPage();
      await prepare?.(page);
      await page.goto(`http://127.0.0.1:${port}/${client}`);
      await page.waitForFunction(() => 'stock' in globalThis);
      return new StockPhone(page);
    },
    close: () => void server.close(),
  };
}

/** One such page. */
export class StockPhone {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  async register({ server, user, password, domain }: StockAccount): Promise<void> {
    await this.page.evaluate((options) => (globalThis as unknown as StockWindow).stock.register(options), {
      server,
      aor: `sip:${user}@${domain}`,
      name: user,
      password,
    });
  }

  async call(target: string): Promise<void> {
    await this.page.evaluate((uri) => (globalThis as unknown as StockWindow).stock.call(uri), target);
  }

  async hangUp(): Promise<void> {
    await this.page.evaluate(() => (globalThis as unknown as StockWindow).stock.hangUp());
  }

  /** Waits until the client has told this. */
  async told(event: string, within = 8_000): Promise<true> {
    let events: readonly string[] = [];
    return until(
      async () => {
        events = await this.page.evaluate(() => (globalThis as unknown as StockWindow).stock.events);
        return events.includes(event) ? (true as const) : undefined;
      },
      { within, what: event },
    ).catch((cause: unknown) => {
      throw new Error(`${String(cause)}; told: ${events.join(', ')}`, { cause });
    });
  }

  /** Forgets what it has told so far. */
  async forget(): Promise<void> {
    await this.page.evaluate(() => void (globalThis as unknown as StockWindow).stock.events.splice(0));
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}
