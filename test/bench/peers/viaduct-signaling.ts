/** The whole gateway as shipped between two trunks, for signaling. */
import path from 'node:path';
import { type GatewayFiles, startGateway } from '../lib/gateway.ts';
import { calleePort, callerPort, type SignalingPeer } from '../lib/signaling-run.ts';

const loopback = '127.0.0.1';
const ports = { http: 44_580, https: 44_581, sip: 44_582, webRtc: 44_584 };

export async function startViaduct(folder: string, media: 'bypass' | 'rtp'): Promise<SignalingPeer> {
  const gateway = await startGateway(folder, ports.http, signalingFiles(folder, media));
  return { pids: gateway.pids, stop: () => gateway.stop(), port: ports.sip, number: '1234' };
}

export function signalingFiles(folder: string, media: 'bypass' | 'rtp'): GatewayFiles {
  const trunk = (name: string, port: number): Record<string, unknown> => ({
    name,
    addresses: [`127.0.0.2:${port}`],
    target: `127.0.0.2:${port}`,
  });
  return {
    profiles: {
      phones: { listeners: [{ transport: 'udp', address: loopback, port: ports.sip }], media: 'rtp' },
      trunks: { media, nat: { source: 'sdp' }, auth: { required: false } },
    },
    dialplan: {
      rules: [
        {
          name: 'through',
          why: 'from one trunk to the other',
          when: { source: 'trunk', trunk: 'caller' },
          // biome-ignore lint/suspicious/noTemplateCurlyInString: the dialplan's own placeholder
          route: { trunk: 'callee', number: '${0}' },
        },
      ],
    },
    config: {
      data: path.join(folder, 'data'),
      log: { level: 'info', format: 'json' },
      http: { address: loopback, port: ports.http },
      https: { address: loopback, port: ports.https },
      sip: { domain: 'viaduct.bench', domains: [loopback], profiles: path.join(folder, 'sip-profiles') },
      media: {
        listenAddress: loopback,
        announcedAddress: loopback,
        portRange: { min: 20_000, max: 29_999 },
        quarantineSec: 1,
        webRtcPort: ports.webRtc,
        workers: 1,
        edgeThreads: 1,
      },
      users: [{ name: 'nobody', password: 'a-password-of-no-use' }],
      trunks: [trunk('caller', callerPort), trunk('callee', calleePort)],
      dialplan: path.join(folder, 'dialplan.yaml'),
    },
  };
}
