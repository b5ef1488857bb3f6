/** The lines of our audio section. */
import { encodingOf } from './codec-list.ts';
import { formatCrypto } from './format-crypto.ts';
import { TRANSPORT_CC } from './header-extensions.ts';
import type {
  Direction,
  DtlsParameters,
  HeaderExtension,
  IceCandidate,
  LocalAudio,
  LocalRtp,
  LocalWebRtc,
  RtpAddress,
} from './model.ts';

/** What an offer and an answer say differently about the same local audio. */
export interface AudioLines {
  readonly local: LocalAudio;
  /** '' leaves a=mid out. */
  readonly mid: string;
  readonly protocol: string;
  readonly direction: Direction;
  readonly setup: 'actpass' | 'active' | 'passive';
  readonly headerExtensions: readonly HeaderExtension[];
  readonly rtcpMux: boolean;
}

/** Where the section says media goes by default: c= and the port of m=. */
export function defaultAddress(transport: LocalRtp | LocalWebRtc): { readonly address: string; readonly port: number } {
  if (transport.kind === 'rtp') return { address: transport.rtp.address, port: transport.rtp.rtpPort };
  const candidate = transport.candidates.find((each) => each.protocol === 'udp');
  return candidate ?? { address: '0.0.0.0', port: 9 };
}

/** `IN IP4 192.0.2.1`, as o= and c= write it. */
export function networkAddress(address: string): string {
  return `IN ${address.includes(':') ? 'IP6' : 'IP4'} ${address}`;
}

/** The whole section from its m= line on. */
export function formatAudioSection(lines: AudioLines): string[] {
  const { local } = lines;
  const payloadTypes = [...local.codecs, ...local.telephoneEvents].map((each) => each.payloadType);
  return [
    `m=audio ${defaultAddress(local.transport).port} ${lines.protocol} ${payloadTypes.join(' ')}`,
    ...(lines.mid === '' ? [] : [`a=mid:${lines.mid}`]),
    ...(local.transport.kind === 'rtp'
      ? [...rtcpLines(local.transport.rtp, lines.rtcpMux), ...(local.srtp?.cryptos ?? []).map(formatCrypto)]
      : webRtcLines(local.transport, { ...lines, media: 'audio' })),
    ...formatLines(local),
    ...transportFeedback(lines),
    `a=ptime:${local.ptimeMs}`,
    ...(local.maxPtimeMs === undefined ? [] : [`a=maxptime:${local.maxPtimeMs}`]),
    `a=${lines.direction}`,
  ];
}

function formatLines(local: LocalAudio): string[] {
  const result: string[] = [];
  for (const codec of local.codecs) {
    result.push(`a=rtpmap:${codec.payloadType} ${encodingOf(codec)}`);
    if (codec.fmtp !== '') result.push(`a=fmtp:${codec.payloadType} ${codec.fmtp}`);
  }
  for (const { payloadType, clockRate } of local.telephoneEvents) {
    result.push(`a=rtpmap:${payloadType} telephone-event/${clockRate}`, `a=fmtp:${payloadType} 0-15`);
  }
  return result;
}

/** Congestion feedback for the media codecs. Never `nack`: a late audio packet is worth nothing (S56). */
function transportFeedback({ local, headerExtensions }: AudioLines): string[] {
  if (!headerExtensions.some((extension) => extension.uri === TRANSPORT_CC)) return [];
  return local.codecs.map((codec) => `a=rtcp-fb:${codec.payloadType} transport-cc`);
}

/** a=rtcp only where RTCP is not on the next port (RFC 3605 §2.1). */
export function rtcpLines(rtp: RtpAddress, rtcpMux: boolean): string[] {
  if (rtp.rtcpPort === rtp.rtpPort) return rtcpMux ? ['a=rtcp-mux'] : [`a=rtcp:${rtp.rtcpPort}`];
  return rtp.rtcpPort === rtp.rtpPort + 1 ? [] : [`a=rtcp:${rtp.rtcpPort}`];
}

export interface DirectedExtension extends HeaderExtension {
  /** Undefined: both. */
  readonly direction?: 'recvonly';
}

/** What a section on a WebRTC transport says of it. */
export interface WebRtcLines {
  readonly media: 'audio' | 'video';
  readonly setup: 'actpass' | 'active' | 'passive';
  readonly headerExtensions: readonly DirectedExtension[];
  readonly rtcpMux: boolean;
}

export function webRtcLines(transport: LocalWebRtc, lines: WebRtcLines): string[] {
  return [
    `a=ice-ufrag:${transport.ice.usernameFragment}`,
    `a=ice-pwd:${transport.ice.password}`,
    ...transport.candidates.map(formatCandidate),
    'a=end-of-candidates',
    ...formatDtls(transport.dtls, lines.setup),
    ...lines.headerExtensions.map(formatExtension),
    ...(lines.rtcpMux ? ['a=rtcp-mux'] : []),
    // A stream for the browser to put the tracks into; the SSRC stays unsaid, because it is the far end's.
    `a=msid:viaduct ${lines.media}`,
  ];
}

function formatExtension({ id, uri, direction }: DirectedExtension): string {
  return `a=extmap:${id}${direction === undefined ? '' : `/${direction}`} ${uri}`;
}

function formatCandidate(candidate: IceCandidate): string {
  const { foundation, protocol, priority, address, port } = candidate;
  const tail = protocol === 'tcp' ? ' tcptype passive' : '';
  return `a=candidate:${foundation} 1 ${protocol} ${priority} ${address} ${port} typ host${tail}`;
}

function formatDtls(dtls: DtlsParameters, setup: AudioLines['setup']): string[] {
  return [
    ...dtls.fingerprints.map(({ algorithm, value }) => `a=fingerprint:${algorithm} ${value}`),
    `a=setup:${setup}`,
  ];
}
