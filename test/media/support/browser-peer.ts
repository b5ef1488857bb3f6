/** RTCPeerConnections in headless Chromium without any signaling: descriptions go in and out as text. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { Chromium, recordAudio } from '../../support/chromium.ts';
import type { Sound } from '../../support/sound.ts';

const script = `
const peers = new Map();
const hex = (data) => Array.from(new Uint8Array(data), (byte) => byte.toString(16).padStart(2, '0')).join('');
// Frames as they are in the packets: read after the encoder and before the decoder.
const spy = (side, list) => {
  const { readable, writable } = side.createEncodedStreams();
  const watch = new TransformStream({
    transform(frame, controller) {
      if (list.length < 30_000) list.push(hex(frame.data));
      controller.enqueue(frame);
    },
  });
  readable.pipeThrough(watch).pipeTo(writable).catch(() => {});
};
window.peer = {
  async create(id) {
    const microphone = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
    const connection = new RTCPeerConnection({ encodedInsertableStreams: true });
    const frames = { sent: [], received: [] };
    for (const track of microphone.getTracks()) spy(connection.addTrack(track, microphone), frames.sent);
    const sound = document.createElement('audio');
    sound.autoplay = true;
    sound.id = id;
    document.body.append(sound);
    connection.ontrack = ({ track, receiver }) => {
      spy(receiver, frames.received);
      sound.srcObject = new MediaStream([track]);
    };
    peers.set(id, { connection, microphone, sound, frames });
  },
  prefer(id, mimeType) {
    const wanted = [mimeType, 'audio/telephone-event'];
    const codecs = RTCRtpSender.getCapabilities('audio').codecs.filter((codec) => wanted.includes(codec.mimeType));
    peers.get(id).connection.getTransceivers()[0].setCodecPreferences(codecs);
  },
  async offer(id) {
    const { connection } = peers.get(id);
    await connection.setLocalDescription();
    return connection.localDescription.sdp;
  },
  async answer(id, sdp) {
    const { connection } = peers.get(id);
    await connection.setRemoteDescription({ type: 'offer', sdp });
    await connection.setLocalDescription();
    return connection.localDescription.sdp;
  },
  accept(id, sdp) {
    return peers.get(id).connection.setRemoteDescription({ type: 'answer', sdp });
  },
  state: (id) => peers.get(id).connection.connectionState,
  dial: (id, digits, durationMs, gapMs) => peers.get(id).connection.getSenders()[0].dtmf.insertDTMF(digits, durationMs, gapMs),
  async inbound(id) {
    for (const stat of (await peers.get(id).connection.getStats()).values()) if (stat.type === 'inbound-rtp') return { ...stat };
    return {};
  },
  async srtpCipher(id) {
    for (const stat of (await peers.get(id).connection.getStats()).values()) if (stat.type === 'transport') return stat.srtpCipher;
    return '';
  },
  frames: (id, which) => peers.get(id).frames[which],
  hangUp(id) {
    const { connection, microphone, sound } = peers.get(id);
    connection.close();
    for (const track of microphone.getTracks()) track.stop();
    sound.remove();
    peers.delete(id);
  },
};
`;

export class BrowserPeers {
  readonly #chromium: Chromium;
  readonly #page: Page;
  readonly #server: Server;

  private constructor(chromium: Chromium, page: Page, server: Server) {
    this.#chromium = chromium;
    this.#page = page;
    this.#server = server;
  }

  static async start(): Promise<BrowserPeers> {
    const server = createServer((_, response) => {
      response.setHeader('content-type', 'text/html');
      response.end(`<!doctype html><body><script>${script}</script>`);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const chromium = await Chromium.launch();
    const page = await (await chromium.context()).newPage();
    // Only localhost is a secure context without TLS, and microphones need one.
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
    return new BrowserPeers(chromium, page, server);
  }

  create = (id: string): Promise<void> => this.#call('create', id);
  /** Offers this codec only, and telephone-event. */
  prefer = (id: string, mimeType: string): Promise<void> => this.#call('prefer', id, mimeType);
  offer = (id: string): Promise<string> => this.#call('offer', id);
  answer = (id: string, sdp: string): Promise<string> => this.#call('answer', id, sdp);
  accept = (id: string, sdp: string): Promise<void> => this.#call('accept', id, sdp);
  state = (id: string): Promise<string> => this.#call('state', id);
  hangUp = (id: string): Promise<void> => this.#call('hangUp', id);
  dial = (id: string, digits: string, durationMs: number, gapMs: number): Promise<void> =>
    this.#call('dial', id, digits, durationMs, gapMs);
  /** Payloads as hexadecimal text, in their order, as the page's encoder made them or its decoder got them. */
  frames = (id: string, which: 'sent' | 'received'): Promise<string[]> => this.#call('frames', id, which);
  /** The page's inbound-rtp statistics. */
  inbound = (id: string): Promise<Record<string, number>> => this.#call('inbound', id);
  /** What DTLS agreed on, as the browser names it. */
  srtpCipher = (id: string): Promise<string> => this.#call('srtpCipher', id);
  hear = (id: string, seconds: number): Promise<Sound> => recordAudio(this.#page, `#${id}`, seconds);

  async stop(): Promise<void> {
    await this.#chromium.close();
    this.#server.close();
  }

  async #call<T>(name: string, ...args: readonly unknown[]): Promise<T> {
    const result: unknown = await this.#page.evaluate(
      ([fn, values]) => {
        const { peer } = globalThis as unknown as { peer: Record<string, (...all: readonly unknown[]) => unknown> };
        return peer[fn]?.(...values);
      },
      [name, args] as const,
    );
    return result as T;
  }
}
