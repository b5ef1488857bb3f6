/** Our descriptions as text: offers (RFC 3264 §5, RFC 8829 §5.2) and answers (RFC 3264 §6, RFC 8829 §5.3). */
import { answerDirection } from './direction.ts';
import { defaultAddress, formatAudioSection, networkAddress } from './format-audio.ts';
import type { HeaderExtension, LocalAudio, LocalRtp, LocalWebRtc, RemoteAudio, RemoteDescription } from './model.ts';

/**
 * The text of an offer. In a dialog that has had an offer and answer before, `previous` is the last description of
 * the peer: its sections keep their places and mids (RFC 3264 §8), all but audio with port 0.
 */
export function formatOffer(local: LocalAudio, previous?: RemoteDescription): string {
  const { transport } = local;
  const isWebRtc = transport.kind === 'webrtc';
  const mid = previous === undefined ? (isWebRtc ? '0' : '') : previous.audio.mid;
  const audio = formatAudioSection({
    local,
    mid,
    protocol: isWebRtc ? 'UDP/TLS/RTP/SAVPF' : 'RTP/AVP',
    direction: local.direction,
    setup: 'actpass',
    headerExtensions: isWebRtc ? transport.headerExtensions : [],
    rtcpMux: true,
  });
  const isBundled = isWebRtc && mid !== '';
  return toText([...sessionLines(local, isBundled ? mid : ''), ...mirrored(previous, audio)]);
}

/** The text of an answer: every section of the offer in its place, all but audio refused. */
export function formatAnswer(remote: RemoteDescription, local: LocalAudio): string {
  const { audio } = remote;
  const section = formatAudioSection({
    local,
    mid: audio.mid,
    protocol: remote.sections[remote.audioIndex]?.protocol ?? 'RTP/AVP',
    direction: answerDirection(audio.direction, local.direction),
    setup: answerSetup(audio, local.transport),
    headerExtensions: sharedExtensions(audio, local.transport),
    rtcpMux: audio.rtcpMux,
  });
  const isBundled = remote.bundle.length > 0;
  return toText([...sessionLines(local, isBundled ? audio.mid : ''), ...mirrored(remote, section)]);
}

function sessionLines(local: LocalAudio, bundledMid: string): string[] {
  const address = networkAddress(defaultAddress(local.transport).address);
  return [
    'v=0',
    `o=- ${local.origin.sessionId} ${local.origin.version} ${address}`,
    's=-',
    `c=${address}`,
    't=0 0',
    ...(local.transport.kind === 'webrtc' ? ['a=ice-lite'] : []),
    ...(bundledMid === '' ? [] : [`a=group:BUNDLE ${bundledMid}`]),
  ];
}

function mirrored(remote: RemoteDescription | undefined, audio: readonly string[]): string[] {
  if (remote === undefined) return [...audio];
  return remote.sections.flatMap((section, index) => {
    if (index === remote.audioIndex) return audio;
    const refused = `m=${section.media} 0 ${section.protocol} ${section.formats}`;
    return section.mid === '' ? [refused] : [refused, `a=mid:${section.mid}`];
  });
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

/** An answer must keep the offer's ids (RFC 8285 §6), and ours cannot be chosen: those that coincide remain. */
export function sharedExtensions(remote: RemoteAudio, transport: LocalRtp | LocalWebRtc): HeaderExtension[] {
  if (transport.kind === 'rtp') return [];
  return transport.headerExtensions.filter((ours) =>
    remote.headerExtensions.some((theirs) => theirs.uri === ours.uri && theirs.id === ours.id),
  );
}

function toText(lines: readonly string[]): string {
  return `${lines.join('\r\n')}\r\n`;
}
