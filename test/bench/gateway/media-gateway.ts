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

const lines = readline.createInterface({ input: process.stdin });
process.stdout.write(`${JSON.stringify({ pids: [process.pid, ...plane.workerPids] })}\n`);
for await (const line of lines) {
  const request = JSON.parse(line) as CallRequest | 'carried';
  const answer = request === 'carried' ? (await plane.counters()).portsHandedOver : await setUp(request);
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await plane.stop();
