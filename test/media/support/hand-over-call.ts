/** A browser and a phone that talk through a plane that hands over; what was sent is known, and what was not heard. */
import type { ConnectRtpPort } from '../../../src/calls/index.ts';
import type { PortId } from '../../../src/kernel/index.ts';
import type { AudioFormat } from '../../../src/sdp/index.ts';
import { RtpPeer, type RtpTarget } from '../../support/rtp-peer.ts';
import { until } from '../../support/until.ts';
import type { BrowserPeers } from './browser-peer.ts';
import { browserCalls, owner, type TestPlane } from './test-plane.ts';

const loopback = '127.0.0.1';
/** One for each packet of the longest test. */
const mostPayloads = 30_000;
/** What is under way at the end of a test, packets. */
const underWay = 10;

export interface HandOverCallOptions {
  readonly codec: 'PCMU' | 'PCMA' | 'G722' | 'opus';
  readonly policy: 'sdp' | 'latch';
}

export class HandOverCall {
  readonly id: string;
  readonly phoneId: PortId;
  peer: RtpPeer;
  target: RtpTarget;
  readonly #media: TestPlane;
  readonly #browser: BrowserPeers;
  readonly #format: AudioFormat;
  readonly #policy: 'sdp' | 'latch';
  readonly #payloads: readonly Buffer[];
  #sentBefore = 0;
  #rtcpPort = 0;

  private constructor(
    parts: { media: TestPlane; browser: BrowserPeers; id: string; peer: RtpPeer; target: RtpTarget },
    format: AudioFormat,
    policy: 'sdp' | 'latch',
  ) {
    this.id = parts.id;
    this.phoneId = owner(`${parts.id}-phone`).portId;
    this.peer = parts.peer;
    this.target = parts.target;
    this.#media = parts.media;
    this.#browser = parts.browser;
    this.#format = format;
    this.#policy = policy;
    this.#rtcpPort = parts.peer.port + 1;
    this.#payloads = Array.from({ length: mostPayloads }, (_, index) => numbered(index, format));
  }

  static async begin(
    media: TestPlane,
    browser: BrowserPeers,
    id: string,
    { codec, policy }: HandOverCallOptions,
  ): Promise<HandOverCall> {
    const { plane } = media;
    const leg = await browserCalls(media, browser, id, { codec });
    const phone = owner(`${id}-phone`);
    const [peer, local] = await Promise.all([RtpPeer.open(), plane.open({ kind: 'rtp', ...phone })]);
    const { payloadType, clockRate } = leg.format.codec;
    const target = { port: local.rtp.rtpPort, payloadType, ssrc: 0x5a5a0001, step: clockRate / 50 };
    const call = new HandOverCall({ media, browser, id, peer, target }, leg.format, policy);
    await call.connect({});
    await plane.bridge(owner(id).portId, phone.portId);
    await leg.connect();
    await until(async () => (await browser.state(id)) === 'connected', { within: 10_000, what: 'DTLS' });
    call.play({});
    return call;
  }

  get eventType(): number {
    return this.#format.telephoneEvents[0]?.payloadType ?? -1;
  }

  /** Packets of audio that the phone has sent. */
  get sent(): number {
    return this.#sentBefore + this.peer.played;
  }

  /** Goes on with the next payload that was not sent; answers which one that is. */
  play(change: Partial<RtpTarget>): number {
    this.peer.pause();
    this.#sentBefore += this.peer.played;
    this.target = { ...this.target, ...change };
    this.peer.play(this.#payloads.slice(this.#sentBefore), this.target);
    return this.#sentBefore;
  }

  connect(change: Partial<ConnectRtpPort>): Promise<void> {
    return this.#media.plane.connect({
      kind: 'rtp',
      portId: this.phoneId,
      remote: { address: loopback, rtpPort: this.peer.port, rtcpPort: this.#rtcpPort },
      rtcpMux: false,
      sourcePolicy: this.#policy,
      format: this.#format,
      direction: 'sendrecv',
      ...change,
    });
  }

  /** A re-INVITE that changes something, but not where audio goes. */
  async renegotiate(): Promise<void> {
    this.#rtcpPort = this.#rtcpPort === this.peer.port + 1 ? this.peer.port + 3 : this.peer.port + 1;
    await this.connect({});
  }

  /** The phone goes on from another port; answers with the first payload sent from there. */
  async move({ announced = false } = {}): Promise<number> {
    const former = this.peer;
    const next = await RtpPeer.open();
    if (announced) {
      this.#rtcpPort = next.port + 1;
      await this.connect({ remote: { address: loopback, rtpPort: next.port, rtcpPort: this.#rtcpPort } });
    }
    former.pause();
    this.#sentBefore += former.played;
    next.countFrom(former.counters);
    this.peer = next;
    next.play(this.#payloads.slice(this.#sentBefore), this.target);
    await former.close();
    return this.#sentBefore;
  }

  press(digit: string): Promise<void> {
    return this.#media.plane.sendDigit(this.phoneId, { digit, durationMs: 100, form: 'events' });
  }

  async isAway(): Promise<boolean> {
    return (await this.#media.plane.counters()).portsHandedOver > 0;
  }

  async isHandedOver(): Promise<void> {
    await until(() => this.isAway(), { within: 15_000, what: `${this.id} to be handed over` });
  }

  /** How many payloads from `first` on the browser did not get before it got one again. */
  async lostFrom(first: number): Promise<number> {
    return until(
      async () => {
        const got = await this.#received();
        const next = got.find((index) => index >= first);
        return next === undefined ? undefined : { lost: next - first };
      },
      { within: 5000, what: 'audio at the browser again' },
    ).then(({ lost }) => lost);
  }

  /** What either side has sent from its first packet that arrived on, and the other one has not got. */
  async losses(): Promise<{ toBrowser: readonly number[]; toPhone: readonly string[] }> {
    this.peer.pause();
    await until(async () => (await this.#received()).at(-1) === this.sent - 1, {
      within: 3000,
      what: 'the last packet at the browser',
    });
    const got = new Set(await this.#received());
    const begun = Math.min(...got);
    const toBrowser = Array.from({ length: this.sent - begun }, (_, i) => begun + i).filter((index) => !got.has(index));
    const sent = await this.#browser.frames(this.id, 'sent');
    const heard = this.peer.heard.filter(({ payloadType }) => payloadType === this.target.payloadType);
    const count = (list: readonly string[]): Map<string, number> => {
      const counts = new Map<string, number>();
      for (const each of list) counts.set(each, (counts.get(each) ?? 0) + 1);
      return counts;
    };
    const heardCounts = count(heard.map(({ payload }) => payload.toString('hex')));
    const firstHeard = heard[0]?.payload.toString('hex') ?? '';
    const sentSince = sent.slice(sent.indexOf(firstHeard), -underWay);
    // The same payload may be sent often (silence): each must have been heard as often.
    const toPhone = [...count(sentSince)].filter(([payload, times]) => (heardCounts.get(payload) ?? 0) < times);
    return { toBrowser, toPhone: toPhone.map(([payload]) => payload) };
  }

  async end(): Promise<void> {
    await this.#media.plane.close(this.phoneId);
    await this.#media.plane.close(owner(this.id).portId);
    await this.#browser.hangUp(this.id);
    await this.peer.close();
  }

  /** Which of our payloads the browser got, in their order. */
  async #received(): Promise<number[]> {
    const frames = await this.#browser.frames(this.id, 'received');
    return frames.map((frame) => Number.parseInt(frame.slice(2, 10), 16)).filter((index) => index < mostPayloads);
  }
}

/** A payload that can be told from all others: its number after a byte that makes it valid Opus (RFC 6716 §3.1). */
function numbered(index: number, { codec }: AudioFormat): Buffer {
  const payload = Buffer.alloc(codec.name === 'opus' ? 40 : 160, 0xd5);
  payload[0] = codec.name === 'opus' ? 0xf8 : 0xff;
  payload.writeUInt32BE(index, 1);
  return payload;
}
