/** SDP text of a peer → RemoteDescription: offers and answers alike (RFC 3264, RFC 8829 §5.8). */
import { CodedError } from '../kernel/index.ts';
import { sdpErrors } from './errors.ts';
import { TRANSPORT_CC } from './header-extensions.ts';
import { attribute, attributeValues, type SdpAttribute, type SdpLines, type SdpSection, splitLines } from './lines.ts';
import type {
  Direction,
  HeaderExtension,
  RemoteAudio,
  RemoteDescription,
  RemoteVideo,
  RtpAddress,
  SdpKind,
} from './model.ts';
import { isNullAddress, parseRtpAddress } from './parse-address.ts';
import { parseSrtp } from './parse-crypto.ts';
import { parseFormats } from './parse-formats.ts';
import { parseDtls, parseFingerprints, parseIce } from './parse-security.ts';
import { parseVideoFormats } from './parse-video-formats.ts';

/**
 * Reads an offer or an answer. Throws an error of `sdpErrors`, which carries the SIP status owed, for whatever cannot
 * lead to audio; a description without a codec we know is no such case: its `codecs` are empty.
 */
export function parseRemoteDescription(text: string): RemoteDescription {
  const lines = splitLines(text);
  const bundle = bundleOf(lines);
  const audioIndex = lines.sections.findIndex((section) => isUsable('audio', section, bundle));
  const section = lines.sections[audioIndex];
  if (section === undefined) throw sdpErrors.SDP_NO_AUDIO();
  const mid = midOf(section);
  const attributes = inherited(lines, section, bundle);
  const kind = kindOf(section, attributes);
  const video = findVideo(lines, kind, mid !== '' && bundle.includes(mid) ? bundle : []);
  return {
    kind,
    audio: kind === 'webrtc' ? webRtcAudio(section, attributes) : rtpAudio(section, attributes, lines),
    sections: lines.sections.map((each) => ({
      media: each.media,
      protocol: each.protocol,
      formats: each.formats.join(' '),
      mid: midOf(each),
    })),
    audioIndex,
    video: video?.video,
    videoIndex: video?.index ?? -1,
    bundle: mid !== '' && bundle.includes(mid) ? bundle : [],
  };
}

/** Port 0 is a refusal (RFC 3264 §6), except for a section that waits for its BUNDLE group (RFC 9143 §6). */
function isUsable(media: 'audio' | 'video', section: SdpSection, bundle: readonly string[]): boolean {
  if (section.media !== media) return false;
  if (section.port !== 0) return true;
  return attribute(section.attributes, 'bundle-only') !== undefined && bundle.includes(midOf(section));
}

/**
 * The first video section that is such that it can stand beside the audio: of the same kind, and for webrtc in the
 * BUNDLE group of the audio, because a Leg has one transport. What is wrong with it costs the video, never the call.
 */
function findVideo(
  lines: SdpLines,
  kind: SdpKind,
  bundle: readonly string[],
): { readonly video: RemoteVideo; readonly index: number } | undefined {
  const index = lines.sections.findIndex((section) => isUsable('video', section, bundle));
  const section = lines.sections[index];
  if (section === undefined) return undefined;
  try {
    if (kindOf(section, inherited(lines, section, bundle)) !== kind) return undefined;
    if (kind === 'webrtc' && !bundle.includes(midOf(section))) return undefined;
    return { video: videoOf(section, kind, lines), index };
  } catch (error) {
    if (error instanceof CodedError) return undefined;
    throw error;
  }
}

function videoOf(section: SdpSection, kind: SdpKind, lines: SdpLines): RemoteVideo {
  const attributes = overlaid(section.attributes, lines.attributes);
  const direction = directionOf(attributes);
  const rtp =
    kind === 'rtp'
      ? parseRtpAddress(section, lines.connection)
      : { address: '0.0.0.0', rtpPort: section.port, rtcpPort: section.port };
  return {
    mid: midOf(section),
    codecs: parseVideoFormats(section),
    direction: kind === 'rtp' ? heldDirection(direction, rtp) : direction,
    rtcpMux: attribute(attributes, 'rtcp-mux') !== undefined,
    rtp,
    srtp: kind === 'rtp' ? parseSrtp(section) : undefined,
    ...parseSource(section),
    headerExtensions: parseExtensions(attributes),
  };
}

function bundleOf(lines: SdpLines): string[] {
  const group = attributeValues(lines.attributes, 'group').find((value) => value.startsWith('BUNDLE '));
  return group === undefined ? [] : group.split(/ +/u).slice(1);
}

function midOf(section: SdpSection): string {
  const mid = attribute(section.attributes, 'mid') ?? '';
  if (mid.length > 64 || /[^\x21-\x7e]/u.test(mid)) throw sdpErrors.SDP_MALFORMED(['a=mid is not valid']);
  return mid;
}

/**
 * What holds for the section: of each attribute its own, else the session's (RFC 8866 §5.13), else, for the transport,
 * what the section that carries its bundle says (RFC 9143 §7.1.3).
 */
function inherited(lines: SdpLines, section: SdpSection, bundle: readonly string[]): SdpAttribute[] {
  const isBundled = bundle.includes(midOf(section));
  const carrier = isBundled ? lines.sections.find((each) => midOf(each) === bundle[0]) : undefined;
  const transport = carrier?.attributes.filter((each) => /^(?:ice-|fingerprint$|setup$)/u.test(each.name)) ?? [];
  return overlaid(section.attributes, overlaid(lines.attributes, transport));
}

function overlaid(upper: readonly SdpAttribute[], lower: readonly SdpAttribute[]): SdpAttribute[] {
  const names = new Set(upper.map((each) => each.name));
  return [...upper, ...lower.filter((each) => !names.has(each.name))];
}

function kindOf(section: SdpSection, attributes: readonly SdpAttribute[]): SdpKind {
  const hasFingerprint = parseFingerprints(attributes).length > 0;
  const hasIce = attribute(attributes, 'ice-ufrag') !== undefined;
  switch (section.protocol.toUpperCase()) {
    case 'UDP/TLS/RTP/SAVPF':
    case 'UDP/TLS/RTP/SAVP':
    case 'TCP/DTLS/RTP/SAVPF':
    case 'TCP/DTLS/RTP/SAVP':
      return 'webrtc';
    // RFC 8829 §5.1.2: with DTLS-SRTP attributes these names mean the same.
    case 'RTP/SAVPF':
    case 'RTP/SAVP':
      return hasFingerprint && hasIce ? 'webrtc' : 'rtp';
    case 'RTP/AVP':
    case 'RTP/AVPF':
      // SIP phones offer ICE for plain RTP, too; that a browser gets no plain RTP (S06) is its profile's to say.
      return hasIce && hasFingerprint ? 'webrtc' : 'rtp';
    default:
      throw sdpErrors.SDP_PROTOCOL([section.protocol]);
  }
}

function webRtcAudio(section: SdpSection, attributes: readonly SdpAttribute[]): RemoteAudio {
  const dtls = parseDtls(attributes);
  return {
    ...commonAudio(section, attributes),
    rtp: { address: '0.0.0.0', rtpPort: section.port, rtcpPort: section.port },
    ice: parseIce(attributes),
    dtls,
  };
}

function rtpAudio(section: SdpSection, attributes: readonly SdpAttribute[], lines: SdpLines): RemoteAudio {
  const rtp = parseRtpAddress(section, lines.connection);
  const common = commonAudio(section, attributes);
  const direction = heldDirection(common.direction, rtp);
  return { ...common, direction, rtp, ice: undefined, dtls: undefined, srtp: parseSrtp(section) };
}

function commonAudio(
  section: SdpSection,
  attributes: readonly SdpAttribute[],
): Omit<RemoteAudio, 'rtp' | 'ice' | 'dtls'> {
  return {
    mid: midOf(section),
    ...parseFormats(section),
    direction: directionOf(attributes),
    rtcpMux: attribute(attributes, 'rtcp-mux') !== undefined,
    ...parseSource(section),
    headerExtensions: parseExtensions(attributes),
  };
}

const DIRECTIONS: readonly Direction[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive'];

function directionOf(attributes: readonly SdpAttribute[]): Direction {
  for (const { name } of attributes) {
    const direction = DIRECTIONS.find((each) => each === name);
    if (direction !== undefined) return direction;
  }
  return 'sendrecv';
}

function heldDirection(direction: Direction, rtp: RtpAddress): Direction {
  if (!isNullAddress(rtp.address)) return direction;
  return direction === 'sendrecv' || direction === 'sendonly' ? 'sendonly' : 'inactive';
}

/** a=ssrc (RFC 5576 §4.1): `1234 cname:abc`. */
function parseSource(section: SdpSection): { ssrc: number | undefined; cname: string | undefined } {
  let ssrc: number | undefined;
  for (const value of attributeValues(section.attributes, 'ssrc')) {
    const [, id = '', cname] = /^(\d{1,10})(?: +cname:([\x21-\x7e]{1,255}))?/u.exec(value) ?? [];
    if (id === '' || Number(id) > 0xffff_ffff) continue;
    ssrc ??= Number(id);
    if (cname !== undefined && Number(id) === ssrc) return { ssrc, cname };
  }
  return { ssrc, cname: undefined };
}

/**
 * a=extmap (RFC 8285 §5): `3/sendrecv urn:…`. Of one direction we take only what a sender is to number its packets with.
 * Ids above 14 need the two-byte form, which we do not use. */
function parseExtensions(attributes: readonly SdpAttribute[]): HeaderExtension[] {
  const result: HeaderExtension[] = [];
  for (const value of attributeValues(attributes, 'extmap')) {
    const [, id, direction, uri] = /^(\d{1,5})(?:\/(\w+))? +(\S{1,255})/u.exec(value) ?? [];
    const isTwoWay = direction === undefined || direction === 'sendrecv';
    const isTaken = isTwoWay || (direction === 'sendonly' && uri === TRANSPORT_CC);
    if (id === undefined || uri === undefined || !isTaken) continue;
    if (Number(id) >= 1 && Number(id) <= 14) result.push({ uri, id: Number(id) });
  }
  return result;
}
