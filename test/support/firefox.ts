/** Headless Firefox over WebDriver BiDi: its microphone says a tone, and what a page plays is told by its statistics. */
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import type { Credentials } from './chromium.ts';
import { ensurePeer } from './install.ts';

const PREFERENCES = {
  // A microphone that gives a tone, without asking anybody.
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  // Without a lasting permission it gathers candidates of the way to the internet only, which a test may not have.
  'permissions.default.microphone': 1,
  'media.peerconnection.ice.loopback': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
};

export class Firefox {
  readonly #browser: Browser;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async launch(): Promise<Firefox> {
    const executablePath = await ensurePeer('firefox-esr');
    const browser = await puppeteer.launch({
      browser: 'firefox',
      executablePath,
      headless: true,
      extraPrefsFirefox: PREFERENCES,
    });
    return new Firefox(browser);
  }

  async open(url: string): Promise<Page> {
    const page = await this.#browser.newPage();
    await page.goto(url);
    return page;
  }

  /** The gateway's softphone, signed in, and answering every call. */
  async softphone(origin: string, account: Credentials): Promise<Page> {
    const page = await this.open(`${origin}/#audio=raw`);
    await page.waitForFunction(() => 'softphone' in globalThis);
    const server = `${origin.replace('http', 'ws')}/sip`;
    await page.evaluate(
      async (options) => {
        interface Phone {
          register(options: object): Promise<void>;
          answer(): Promise<void>;
          on(name: 'change', listener: (state: { call: { kind: string } }) => void): void;
        }
        const { softphone } = globalThis as unknown as { softphone: Phone };
        await softphone.register(options);
        softphone.on('change', ({ call }) => {
          if (call.kind === 'incoming') queueMicrotask(() => void softphone.answer());
        });
      },
      { server, ...account, rawAudio: true },
    );
    return page;
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }
}

/** What a peer connection of the page says of the stream it receives. */
export interface FirefoxInbound {
  readonly ssrc: number;
  readonly packetsReceived: number;
  /** 0 to 1, of now. */
  readonly audioLevel: number;
}

/**
 * `connection`: how the page gets at its peer connection. Without an audio device WebAudio stands still in Firefox, so
 * what is heard is what the decoder says.
 */
export async function inboundOf(page: Page, connection: string): Promise<FirefoxInbound | undefined> {
  const found = await page.evaluate(
    `(async () => {
      for (const stat of (await (${connection})?.getStats() ?? new Map()).values())
        if (stat.type === 'inbound-rtp' && stat.kind === 'audio')
          return { ssrc: stat.ssrc, packetsReceived: stat.packetsReceived, audioLevel: stat.audioLevel ?? 0 };
    })()`,
  );
  return found as FirefoxInbound | undefined;
}

const PEERS_SCRIPT = `
window.peers = new Map();
window.peer = {
  async create(id) {
    const microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
    const connection = new RTCPeerConnection();
    for (const track of microphone.getTracks()) connection.addTrack(track, microphone);
    const sound = document.createElement('audio');
    sound.autoplay = true;
    document.body.append(sound);
    connection.ontrack = ({ track }) => void (sound.srcObject = new MediaStream([track]));
    window.peers.set(id, connection);
  },
  async offer(id) {
    const connection = window.peers.get(id);
    await connection.setLocalDescription();
    while (connection.iceGatheringState !== 'complete') await new Promise((resolve) => setTimeout(resolve, 20));
    connection.negotiations = 0;
    connection.onnegotiationneeded = () => connection.negotiations++;
    return connection.localDescription.sdp;
  },
  accept: (id, sdp) => window.peers.get(id).setRemoteDescription({ type: 'answer', sdp }),
  negotiations: (id) => window.peers.get(id).negotiations,
};
`;

/** Peer connections in a page of its own, without any signaling. */
export class FirefoxPeers {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** `url`: of any page of a secure origin. */
  static async open(firefox: Firefox, url: string): Promise<FirefoxPeers> {
    const page = await firefox.open(url);
    await page.evaluate(PEERS_SCRIPT);
    return new FirefoxPeers(page);
  }

  async create(id: string): Promise<void> {
    await this.#call('create', id);
  }

  async offer(id: string): Promise<string> {
    return (await this.#call('offer', id)) as string;
  }

  async accept(id: string, sdp: string): Promise<void> {
    await this.#call('accept', id, sdp);
  }

  /** How often it wanted to negotiate since its offer. */
  async negotiations(id: string): Promise<number> {
    return (await this.#call('negotiations', id)) as number;
  }

  async inbound(id: string): Promise<FirefoxInbound | undefined> {
    return inboundOf(this.#page, `window.peers.get(${JSON.stringify(id)})`);
  }

  #call(name: string, ...args: string[]): Promise<unknown> {
    return this.#page.evaluate(`window.peer.${name}(${args.map((arg) => JSON.stringify(arg)).join(', ')})`);
  }
}
