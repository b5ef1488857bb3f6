/** A call between a PBX and our softphone on a machine that changes its network, and how long each side hears nothing. */
import type { Page } from 'playwright-core';
import { encodeG711, ToneGenerator } from '../../src/audio/index.ts';
import { Chromium, type SoftphonePage } from './chromium.ts';
import { Gateway } from './gateway.ts';
import { PbxDialog, pbxSdp } from './pbx-dialog.ts';
import { RtpPeer } from './rtp-peer.ts';
import { isRequest, openUdpPeer, type SipPeer } from './sip-peer.ts';
import { type Network, TwoNetworks } from './two-networks.ts';
import { until } from './until.ts';

export const MUSIC_HZ = 440;
/** A pause that nobody takes for jitter. */
const PAUSE_MS = 200;
const BACK_MS = 20_000;

export interface Change {
  /** From the change to when the page begins to do something about it. */
  readonly noticedMs: number;
  /** From then until the PBX hears the browser again. */
  readonly pbxHearsMs: number;
  /** From then until the browser hears the PBX again. */
  readonly browserHearsMs: number;
}

/** Prepares a page whose WebSockets can be closed behind its back. */
const keepSockets = async (page: Page): Promise<void> => {
  await page.addInitScript(`{
    window.sockets = [];
    window.WebSocket = class extends WebSocket {
      constructor(...init) {
        super(...init);
        window.sockets.push(this);
      }
    };
  }`);
};

export class NetworkChange {
  readonly gateway: Gateway;
  readonly alice: SoftphonePage;
  readonly pbx: SipPeer;
  readonly #networks: TwoNetworks;
  readonly #chromium: Chromium;
  readonly #rtp: RtpPeer;

  private constructor(
    parts: { readonly gateway: Gateway; readonly chromium: Chromium; readonly networks: TwoNetworks },
    peers: { readonly alice: SoftphonePage; readonly pbx: SipPeer; readonly rtp: RtpPeer },
  ) {
    this.gateway = parts.gateway;
    this.#networks = parts.networks;
    this.#chromium = parts.chromium;
    this.alice = peers.alice;
    this.pbx = peers.pbx;
    this.#rtp = peers.rtp;
  }

  static async open(base: number): Promise<NetworkChange> {
    const networks = TwoNetworks.open();
    try {
      const pbx = await openUdpPeer({ port: base + 2 });
      const rtp = await RtpPeer.open();
      const trunks = [{ name: 'pbx', address: pbx.address }];
      const [gateway, chromium] = await Promise.all([
        Gateway.start({ base, trunks, address: networks.gatewayAddress }),
        Chromium.launch(networks),
      ]);
      const alice = await chromium.softphone(`https://${networks.gatewayAddress}:${gateway.httpsPort}`, keepSockets);
      await alice.register(gateway.credentials('alice'));
      await alice.answerAll();
      return new NetworkChange({ gateway, chromium, networks }, { alice, pbx, rtp });
    } catch (error) {
      networks.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#chromium.close();
    await this.gateway.stop();
    await this.#rtp.close();
    await this.pbx.close();
    this.#networks.close();
  }

  /** The PBX calls the browser and plays a tone. */
  async call(): Promise<PbxDialog> {
    const dialog = new PbxDialog(this.pbx, `sip:alice@${this.gateway.domain}`);
    const { port } = await dialog.offer(
      pbxSdp({ port: this.#rtp.port, codecs: [{ payloadType: 0, rtpmap: 'PCMU/8000' }] }),
    );
    const tone = new ToneGenerator(MUSIC_HZ, 8_000, -12);
    const music = Array.from({ length: 50 }, () => Buffer.from(encodeG711('PCMU', tone.next(160))));
    this.#rtp.play(music, { host: this.#networks.gatewayAddress, port, payloadType: 0, ssrc: 0x77, step: 160 });
    await this.alice.callIs('active');
    await this.pbxHears();
    await until(async () => ((await this.alice.quality())?.packetsReceived ?? 0) > 20, {
      within: 10_000,
      what: 'the PBX to be heard in the browser',
    });
    return dialog;
  }

  async pbxHears(): Promise<void> {
    const before = this.#rtp.heard.length;
    await until(() => this.#rtp.heard.length > before + 10, { within: BACK_MS, what: 'the browser to be heard' });
  }

  /** Requests that the PBX got in its dialogs. */
  get asked(): number {
    return ['INVITE', 'UPDATE', 'INFO', 'BYE'].reduce((sum, method) => sum + this.pbx.count(isRequest(method)), 0);
  }

  async closeWebSocket(): Promise<void> {
    await this.alice.page.evaluate(() =>
      (globalThis as unknown as { sockets: { close(): void }[] }).sockets.at(-1)?.close(),
    );
  }

  cut(network: Network): void {
    this.#networks.leave(network);
  }

  join(network: Network): void {
    this.#networks.join(network);
  }

  /** From one network to the other in the middle of the call; resolves when both hear each other again. */
  async move(from: Network, to: Network): Promise<Change> {
    const logged = (await this.alice.log()).length;
    const at = performance.now();
    this.cut(from);
    this.join(to);
    const browserBack = this.#browserBack();
    const pbxBack = until(() => this.#firstAfterPause(at), { within: BACK_MS, what: 'the browser to be heard' });
    const [pbxBackAt, browserBackAt] = await Promise.all([pbxBack, browserBack]).catch(async (cause: unknown) => {
      const events = (await this.alice.log()).slice(logged);
      throw new Error(`${String(cause)}; the page's log: ${JSON.stringify(events)}`, { cause });
    });
    const origin = await this.alice.page.evaluate(() => performance.timeOrigin);
    const toHere = origin - performance.timeOrigin;
    const events = (await this.alice.log()).slice(logged);
    const noticed = events.find(({ name }) => name === 'network-changed' || name === 'media-away');
    if (noticed === undefined) throw new Error('the page has noticed nothing');
    const noticedAt = noticed.at + toHere;
    return {
      noticedMs: noticedAt - at,
      pbxHearsMs: pbxBackAt - noticedAt,
      browserHearsMs: browserBackAt + toHere - noticedAt,
    };
  }

  /** When the first packet after the silence came, of performance.now(). */
  #firstAfterPause(since: number): number | undefined {
    const { heard } = this.#rtp;
    for (let i = heard.length - 1; i > 0; i--) {
      const [before, packet] = [heard[i - 1], heard[i]];
      if (before === undefined || packet === undefined || packet.at < since) return undefined;
      if (packet.at - before.at > PAUSE_MS) return packet.at;
    }
    return undefined;
  }

  /** The same in the page, in its time. */
  #browserBack(): Promise<number> {
    return this.alice.page.evaluate(
      async ({ pauseMs, backMs }) => {
        const phone = (globalThis as unknown as { softphone: { quality(): Promise<{ packetsReceived: number }> } })
          .softphone;
        const begin = performance.now();
        let [count, lastAt] = [(await phone.quality()).packetsReceived, begin];
        while (performance.now() - begin < backMs) {
          await new Promise((resolve) => setTimeout(resolve, 10));
          const { packetsReceived } = await phone.quality();
          const now = performance.now();
          if (packetsReceived === count) continue;
          if (now - lastAt > pauseMs) return now;
          [count, lastAt] = [packetsReceived, now];
        }
        throw new Error('the browser hears nothing');
      },
      { pauseMs: PAUSE_MS, backMs: BACK_MS },
    );
  }
}
