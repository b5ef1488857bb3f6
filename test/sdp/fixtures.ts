import { readFileSync } from 'node:fs';
import type { AudioCodec, LocalAudio, LocalRtp, LocalWebRtc, RemoteAudio } from '../../src/sdp/index.ts';

const FOLDER = new URL('../data/sdp/', import.meta.url);

/** The text of a file in test/data/sdp. */
export function golden(name: string): string {
  return readFileSync(new URL(`${name}.sdp`, FOLDER), 'utf8');
}

export const GOLDEN = [
  'chromium-156-audio',
  'chromium-156-audio-zero-gather',
  'chromium-156-audio-video-data',
  'chromium-156-video-first',
  'firefox-128-audio',
  'baresip-1.0-plain',
  'baresip-1.0-dtls',
  'baresip-1.0-sdes',
  'sipp-3.6-uac',
];

export const OPUS: AudioCodec = { name: 'opus', payloadType: 111, clockRate: 48_000, channels: 2, fmtp: 'minptime=10' };
export const PCMU: AudioCodec = { name: 'PCMU', payloadType: 0, clockRate: 8_000, channels: 1, fmtp: '' };
export const PCMA: AudioCodec = { name: 'PCMA', payloadType: 8, clockRate: 8_000, channels: 1, fmtp: '' };
export const G722: AudioCodec = { name: 'G722', payloadType: 9, clockRate: 8_000, channels: 1, fmtp: '' };
export const L16: AudioCodec = { name: 'L16', payloadType: 118, clockRate: 16_000, channels: 1, fmtp: '' };

export const MID_EXTENSION = { uri: 'urn:ietf:params:rtp-hdrext:sdes:mid', id: 1 };
export const TRANSPORT_CC = {
  uri: 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
  id: 5,
};

export const FINGERPRINT = Array.from({ length: 32 }, (_, i) => i.toString(16).padStart(2, '0').toUpperCase()).join(
  ':',
);

export const RTP: LocalRtp = { kind: 'rtp', rtp: { address: '192.0.2.10', rtpPort: 20_000, rtcpPort: 20_001 } };
export const WEBRTC: LocalWebRtc = {
  kind: 'webrtc',
  ice: { usernameFragment: 'gatewayufrag', password: 'gatewaypasswordgatewaypassword' },
  candidates: [
    { foundation: 'udpcandidate', priority: 1_076_302_079, address: '127.0.0.1', port: 44_400, protocol: 'udp' },
    { foundation: 'tcpcandidate', priority: 1_076_276_479, address: '127.0.0.1', port: 44_400, protocol: 'tcp' },
  ],
  dtls: { role: 'auto', fingerprints: [{ algorithm: 'sha-256', value: FINGERPRINT }] },
  headerExtensions: [MID_EXTENSION, TRANSPORT_CC],
};

export function local(transport: LocalRtp | LocalWebRtc, changes: Partial<LocalAudio> = {}): LocalAudio {
  return {
    origin: { sessionId: '4711', version: 1 },
    transport,
    codecs: [PCMU],
    telephoneEvents: [{ payloadType: 101, clockRate: 8_000 }],
    ptimeMs: 20,
    direction: 'sendrecv',
    ...changes,
  };
}

/** A remote audio section for the planner, which looks at formats only. */
export function remoteAudio(changes: Partial<RemoteAudio>): RemoteAudio {
  return {
    mid: '',
    codecs: [],
    telephoneEvents: [],
    ptimeMs: 20,
    direction: 'sendrecv',
    rtcpMux: false,
    rtp: { address: '192.0.2.1', rtpPort: 4000, rtcpPort: 4001 },
    ice: undefined,
    dtls: undefined,
    ssrc: undefined,
    cname: undefined,
    headerExtensions: [],
    ...changes,
  };
}
