/** What a participant sends and receives: mediasoup-client's Device and two transports, made anew when they are lost. */
import { Device, type types } from 'mediasoup-client';
import type {
  IceServer,
  RtpCapabilities,
  RtpParameters,
  SctpStreamParameters,
  Source,
} from '../../signaling/protocol/index.ts';
import { encodingsFor, type VideoCodec } from './encodings.ts';
import type { Hello, Session } from './session.ts';

export interface PublishOptions {
  readonly track: MediaStreamTrack;
  readonly source: Exclude<Source, 'data'>;
  readonly isMuted?: boolean;
  /** Of video; the gateway's choice for this device when left out. */
  readonly codec?: VideoCodec;
  /** One picture size only. */
  readonly withoutSimulcast?: boolean;
}

type Transport = types.Transport;

/** After which a transport that is disconnected gets an ICE restart: most come back by themselves within this time. */
const patienceMs = 2000;

export class RoomMedia {
  readonly #session: Session;
  readonly #hello: Hello;
  readonly #onLost: () => void;
  readonly #iceTransportPolicy: RTCIceTransportPolicy;
  #device: Device | undefined;
  #send: Promise<Transport> | undefined;
  #receive: Promise<Transport> | undefined;
  readonly #open = new Set<Transport>();
  #isClosed = false;

  /** `onLost`: everything has to be made anew. */
  constructor(
    session: Session,
    hello: Hello,
    { iceTransportPolicy, onLost }: { iceTransportPolicy: RTCIceTransportPolicy; onLost: () => void },
  ) {
    this.#session = session;
    this.#hello = hello;
    this.#iceTransportPolicy = iceTransportPolicy;
    this.#onLost = onLost;
  }

  /** What can be received; undefined before `load`. */
  get capabilities(): RtpCapabilities | undefined {
    return this.#device?.recvRtpCapabilities as RtpCapabilities | undefined;
  }

  async load(): Promise<RtpCapabilities> {
    this.#device = await Device.factory();
    await this.#device.load({ routerRtpCapabilities: this.#hello.rtpCapabilities as types.RtpCapabilities });
    return this.#device.recvRtpCapabilities as RtpCapabilities;
  }

  async publish({
    track,
    source,
    isMuted = false,
    codec,
    withoutSimulcast = false,
  }: PublishOptions): Promise<types.Producer> {
    const transport = await this.#sending();
    const wanted = track.kind === 'video' ? this.#codecFor(codec) : undefined;
    const name = wanted?.mimeType.split('/')[1] as VideoCodec | undefined;
    return transport.produce({
      track,
      stopTracks: false,
      appData: { source, isMuted },
      ...(wanted === undefined ? {} : { codec: wanted }),
      ...(name === undefined ? {} : { encodings: encodingsFor(name, withoutSimulcast ? 'single' : source) }),
      // In-band FEC and silence suppression (RFC 7587 §7.1); the estimate of TWCC sets the bitrate.
      codecOptions: { opusFec: true, opusDtx: true, videoGoogleStartBitrate: 1000 },
    });
  }

  async publishData(
    label: string,
    options: { ordered?: boolean; maxRetransmits?: number },
  ): Promise<types.DataProducer> {
    return (await this.#sending()).produceData({ label, ...options });
  }

  async subscribe(publicationId: string): Promise<{ subscriptionId: string; consumer: types.Consumer }> {
    const transport = await this.#receiving();
    const reply = await this.#session.request('subscribe', { transportId: transport.id, publicationId });
    const consumer = await transport.consume({
      id: reply.subscriptionId,
      producerId: publicationId,
      kind: reply.kind,
      rtpParameters: reply.rtpParameters as types.RtpParameters,
    });
    return { subscriptionId: reply.subscriptionId, consumer };
  }

  async subscribeData(publicationId: string): Promise<{ subscriptionId: string; consumer: types.DataConsumer }> {
    const transport = await this.#receiving();
    const reply = await this.#session.request('subscribeData', { transportId: transport.id, publicationId });
    const consumer = await transport.consumeData({
      id: reply.subscriptionId,
      dataProducerId: publicationId,
      sctpStreamParameters: reply.sctpStreamParameters,
      label: reply.label,
    });
    return { subscriptionId: reply.subscriptionId, consumer };
  }

  /** After a connection was lost and is there again: whatever does not flow any more gets new ICE. */
  async recover(): Promise<void> {
    for (const transport of this.#open) {
      if (transport.connectionState === 'connected' || transport.connectionState === 'new') continue;
      await this.#restartIce(transport);
    }
  }

  async stats(): Promise<{ sent: RTCStatsReport | undefined; received: RTCStatsReport | undefined }> {
    return { sent: await statsOf(this.#send), received: await statsOf(this.#receive) };
  }

  close(): void {
    this.#isClosed = true;
    for (const transport of this.#open) transport.close();
    this.#open.clear();
  }

  #codecFor(wanted: VideoCodec | undefined): types.RtpCodecCapability | undefined {
    const order = wanted === undefined ? this.#hello.videoCodecs : [wanted, ...this.#hello.videoCodecs];
    const mine = this.#device?.sendRtpCapabilities.codecs ?? [];
    for (const name of order) {
      const found = mine.find(({ mimeType }) => mimeType.toLowerCase() === `video/${name.toLowerCase()}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #sending(): Promise<Transport> {
    this.#send ??= this.#openTransport('send');
    return this.#send;
  }

  #receiving(): Promise<Transport> {
    this.#receive ??= this.#openTransport('receive');
    return this.#receive;
  }

  async #openTransport(direction: 'send' | 'receive'): Promise<Transport> {
    const device = this.#device;
    if (device === undefined) throw new Error('load first');
    const { transportId: id, ...offer } = await this.#session.request('openTransport', { direction });
    const options = {
      ...(offer as Omit<types.TransportOptions, 'id'>),
      id,
      iceServers: this.#hello.iceServers.map(rtcIceServer),
      iceTransportPolicy: this.#iceTransportPolicy,
    };
    const transport = direction === 'send' ? device.createSendTransport(options) : device.createRecvTransport(options);
    this.#open.add(transport);
    this.#serve(transport);
    return transport;
  }

  #serve(transport: Transport): void {
    const session = this.#session;
    const transportId = transport.id;
    transport.on('connect', ({ dtlsParameters }, done, failed) => {
      settle(session.request('connectTransport', { transportId, dtlsParameters }), done, failed);
    });
    transport.on('produce', ({ kind, rtpParameters: given, appData }, done, failed) => {
      const { source, isMuted } = appData as { source: Source; isMuted: boolean };
      const rtpParameters = given as RtpParameters;
      const publishing = session.request('publish', { transportId, kind, source, isMuted, rtpParameters });
      settle(publishing, ({ publicationId }) => done({ id: publicationId }), failed);
    });
    transport.on('producedata', ({ sctpStreamParameters: given, label = '' }, done, failed) => {
      const sctpStreamParameters = given as SctpStreamParameters;
      const publishing = session.request('publishData', { transportId, label, sctpStreamParameters });
      settle(publishing, ({ publicationId }) => done({ id: publicationId }), failed);
    });
    transport.on('connectionstatechange', (state) => {
      if (state === 'failed') void this.#restartIce(transport);
      if (state === 'disconnected') setTimeout(() => void this.#restartIfDown(transport), patienceMs);
    });
  }

  async #restartIfDown(transport: Transport): Promise<void> {
    if (transport.connectionState === 'disconnected') await this.#restartIce(transport);
  }

  async #restartIce(transport: Transport): Promise<void> {
    if (this.#isClosed || transport.closed) return;
    try {
      // Credentials of TURN servers may have run out since (RFC 8489 §9.2.4).
      const { iceServers } = await this.#session.request('iceServers', {});
      await transport.updateIceServers({ iceServers: iceServers.map(rtcIceServer) });
      const { iceParameters } = await this.#session.request('restartIce', { transportId: transport.id });
      await transport.restartIce({ iceParameters });
    } catch (error) {
      // Without a connection there is another chance when it is back; a transport that the gateway does not know is gone.
      const isGone = error instanceof Error && 'code' in error && error.code !== 'CONNECTION_LOST';
      if (isGone && !this.#isClosed) this.#onLost();
    }
  }
}

/** For mediasoup-client, which takes callbacks. */
function settle<T>(promise: Promise<T>, done: (value: T) => void, failed: (error: Error) => void): void {
  void (async () => {
    try {
      done(await promise);
    } catch (error) {
      failed(error instanceof Error ? error : new Error(String(error)));
    }
  })();
}

async function statsOf(transport: Promise<Transport> | undefined): Promise<RTCStatsReport | undefined> {
  try {
    return await (await transport)?.getStats();
  } catch {
    // It was closed meanwhile.
    return undefined;
  }
}

function rtcIceServer({ urls, username, credential }: IceServer): RTCIceServer {
  return {
    urls: [...urls],
    ...(username === undefined ? {} : { username }),
    ...(credential === undefined ? {} : { credential }),
  };
}
