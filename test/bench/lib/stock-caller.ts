/** A page with SIP.js as it comes, whose calls are timed: by its WebSocket and its peer connection, whatever the server is. */
import type { Page } from 'playwright-core';
import type { Chromium } from '../../support/chromium.ts';
import { type StockAccount, type StockPhone, serveStockPages } from '../../support/stock-pages.ts';
import { sleep } from './command.ts';

/** Moments of the page's clock, ms. */
export interface StockTimes {
  readonly click: number;
  readonly invite: number;
  readonly answer: number;
  readonly rtp: number;
}

interface TimedWindow {
  readonly timed: Partial<StockTimes>;
  readonly stock: { call(target: string): Promise<void> };
}

/** Runs in the page before its scripts: of a call challenged and sent again the first INVITE counts. */
const clock = `{
  window.timed = {};
  const note = (name) => (window.timed[name] ??= performance.now());
  const text = (data) => (typeof data === 'string' ? data : '');
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (data) {
    if (text(data).startsWith('INVITE ')) note('invite');
    return send.call(this, data);
  };
  window.WebSocket = class extends WebSocket {
    constructor(...init) {
      super(...init);
      this.addEventListener('message', ({ data }) => {
        if (/^SIP\\/2.0 200 /.test(text(data)) && /^CSeq: *\\d+ INVITE/im.test(text(data))) note('answer');
      });
    }
  };
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...init) {
      super(...init);
      // Not by statistics: Chromium keeps those for 50 ms.
      const look = () => {
        if (this.connectionState === 'closed') return;
        if (this.getReceivers().some((each) => each.getSynchronizationSources().length > 0)) return note('rtp');
        setTimeout(look, 5);
      };
      look();
    }
  };
}`;

export class StockCaller {
  readonly #phone: StockPhone;

  private constructor(phone: StockPhone) {
    this.#phone = phone;
  }

  /** Opens pages for as long as `work` takes. */
  static async with(chromium: Chromium, work: (open: () => Promise<StockCaller>) => Promise<void>): Promise<void> {
    const pages = await serveStockPages(chromium);
    const prepare = async (page: Page): Promise<void> => {
      await page.addInitScript(clock);
    };
    try {
      await work(async () => new StockCaller(await pages.open('stock-sipjs', prepare)));
    } finally {
      pages.close();
    }
  }

  get page(): Page {
    return this.#phone.page;
  }

  async register(account: StockAccount): Promise<void> {
    await this.#phone.register(account);
    await this.#phone.told('registered');
  }

  /** Calls and waits until the callee is heard. */
  async call(target: string): Promise<StockTimes> {
    await this.page.evaluate((uri) => {
      const { timed, stock } = globalThis as unknown as TimedWindow;
      for (const name of Object.keys(timed)) Reflect.deleteProperty(timed, name);
      Object.assign(timed, { click: performance.now() });
      return stock.call(uri);
    }, target);
    for (let waited = 0; waited < 500; waited += 1) {
      const times = await this.page.evaluate(() => (globalThis as unknown as TimedWindow).timed);
      const { click, invite, answer, rtp } = times;
      if (click !== undefined && invite !== undefined && answer !== undefined && rtp !== undefined)
        return { click, invite, answer, rtp };
      await sleep(10);
    }
    throw new Error('P5: the call of SIP.js did not come about');
  }

  async hangUp(): Promise<void> {
    await this.#phone.hangUp();
  }

  async close(): Promise<void> {
    await this.#phone.close();
  }
}
