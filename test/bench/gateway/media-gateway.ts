/**
 * The media plane alone in a process of its own, so that its CPU time is its own. Reads one JSON line for each call,
 * answers with one; `"carried"` asks how many are handed over; ends with its standard input.
 */
import readline from 'node:readline';
import type { CallId, LegId, PortId } from '../../../src/kernel/index.ts';
import { silentLogger, systemClock, systemRandom } from '../../../src/kernel/index.ts';
import { startMediaPlane } from '../../../src/media/index.ts';
import type { AudioFormat } from '../../../src/sdp/index.ts';

/** What the bench asks for one call. */
export interface CallRequest {
  readonly call: number;
  readonly ssrc: number;
  readonly fingerprint: string;
  readonly sipPort: number;
}

/** A call whose ends share no codec: Opus and PCMU, both as plain RTP. */
export interface TranscodedRequest {
  readonly call: number;
  readonly opusPort: number;
  readonly pcmuPort: number;
}

/** The gateway's ports of it. */
export type TranscodedAnswer = Omit<TranscodedRequest, 'call'>;

/** Where the two ends of a call find the gateway. */
export interface CallAnswer {
  readonly call: number;
  readonly ip: string;
  readonly port: number;
  readonly usernameFragment: string;
  readonly password: string;
  readonly sipPort: number;
}

const pcmu = { name: 'PCMU', payloadType: 0, clockRate: 8000, channels: 1, fmtp: '' } as const;
const event = { payloadType: 101, clockRate: 8000 } as const;
const format: AudioFormat = { codec: pcmu, telephoneEvents: [event], ptimeMs: 20 };
const opus = { name: 'opus', payloadType: 111, clockRate: 48_000, channels: 2, fmtp: '' } as const;
const opusFormat: AudioFormat = { codec: opus, telephoneEvents: [], ptimeMs: 20 };
const loopback = '127.0.0.1';

const plane = await startMediaPlane({
  workerBin: process.env['VIADUCT_MEDIA_WORKER_BIN'] ?? '.viaduct/mediasoup-worker',
  workers: 1,
  webRtc: { addresses: [{ address: loopback }], port: 44_590 },
  edge: {
    threads: Number(process.env['BENCH_EDGE_THREADS'] ?? 1),
    listen: [{ address: loopback }],
    portRange: { min: 20_000, max: 23_999 },
    quarantineMs: 1000,
    logger: silentLogger,
    clock: systemClock,
    random: systemRandom,
  },
  logger: silentLogger,
  clock: systemClock,
  ...(process.env['BENCH_HAND_OVER'] === 'on' ? { handOverAfterMs: 2000 } : {}),
});

async function setUp({ call, ssrc, fingerprint, sipPort }: CallRequest): Promise<CallAnswer> {
  const owner = { callId: `call-${call}` as CallId };
  const web = { ...owner, portId: `web-${call}` as PortId, legId: `web-${call}` as LegId };
  const sip = { ...owner, portId: `sip-${call}` as PortId, legId: `sip-${call}` as LegId };
  const [local, rtp] = await Promise.all([
    plane.open({ kind: 'webrtc', ...web, codecs: [pcmu], telephoneEvents: [event] }),
    plane.open({ kind: 'rtp', ...sip }),
  ]);
  await plane.bridge(web.portId, sip.portId);
  const remote = { address: loopback, rtpPort: sipPort, rtcpPort: sipPort + 1 };
  await Promise.all([
    plane.connect({
      kind: 'webrtc',
      portId: web.portId,
      ice: { usernameFragment: '', password: '' },
      dtls: { role: 'client', fingerprints: [{ algorithm: 'sha-256', value: fingerprint }] },
      mid: '0',
      ssrc,
      cname: 'mload',
      format,
      direction: 'sendrecv',
    }),
    plane.connect({
      kind: 'rtp',
      portId: sip.portId,
      remote,
      rtcpMux: false,
      sourcePolicy: 'sdp',
      format,
      direction: 'sendrecv',
    }),
  ]);
  const candidate = local.candidates.find(({ protocol }) => protocol === 'udp');
  return {
    call,
    ip: candidate?.address ?? loopback,
    port: candidate?.port ?? 0,
    usernameFragment: local.ice.usernameFragment,
    password: local.ice.password,
    sipPort: rtp.rtp.rtpPort,
  };
}

async function setUpTranscoded({ call, opusPort, pcmuPort }: TranscodedRequest): Promise<TranscodedAnswer> {
  const callId = `call-${call}` as CallId;
  const openPlain = async (name: string): Promise<{ portId: PortId; rtpPort: number }> => {
    const portId = `${name}-${call}` as PortId;
    const { rtp } = await plane.open({ kind: 'rtp', callId, portId, legId: portId as string as LegId });
    return { portId, rtpPort: rtp.rtpPort };
  };
  const connectPlain = (portId: PortId, rtpPort: number, as: AudioFormat): Promise<void> =>
    plane.connect({
      kind: 'rtp',
      portId,
      remote: { address: loopback, rtpPort, rtcpPort: rtpPort + 1 },
      rtcpMux: false,
      sourcePolicy: 'sdp',
      format: as,
      direction: 'sendrecv',
    });
  const [a, b] = await Promise.all([openPlain('opus'), openPlain('pcmu')]);
  await Promise.all([connectPlain(a.portId, opusPort, opusFormat), connectPlain(b.portId, pcmuPort, format)]);
  await plane.bridge(a.portId, b.portId);
  return { opusPort: a.rtpPort, pcmuPort: b.rtpPort };
}

async function answer(request: CallRequest | TranscodedRequest | 'carried'): Promise<unknown> {
  if (request === 'carried') return (await plane.counters()).portsHandedOver;
  return 'opusPort' in request ? setUpTranscoded(request) : setUp(request);
}

const lines = readline.createInterface({ input: process.stdin });
process.stdout.write(`${JSON.stringify({ pids: [process.pid, ...plane.workerPids] })}\n`);
for await (const line of lines) {
  const request = JSON.parse(line) as CallRequest | TranscodedRequest | 'carried';
  process.stdout.write(`${JSON.stringify(await answer(request))}\n`);
}
await plane.stop();
