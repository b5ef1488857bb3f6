/** Headless Chromium as a peer: a microphone that says a tone, the softphone page as an object, and what the page hears. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import type { PhoneHook } from '../../src/web/softphone/hook.ts';
import { ensurePeer } from './install.ts';
import { encodeWav, type Sound, sine } from './sound.ts';
import { until } from './until.ts';

export const MICROPHONE_HZ = 1000;
const MICROPHONE_SEC = 90;
/** How much longer than the sound itself a recording may take: before the first packet a track gives nothing. */
const LATE_MS = 8_000;

interface SoftphoneWindow {
  readonly softphone: PhoneHook;
}

interface PeerWindow {
  readonly softphone: { readonly peerConnection: (WatchedConnection & StatsSource) | undefined };
  iceWatch: { readonly pc: WatchedConnection; changes: number };
}

/** As much of the browser's peer connection as is looked at. */
interface WatchedConnection {
  readonly connectionState: string;
  readonly localDescription: { readonly sdp: string } | null;
  addEventListener(name: string, listener: () => void): void;
}

interface StatsSource {
  getStats(): Promise<ReadonlyMap<string, VideoStats & { readonly type: string; readonly kind?: string }>>;
}

/** Of RTCInboundRtpStreamStats and RTCOutboundRtpStreamStats. */
interface VideoStats {
  readonly framesDecoded?: number;
  readonly keyFramesDecoded?: number;
  readonly framesEncoded?: number;
  readonly keyFramesEncoded?: number;
  /** Requests of the other side for complete pictures. */
  readonly pliCount?: number;
  readonly firCount?: number;
}

/** What leg isolation is about: none of it may move when the other leg does. */
export interface IceLook {
  readonly changes: number;
  readonly ufrag: string;
  readonly fingerprint: string;
  readonly state: string;
}

type CallKind = PhoneHook['state']['call']['kind'];

export interface Credentials {
  readonly user: string;
  readonly password: string;
  readonly domain: string;
}

export class Chromium {
  readonly #browser: Browser;
  readonly #folder: string;

  private constructor(browser: Browser, folder: string) {
    this.#browser = browser;
    this.#folder = folder;
  }

  /** A browser whose microphone says a 1 kHz tone without end; in another network namespace when one is given. */
  static async launch({ namespace }: { readonly namespace?: string } = {}): Promise<Chromium> {
    const program = await ensurePeer('chromium');
    const folder = await mkdtemp(join(tmpdir(), 'viaduct-chromium-'));
    // A long file: Chromium starts it anew at its end, and the seam would be heard.
    const microphone = join(folder, 'microphone.wav');
    await writeFile(microphone, encodeWav(sine(MICROPHONE_HZ, MICROPHONE_SEC, { rateHz: 48_000, amplitude: 0.3 })));
    const executablePath = namespace === undefined ? program : join(folder, 'chromium');
    if (namespace !== undefined)
      await writeFile(executablePath, `#!/bin/sh\nexec ip netns exec ${namespace} ${program} "$@"\n`, { mode: 0o755 });
    const browser = await chromium.launch({
      executablePath,
      headless: true,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--use-fake-ui-for-media-stream',
        '--use-fake-device-for-media-stream',
        `--use-file-for-fake-audio-capture=${microphone}`,
        '--autoplay-policy=no-user-gesture-required',
        '--allow-loopback-in-peer-connection',
        '--force-webrtc-ip-handling-policy=default',
        '--disable-features=WebRtcHideLocalIpsWithMdns',
        '--disable-background-timer-throttling',
        '--disable-backgrounding-occluded-windows',
        '--disable-renderer-backgrounding',
      ],
    });
    return new Chromium(browser, folder);
  }

  /** A fresh profile: no storage shared with other pages. */
  async context(options: Parameters<Browser['newContext']>[0] = {}): Promise<BrowserContext> {
    return this.#browser.newContext({ ignoreHTTPSErrors: true, permissions: ['microphone', 'camera'], ...options });
  }

  /** Opens the gateway's softphone with a microphone whose sound is not processed; `prepare` sees the page before. */
  async softphone(origin: string, prepare?: (page: Page) => Promise<void>): Promise<SoftphonePage> {
    // What prepares a page (taps) brings code that the gateway's content policy rightly forbids.
    const context = await this.context({ bypassCSP: prepare !== undefined });
    const page = await context.newPage();
    await prepare?.(page);
    const softphone = new SoftphonePage(page, new URL(origin));
    await softphone.open();
    return softphone;
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** The page's `window.softphone`, driven from here. */
export class SoftphonePage {
  readonly page: Page;
  readonly #origin: URL;
  readonly #errors: string[] = [];

  constructor(page: Page, origin: URL) {
    this.page = page;
    this.#origin = origin;
    page.on('pageerror', (error) => this.#errors.push(error.message));
  }

  /** Errors that nothing on the page caught. */
  get errors(): readonly string[] {
    return this.#errors;
  }

  async open(): Promise<void> {
    await this.page.goto(`${this.#origin.origin}/#audio=raw`);
    await this.page.waitForFunction(() => 'softphone' in globalThis);
  }

  /** `server`: another way than through the page's own host. */
  async register(credentials: Credentials & { readonly server?: string }): Promise<void> {
    const server = `${this.#origin.protocol === 'https:' ? 'wss' : 'ws'}://${this.#origin.host}/sip`;
    await this.page.evaluate((account) => (globalThis as unknown as SoftphoneWindow).softphone.register(account), {
      server,
      ...credentials,
      rawAudio: true,
    });
    await this.page.evaluate(() => (globalThis as unknown as SoftphoneWindow).softphone.warmMicrophone());
  }

  async call(target: string, withVideo = false): Promise<void> {
    await this.page.evaluate(([to, video]) => (globalThis as unknown as SoftphoneWindow).softphone.call(to, video), [
      target,
      withVideo,
    ] as const);
  }

  async answer(withVideo = false): Promise<void> {
    await this.page.evaluate((video) => (globalThis as unknown as SoftphoneWindow).softphone.answer(video), withVideo);
  }

  /** From now on every call is answered at once. */
  async answerAll(): Promise<void> {
    await this.page.evaluate(() => {
      const phone = (globalThis as unknown as SoftphoneWindow).softphone;
      phone.on('change', ({ call }) => {
        if (call.kind === 'incoming') queueMicrotask(() => phone.answer());
      });
    });
  }

  async decline(why: 'declined' | 'busy' = 'declined'): Promise<void> {
    await this.page.evaluate((reason) => (globalThis as unknown as SoftphoneWindow).softphone.decline(reason), why);
  }

  async hangUp(): Promise<void> {
    await this.page.evaluate(() => (globalThis as unknown as SoftphoneWindow).softphone.hangUp());
  }

  async mute(isMuted: boolean): Promise<void> {
    await this.page.evaluate((value) => (globalThis as unknown as SoftphoneWindow).softphone.mute(value), isMuted);
  }

  async hold(isHeld: boolean): Promise<boolean> {
    return this.page.evaluate((value) => (globalThis as unknown as SoftphoneWindow).softphone.hold(value), isHeld);
  }

  async transfer(target: string): Promise<void> {
    await this.page.evaluate((to) => (globalThis as unknown as SoftphoneWindow).softphone.transfer(to), target);
  }

  async consult(target: string): Promise<void> {
    await this.page.evaluate((to) => (globalThis as unknown as SoftphoneWindow).softphone.consult(to), target);
  }

  async connectBoth(): Promise<void> {
    await this.page.evaluate(() => (globalThis as unknown as SoftphoneWindow).softphone.connectBoth());
  }

  async swap(): Promise<void> {
    await this.page.evaluate(() => (globalThis as unknown as SoftphoneWindow).softphone.swap());
  }

  /** Keeps count of what must not happen to the call's peer connection, once it is up: answers with a look at it. */
  async watchIce(): Promise<() => Promise<IceLook>> {
    // A call is active before its ICE and DTLS are done.
    await until(
      async () =>
        this.page.evaluate(
          () => (globalThis as unknown as PeerWindow).softphone.peerConnection?.connectionState === 'connected',
        ),
      { within: 10_000, what: 'the connection' },
    );
    await this.page.evaluate(() => {
      const pc = (globalThis as unknown as PeerWindow).softphone.peerConnection;
      if (pc === undefined) throw new Error('no call');
      const watch = { pc, changes: 0 };
      for (const name of ['iceconnectionstatechange', 'connectionstatechange'] as const)
        pc.addEventListener(name, () => (watch.changes += 1));
      (globalThis as unknown as PeerWindow).iceWatch = watch;
    });
    return async () =>
      this.page.evaluate(() => {
        const { pc, changes } = (globalThis as unknown as PeerWindow).iceWatch;
        const line = (name: string): string =>
          new RegExp(`^a=${name}:.*`, 'm').exec(pc.localDescription?.sdp ?? '')?.[0] ?? '';
        return { changes, ufrag: line('ice-ufrag'), fingerprint: line('fingerprint'), state: pc.connectionState };
      });
  }

  async sendDigits(digits: string): Promise<boolean> {
    return this.page.evaluate((text) => (globalThis as unknown as SoftphoneWindow).softphone.sendDigits(text), digits);
  }

  async state(): Promise<PhoneHook['state']> {
    return this.page.evaluate(() => (globalThis as unknown as SoftphoneWindow).softphone.state);
  }

  async log(): Promise<PhoneHook['log']> {
    return this.page.evaluate(() => (globalThis as unknown as SoftphoneWindow).softphone.log);
  }

  async quality(): Promise<Awaited<ReturnType<PhoneHook['quality']>>> {
    return this.page.evaluate(() => (globalThis as unknown as SoftphoneWindow).softphone.quality());
  }

  /** What the browser counts of the call's video, as it is received and as it is sent. */
  async video(): Promise<{ readonly received: VideoStats; readonly sent: VideoStats }> {
    return this.page.evaluate(async () => {
      const stats = await (globalThis as unknown as PeerWindow).softphone.peerConnection?.getStats();
      const of = (type: string): VideoStats =>
        [...(stats?.values() ?? [])].find((each) => each.type === type && each.kind === 'video') ?? {};
      return { received: { ...of('inbound-rtp') }, sent: { ...of('outbound-rtp') } };
    });
  }

  /** Waits for the call to be in one of these states; fails at once when it ended in trouble instead. */
  async callIs(kinds: CallKind | readonly CallKind[], within = 8_000): Promise<PhoneHook['state']['call']> {
    const wanted = typeof kinds === 'string' ? [kinds] : kinds;
    let last = '';
    return until(
      async () => {
        const { call } = await this.state();
        last = JSON.stringify(call);
        if (wanted.includes(call.kind)) return call;
        // Who waits to be called sees the end of the call before.
        if (call.kind === 'ended' && call.trouble !== undefined && !wanted.includes('incoming'))
          throw new Error(`the call ended: ${call.trouble}`);
        return undefined;
      },
      { within, what: `the call to be ${wanted.join(' or ')}` },
    ).catch((cause: unknown) => {
      throw new Error(`${String(cause)}; it is ${last}`, { cause });
    });
  }

  async lineIs(kind: PhoneHook['state']['line']['kind'], within = 8_000): Promise<void> {
    await until(async () => (await this.state()).line.kind === kind, { within, what: `the line to be ${kind}` });
  }

  /** Records what the page plays for `seconds`, sample by sample as it leaves the jitter buffer. */
  async hear(seconds: number): Promise<Sound> {
    return recordAudio(this.page, '#remote-audio', seconds);
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}

/** Records the stream that the element `selector` of `page` plays. */
export async function recordAudio(page: Page, selector: string, seconds: number): Promise<Sound> {
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error(`${selector} gave no ${seconds} s of sound`)), seconds * 1000 + LATE_MS).unref();
  });
  const { rateHz, base64 } = await Promise.race([page.evaluate(recordInPage, { selector, seconds }), late]);
  // A million samples: a callback for each would hold up the test, and what it measures, for a tenth of a second.
  const bytes = new Uint8Array(Buffer.from(base64, 'base64'));
  const words = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
  const samples = new Float32Array(words.length);
  for (let i = 0; i < words.length; i++) samples[i] = (words[i] ?? 0) / 32768;
  return { rateHz, samples };
}

/** Runs in the page. MediaStreamTrackProcessor gives every frame, where WebAudio would drop some under load. */
async function recordInPage({
  selector,
  seconds,
}: {
  selector: string;
  seconds: number;
}): Promise<{ rateHz: number; base64: string }> {
  interface Frame {
    readonly sampleRate: number;
    readonly numberOfFrames: number;
    copyTo(target: Float32Array, options: { planeIndex: number; format: string }): void;
    close(): void;
  }
  interface Here {
    readonly document: {
      querySelector(selector: string): { srcObject: { getAudioTracks(): { clone(): { stop(): void } }[] } };
    };
    readonly MediaStreamTrackProcessor: new (init: {
      track: unknown;
      maxBufferSize: number;
    }) => {
      readable: { getReader(): { read(): Promise<{ done: boolean; value: Frame }>; cancel(): Promise<void> } };
    };
    readonly btoa: (this: void, text: string) => string;
  }
  const { document, MediaStreamTrackProcessor, btoa } = globalThis as unknown as Here;
  const track = document.querySelector(selector).srcObject.getAudioTracks()[0]!.clone();
  const reader = new MediaStreamTrackProcessor({ track, maxBufferSize: 500 }).readable.getReader();
  const frames: { readonly hz: number; readonly floats: Float32Array }[] = [];
  let heard = 0;
  while (heard < seconds) {
    const { done, value: frame } = await reader.read();
    if (done) break;
    const floats = new Float32Array(frame.numberOfFrames);
    frame.copyTo(floats, { planeIndex: 0, format: 'f32-planar' });
    frames.push({ hz: frame.sampleRate, floats });
    heard += floats.length / frame.sampleRate;
    frame.close();
  }
  await reader.cancel();
  track.stop();
  // A stream begins with a frame or two of another rate: they must not last longer for it.
  const rateHz = frames[Math.floor(frames.length / 2)]?.hz ?? 48_000;
  const samples = frames.flatMap(({ hz, floats }) =>
    Array.from({ length: Math.round((floats.length * rateHz) / hz) }, (_, i) => floats[Math.floor((i * hz) / rateHz)]!),
  );
  const words = Int16Array.from(samples, (value) => Math.max(-1, Math.min(1, value)) * 32767);
  const bytes = new Uint8Array(words.buffer);
  let text = '';
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return { rateHz, base64: btoa(text) };
}
