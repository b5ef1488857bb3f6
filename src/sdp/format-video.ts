/** The lines of our video section. */
import { type DirectedExtension, defaultAddress, rtcpLines, webRtcLines } from './format-audio.ts';
import { formatCrypto } from './format-crypto.ts';
import { TRANSPORT_CC } from './header-extensions.ts';
import type {
  Direction,
  HeaderExtension,
  LocalRtp,
  LocalVideo,
  LocalWebRtc,
  RemoteVideo,
  VideoCodec,
} from './model.ts';

/** The id that TRANSPORT_CC gets in offers of ours. */
const TRANSPORT_CC_ID = 5;

/** What an offer and an answer say differently about the same local video. */
export interface VideoLines {
  readonly local: LocalVideo;
  readonly transport: LocalRtp | LocalWebRtc;
  /** '' leaves a=mid out. */
  readonly mid: string;
  readonly protocol: string;
  readonly direction: Direction;
  readonly setup: 'actpass' | 'active' | 'passive';
  readonly headerExtensions: readonly DirectedExtension[];
}

/** The whole section from its m= line on. */
export function formatVideoSection(lines: VideoLines): string[] {
  const { local, transport, mid, protocol, headerExtensions } = lines;
  const port = local.rtp?.rtpPort ?? defaultAddress(transport).port;
  const payloadTypes = local.codecs.map(({ payloadType }) => payloadType);
  return [
    `m=video ${port} ${protocol} ${payloadTypes.join(' ')}`,
    ...(mid === '' ? [] : [`a=mid:${mid}`]),
    ...(transport.kind === 'webrtc'
      ? webRtcLines(transport, { ...lines, media: 'video', rtcpMux: true })
      : [...rtcpLines(local.rtp ?? transport.rtp, false), ...(local.srtp?.cryptos ?? []).map(formatCrypto)]),
    ...local.codecs.flatMap((codec) => codecLines(codec, headerExtensions)),
    `a=${lines.direction}`,
  ];
}

/**
 * A sender of video is to adapt to the path, which we tell it about, under the id of the peer where it has named one
 * (RFC 8285 §6). Packets of ours are not numbered: what we send is not ours to adapt.
 */
export function withTransportCc(
  extensions: readonly HeaderExtension[],
  remote: RemoteVideo | undefined,
  isOffer: boolean,
): readonly DirectedExtension[] {
  const theirs = remote?.headerExtensions.find(({ uri }) => uri === TRANSPORT_CC)?.id;
  const id = theirs ?? (isOffer && remote === undefined ? TRANSPORT_CC_ID : undefined);
  const others = extensions.filter(({ uri }) => uri !== TRANSPORT_CC);
  return id === undefined ? others : [...others, { uri: TRANSPORT_CC, id, direction: 'recvonly' }];
}

function codecLines(
  { payloadType, name, fmtp, feedback }: VideoCodec,
  extensions: readonly HeaderExtension[],
): string[] {
  const hasTransportCc = extensions.some(({ uri }) => uri === TRANSPORT_CC);
  return [
    `a=rtpmap:${payloadType} ${name}/90000`,
    ...(fmtp === '' ? [] : [`a=fmtp:${payloadType} ${fmtp}`]),
    ...feedback
      .filter((each) => each !== 'transport-cc' || hasTransportCc)
      .map((each) => `a=rtcp-fb:${payloadType} ${each}`),
  ];
}
