/** The media plane with a real worker, and the steps that telephony takes for a Leg. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { MediaEvent } from '../../../src/calls/index.ts';
import type { CallId, LegId, Logger, PortId } from '../../../src/kernel/index.ts';
import { silentLogger, systemClock, systemRandom } from '../../../src/kernel/index.ts';
import { type MediaPlaneOptions, type RunningMediaPlane, startMediaPlane } from '../../../src/media/index.ts';
import {
  type AudioCodecName,
  type AudioFormat,
  createOrigin,
  formatAnswer,
  formatOffer,
  type LocalRtp,
  parseRemoteDescription,
  planBuiltIn,
  type RemoteDescription,
  resolveDtlsRole,
} from '../../../src/sdp/index.ts';
import { RtpPeer, type RtpTarget } from '../../support/rtp-peer.ts';
import type { BrowserPeers } from './browser-peer.ts';

const root = path.resolve(import.meta.dirname, '..', '..', '..');
const loopback = '127.0.0.1';

export const workerBin =
  process.env['MEDIASOUP_WORKER_BIN'] ??
  process.env['VIADUCT_MEDIA_WORKER_BIN'] ??
  path.join(root, '.viaduct', 'mediasoup-worker');

export function requireWorker(): void {
  if (!existsSync(workerBin)) throw new Error('these tests need the worker: run "node scripts/worker.mjs"');
}

export interface TestPlane {
  readonly plane: RunningMediaPlane;
  readonly events: MediaEvent[];
}

export async function startTestPlane(
  port: number,
  workers = 1,
  options: Pick<MediaPlaneOptions, 'handOverAfterMs' | 'icePatience'> & { readonly logger?: Logger } = {},
): Promise<TestPlane> {
  requireWorker();
  const plane = await startMediaPlane({
    workerBin,
    workers,
    webRtc: { addresses: [{ address: loopback }], port },
    edge: {
      threads: 1,
      listen: [{ address: loopback }],
      portRange: { min: 44_520, max: 44_579 },
      quarantineMs: 200,
      logger: silentLogger,
      clock: systemClock,
      random: systemRandom,
    },
    logger: options.logger ?? silentLogger,
    clock: systemClock,
    ...(options.icePatience === undefined ? {} : { icePatience: options.icePatience }),
    ...(options.handOverAfterMs === undefined ? {} : { handOverAfterMs: options.handOverAfterMs }),
  });
  const events: MediaEvent[] = [];
  plane.onEvent((event) => events.push(event));
  return { plane, events };
}

export const owner = (id: string, call = 'call'): { portId: PortId; callId: CallId; legId: LegId } => ({
  portId: id as PortId,
  callId: call as CallId,
  legId: `leg-${id}` as LegId,
});

export const pcmu = { name: 'PCMU', payloadType: 0, clockRate: 8000, channels: 1, fmtp: '' } as const;
export const opus = { name: 'opus', payloadType: 111, clockRate: 48_000, channels: 2, fmtp: '' } as const;

export function formatOf(codec: AudioFormat['codec'], eventType = 101, eventClock = codec.clockRate): AudioFormat {
  return { codec, telephoneEvents: [{ payloadType: eventType, clockRate: eventClock }], ptimeMs: 20 };
}

/** A browser's offer, taken as far as a port and the format of the answer. */
export interface BrowserLeg {
  readonly id: string;
  readonly remote: RemoteDescription;
  readonly format: AudioFormat;
  /** Connects the port and gives the browser its answer. */
  connect(): Promise<void>;
}

/** The browser calls: its offer is answered with `codec`. */
export async function browserCalls(
  { plane }: TestPlane,
  browser: Pick<BrowserPeers, 'create' | 'offer' | 'accept'>,
  id: string,
  options: { codec: AudioCodecName; joinId?: string; fingerprint?: string },
): Promise<BrowserLeg> {
  await browser.create(id);
  const remote = parseRemoteDescription(await browser.offer(id));
  const { audio } = remote;
  const planned = planBuiltIn({ remote: audio, codecs: [options.codec] });
  if (planned === undefined || audio.dtls === undefined || audio.ice === undefined) throw new Error('a strange offer');
  const { format } = planned;
  const dtls = resolveDtlsRole(audio.dtls);
  const ice = audio.ice;
  const join = options.joinId === undefined ? {} : { joinPortId: options.joinId as PortId };
  const transport = await plane.open({
    kind: 'webrtc',
    ...owner(id),
    codecs: audio.codecs,
    telephoneEvents: audio.telephoneEvents,
    ...join,
  });
  const connect = async (): Promise<void> => {
    const fingerprints =
      options.fingerprint === undefined
        ? dtls.fingerprints
        : [{ algorithm: 'sha-256' as const, value: options.fingerprint }];
    await plane.connect({
      kind: 'webrtc',
      portId: owner(id).portId,
      ice,
      dtls: { ...dtls, fingerprints },
      mid: audio.mid,
      ssrc: audio.ssrc,
      cname: audio.cname,
      format,
      direction: 'sendrecv',
    });
    const local = {
      origin: createOrigin(systemRandom),
      transport,
      codecs: [format.codec],
      telephoneEvents: format.telephoneEvents,
    };
    await browser.accept(id, formatAnswer(remote, { ...local, ptimeMs: 20, direction: 'sendrecv' }));
  };
  return { id, remote, format, connect };
}

/** We call the browser: our offer has one codec and its telephone-event. `whileRinging` runs before its answer is applied. */
export async function callBrowser(
  { plane }: TestPlane,
  browser: BrowserPeers,
  id: string,
  { format, whileRinging }: { format: AudioFormat; whileRinging: () => Promise<void> },
): Promise<void> {
  await browser.create(id);
  const { codec, telephoneEvents } = format;
  const transport = await plane.open({ kind: 'webrtc', ...owner(id), codecs: [codec], telephoneEvents });
  const offer = { origin: createOrigin(systemRandom), transport, codecs: [codec], telephoneEvents, ptimeMs: 20 };
  const remote = parseRemoteDescription(await browser.answer(id, formatOffer({ ...offer, direction: 'sendrecv' })));
  await whileRinging();
  const { dtls, ice, mid, ssrc, cname, headerExtensions } = remote.audio;
  if (dtls === undefined || ice === undefined) throw new Error('a strange answer');
  await plane.connect({
    kind: 'webrtc',
    portId: owner(id).portId,
    ice,
    dtls: resolveDtlsRole(dtls),
    mid,
    headerExtensions,
    ssrc,
    cname,
    format,
    direction: 'sendrecv',
  });
}

export interface PhoneLeg {
  readonly peer: RtpPeer;
  /** For `peer.play`: where the gateway listens. */
  readonly target: RtpTarget;
  readonly local: LocalRtp;
}

/** A phone with plain RTP, connected at once. */
export async function phoneLeg({ plane }: TestPlane, id: string, format: AudioFormat): Promise<PhoneLeg> {
  const peer = await RtpPeer.open();
  const local = await plane.open({ kind: 'rtp', ...owner(id) });
  await plane.connect({
    kind: 'rtp',
    portId: owner(id).portId,
    remote: { address: loopback, rtpPort: peer.port, rtcpPort: peer.port + 1 },
    rtcpMux: false,
    sourcePolicy: 'sdp',
    format,
    direction: 'sendrecv',
  });
  const { codec } = format;
  return {
    peer,
    local,
    target: { port: local.rtp.rtpPort, payloadType: codec.payloadType, ssrc: 0x5a5a0001, step: codec.clockRate / 50 },
  };
}
