/** The video codecs of one section with their feedback: a=rtpmap, a=fmtp, a=rtcp-fb (RFC 4585 §4.2). */
import { attributeValues, type SdpSection } from './lines.ts';
import type { VideoCodec, VideoCodecName, VideoFeedback } from './model.ts';
import { fmtpsOf, parsePayloadType, payloadTypesOf, rtpmapsOf } from './parse-formats.ts';

/** Chromium lists seven configurations of H.264. */
const MAX_CODECS = 16;
const NAMES: readonly VideoCodecName[] = ['H264', 'VP8'];
const FEEDBACK: readonly VideoFeedback[] = ['nack', 'nack pli', 'ccm fir', 'transport-cc'];

/** What we understand of the formats of the section, in its order of preference. */
export function parseVideoFormats(section: SdpSection): readonly VideoCodec[] {
  const rtpmaps = rtpmapsOf(section);
  const fmtps = fmtpsOf(section);
  const feedback = feedbackOf(section);
  const codecs: VideoCodec[] = [];
  for (const payloadType of payloadTypesOf(section)) {
    const rtpmap = rtpmaps.get(payloadType);
    const name = NAMES.find((each) => each.toLowerCase() === rtpmap?.encoding.toLowerCase());
    if (name === undefined || rtpmap?.clockRate !== 90_000) continue;
    codecs.push({
      name,
      payloadType,
      clockRate: 90_000,
      fmtp: fmtps.get(payloadType) ?? '',
      feedback: FEEDBACK.filter((each) => feedback.has(`* ${each}`) || feedback.has(`${payloadType} ${each}`)),
    });
  }
  return codecs.slice(0, MAX_CODECS);
}

/** `<payload type or *> <feedback>`, letter case and spaces made one. RFC 4585 wants AVPF for it; phones write it under AVP as well. */
function feedbackOf(section: SdpSection): Set<string> {
  const result = new Set<string>();
  for (const value of attributeValues(section.attributes, 'rtcp-fb')) {
    const [target = '', ...words] = value.toLowerCase().split(/ +/u);
    const payloadType = parsePayloadType(target);
    if (target === '*' || payloadType !== undefined) result.add(`${payloadType ?? '*'} ${words.join(' ')}`);
  }
  return result;
}
