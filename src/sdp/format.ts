/** Our descriptions as text: offers (RFC 3264 §5, RFC 8829 §5.2) and answers (RFC 3264 §6, RFC 8829 §5.3). */
import { answerDirection } from './direction.ts';
import { defaultAddress, formatAudioSection, networkAddress } from './format-audio.ts';
import { formatVideoSection, withTransportCc } from './format-video.ts';
import { sharedExtensions } from './header-extensions.ts';
import type { LocalAudio, LocalRtp, LocalWebRtc, RemoteAudio, RemoteDescription } from './model.ts';

/** Our sections by their place among those of the peer. */
interface OwnSections {
  readonly audio: readonly string[];
  readonly video: readonly string[];
  /** -1: behind all others. */
  readonly videoIndex: number;
}

/**
 * The text of an offer. In a dialog that has had an offer and answer before, `previous` is the last description of
 * the peer: its sections keep their places and mids (RFC 3264 §8), all but audio and video with port 0.
 */
export function formatOffer(local: LocalAudio, previous?: RemoteDescription): string {
  const { transport } = local;
  const isWebRtc = transport.kind === 'webrtc';
  const { mid, videoMid } = offeredMids(local, previous);
  const audio = formatAudioSection({
    local,
    mid,
    protocol: local.srtp?.isRequired === true ? 'RTP/SAVP' : offeredProtocol(transport),
    direction: local.direction,
    setup: 'actpass',
    headerExtensions: isWebRtc ? transport.headerExtensions : [],
    rtcpMux: true,
  });
  const video = offeredVideo(local, videoMid, previous);
  const bundle = isWebRtc && mid !== '' ? [mid, ...(video.length === 0 ? [] : [videoMid])] : [];
  return toText([
    ...sessionLines(local, bundle),
    ...mirrored(previous, { audio, video, videoIndex: videoPlaceIn(previous) }),
  ]);
}

/** The text of an answer: every section of the offer in its place, those that we do not take refused. */
export function formatAnswer(remote: RemoteDescription, local: LocalAudio): string {
  const { audio, sections, audioIndex, videoIndex } = remote;
  const audioLines = formatAudioSection({
    local,
    mid: audio.mid,
    protocol: sections[audioIndex]?.protocol ?? 'RTP/AVP',
    direction: answerDirection(audio.direction, local.direction),
    setup: answerSetup(audio, local.transport),
    headerExtensions: sharedExtensions(audio, local.transport),
    rtcpMux: audio.rtcpMux,
  });
  const video = answeredVideo(remote, local);
  const videoMids = video.length === 0 || remote.video === undefined ? [] : [remote.video.mid];
  const bundle = remote.bundle.length > 0 ? [audio.mid, ...videoMids] : [];
  return toText([...sessionLines(local, bundle), ...mirrored(remote, { audio: audioLines, video, videoIndex })]);
}

function offeredMids(
  { transport, video }: LocalAudio,
  previous: RemoteDescription | undefined,
): { mid: string; videoMid: string } {
  const mid = previous?.audio.mid ?? (transport.kind === 'webrtc' ? '0' : '');
  const kept = video?.isNew === true ? undefined : previous?.video?.mid;
  return { mid, videoMid: kept ?? (mid === '' ? '' : freeMid(previous)) };
}

function offeredProtocol(transport: LocalRtp | LocalWebRtc): string {
  return transport.kind === 'webrtc' ? 'UDP/TLS/RTP/SAVPF' : 'RTP/AVP';
}

/** Its own, or that of one that was refused (RFC 3264 §8.1). */
function videoPlaceIn(previous: RemoteDescription | undefined): number {
  if (previous === undefined || previous.videoIndex !== -1) return previous?.videoIndex ?? -1;
  return previous.sections.findIndex(({ media }) => media === 'video');
}

/** Empty without video of ours. */
function offeredVideo({ transport, video }: LocalAudio, mid: string, previous?: RemoteDescription): string[] {
  if (video === undefined) return [];
  return formatVideoSection({
    local: video,
    transport,
    mid,
    protocol: video.srtp?.isRequired === true ? 'RTP/SAVP' : offeredProtocol(transport),
    direction: video.direction,
    setup: 'actpass',
    headerExtensions:
      transport.kind === 'webrtc' ? withTransportCc(transport.headerExtensions, previous?.video, true) : [],
  });
}

/** Empty when one of the two has none. */
function answeredVideo({ audio, video, sections, videoIndex }: RemoteDescription, local: LocalAudio): string[] {
  const { transport } = local;
  if (video === undefined || local.video === undefined) return [];
  const shared = sharedExtensions(video, transport);
  return formatVideoSection({
    local: local.video,
    transport,
    mid: video.mid,
    protocol: sections[videoIndex]?.protocol ?? 'RTP/AVP',
    direction: answerDirection(video.direction, local.video.direction),
    setup: answerSetup(audio, transport),
    headerExtensions: transport.kind === 'webrtc' ? withTransportCc(shared, video, false) : [],
  });
}

function sessionLines(local: LocalAudio, bundle: readonly string[]): string[] {
  const address = networkAddress(defaultAddress(local.transport).address);
  return [
    'v=0',
    `o=- ${local.origin.sessionId} ${local.origin.version} ${address}`,
    's=-',
    `c=${address}`,
    't=0 0',
    ...(local.transport.kind === 'webrtc' ? ['a=ice-lite'] : []),
    ...(bundle.length === 0 ? [] : [`a=group:BUNDLE ${bundle.join(' ')}`]),
  ];
}

function mirrored(remote: RemoteDescription | undefined, own: OwnSections): string[] {
  if (remote === undefined) return [...own.audio, ...own.video];
  const inPlace = remote.sections.flatMap((section, index) => {
    if (index === remote.audioIndex) return own.audio;
    if (index === own.videoIndex && own.video.length > 0) return own.video;
    const refused = `m=${section.media} 0 ${section.protocol} ${section.formats}`;
    return section.mid === '' ? [refused] : [refused, `a=mid:${section.mid}`];
  });
  return own.videoIndex === -1 ? [...inPlace, ...own.video] : inPlace;
}

/** For a section that the peer has not had. */
function freeMid(previous: RemoteDescription | undefined): string {
  const taken = new Set(previous?.sections.map(({ mid }) => mid) ?? ['0']);
  for (let next = taken.size; ; next++) if (!taken.has(String(next))) return String(next);
}

/**
 * Passive wherever we may choose: the browser speaks first, over a path its ICE checks have opened already.
 * Active when the offer is passive, or when the association began with us as the client (RFC 8842 §5.3).
 */
function answerSetup(remote: RemoteAudio, transport: LocalRtp | LocalWebRtc): 'active' | 'passive' {
  if (remote.dtls?.role === 'server') return 'active';
  if (remote.dtls?.role === 'client') return 'passive';
  return transport.kind === 'webrtc' && transport.dtls.role === 'client' ? 'active' : 'passive';
}

function toText(lines: readonly string[]): string {
  return `${lines.join('\r\n')}\r\n`;
}
