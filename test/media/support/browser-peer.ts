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
  async create(id, video) {
    const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const microphone = await navigator.mediaDevices.getUserMedia({ audio, ...(video ? { video } : {}) });
    const connection = new RTCPeerConnection({ encodedInsertableStreams: true });
    const frames = { sent: [], received: [] };
    const pictures = { sent: [], received: [] };
    for (const track of microphone.getTracks())
      spy(connection.addTrack(track, microphone), track.kind === 'audio' ? frames.sent : pictures.sent);
    const sound = document.createElement('audio');
    sound.autoplay = true;
    sound.id = id;
    document.body.append(sound);
    // A track that nothing shows is not decoded.
    const screen = document.createElement('video');
    screen.autoplay = screen.muted = true;
    document.body.append(screen);
    connection.ontrack = ({ track, receiver }) => {
      spy(receiver, track.kind === 'audio' ? frames.received : pictures.received);
      (track.kind === 'audio' ? sound : screen).srcObject = new MediaStream([track]);
    };
    peers.set(id, { connection, microphone, sound, screen, frames, pictures });
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
  async addVideo(id, video) {
    const { connection, microphone, pictures } = peers.get(id);
    const [track] = (await navigator.mediaDevices.getUserMedia({ video })).getVideoTracks();
    microphone.addTrack(track);
    spy(connection.addTrack(track, microphone), pictures.sent);
  },
  accept(id, sdp) {
    return peers.get(id).connection.setRemoteDescription({ type: 'answer', sdp });
  },
  state: (id) => peers.get(id).connection.connectionState,
  dial: (id, digits, durationMs, gapMs) => peers.get(id).connection.getSenders()[0].dtmf.insertDTMF(digits, durationMs, gapMs),
  async inbound(id) {
    for (const stat of (await peers.get(id).connection.getStats()).values())
      if (stat.type === 'inbound-rtp' && stat.kind === 'audio') return { ...stat };
    return {};
  },
  async video(id) {
    const result = {};
    for (const stat of (await peers.get(id).connection.getStats()).values())
      if (stat.kind === 'video' && (stat.type === 'inbound-rtp' || stat.type === 'outbound-rtp')) result[stat.type] = { ...stat };
    return result;
  },
  preferVideo(id, mimeType, fmtp) {
    const codecs = RTCRtpReceiver.getCapabilities('video').codecs;
    const wanted = codecs.filter((codec) => codec.mimeType === mimeType && (codec.sdpFmtpLine ?? '').includes(fmtp));
    const transceiver = peers.get(id).connection.getTransceivers().find(({ receiver }) => receiver.track.kind === 'video');
    transceiver.setCodecPreferences(wanted);
  },
  pictures: (id, which) => peers.get(id).pictures[which],
  async srtpCipher(id) {
    for (const stat of (await peers.get(id).connection.getStats()).values()) if (stat.type === 'transport') return stat.srtpCipher;
    return '';
  },
  frames: (id, which) => peers.get(id).frames[which],
  hangUp(id) {
    const { connection, microphone, sound, screen } = peers.get(id);
    connection.close();
    for (const track of microphone.getTracks()) track.stop();
    sound.remove();
    screen.remove();
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

  /** `video`: with a camera of these constraints. */
  create = (id: string, video?: Record<string, unknown>): Promise<void> => this.#call('create', id, video);
  /** Offers this codec only, and telephone-event. */
  prefer = (id: string, mimeType: string): Promise<void> => this.#call('prefer', id, mimeType);
  offer = (id: string): Promise<string> => this.#call('offer', id);
  answer = (id: string, sdp: string): Promise<string> => this.#call('answer', id, sdp);
  accept = (id: string, sdp: string): Promise<void> => this.#call('accept', id, sdp);
  state = (id: string): Promise<string> => this.#call('state', id);
  /** A camera that was not there before: for the next offer or answer. */
  addVideo = (id: string, video: Record<string, unknown>): Promise<void> => this.#call('addVideo', id, video);
  hangUp = (id: string): Promise<void> => this.#call('hangUp', id);
  dial = (id: string, digits: string, durationMs: number, gapMs: number): Promise<void> =>
    this.#call('dial', id, digits, durationMs, gapMs);
  /** Payloads as hexadecimal text, in their order, as the page's encoder made them or its decoder got them. */
  frames = (id: string, which: 'sent' | 'received'): Promise<string[]> => this.#call('frames', id, which);
  /** Offers this video codec only, in the configurations whose a=fmtp contains `fmtp`. */
  preferVideo = (id: string, mimeType: string, fmtp: string): Promise<void> =>
    this.#call('preferVideo', id, mimeType, fmtp);
  /** Encoded pictures as hexadecimal text, as the page's encoder made them or its decoder got them. */
  pictures = (id: string, which: 'sent' | 'received'): Promise<string[]> => this.#call('pictures', id, which);
  /** The page's statistics of its video. */
  video = (id: string): Promise<Partial<Record<'inbound-rtp' | 'outbound-rtp', Record<string, number>>>> =>
    this.#call('video', id);
  /** The page's inbound-rtp statistics of its audio. */
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
