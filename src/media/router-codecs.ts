/** The codecs of one Leg as mediasoup wants them: under the Leg's own payload types (decision D10). */
import type { types } from 'mediasoup';
import type { AudioCodec, HeaderExtension, TelephoneEventFormat } from '../sdp/index.ts';

interface NamedFormat {
  readonly mimeType: string;
  readonly clockRate: number;
  readonly channels: number;
}

/**
 * A mediasoup Consumer forwards media codecs only and drops telephone-event without a word. So an event format goes
 * under the name of a media codec that nobody uses, while our SDP says telephone-event. mediasoup never looks into
 * the payload, and the clock rate is only used for jitter statistics.
 */
const eventAliases: ReadonlyMap<number, NamedFormat> = new Map([
  [8000, { mimeType: 'audio/iLBC', clockRate: 8000, channels: 1 }],
  [16_000, { mimeType: 'audio/ISAC', clockRate: 16_000, channels: 1 }],
  [32_000, { mimeType: 'audio/SILK', clockRate: 24_000, channels: 1 }],
  [48_000, { mimeType: 'audio/ISAC', clockRate: 32_000, channels: 1 }],
]);

interface RouterFormat extends NamedFormat {
  readonly payloadType: number;
}

/** What one Leg may send and receive, audio first: mediasoup takes the first codec of a producer for its stream. */
export type RouterFormats = readonly RouterFormat[];

/** Puts audio codecs and telephone-events into one list, each payload type and each format once. */
export function routerFormats(
  codecs: readonly AudioCodec[],
  telephoneEvents: readonly TelephoneEventFormat[],
): RouterFormats {
  const formats: RouterFormat[] = [];
  const add = (format: NamedFormat, payloadType: number): void => {
    const isKnown = formats.some(
      (known) =>
        known.payloadType === payloadType ||
        (known.mimeType === format.mimeType && known.clockRate === format.clockRate),
    );
    if (!isKnown) formats.push({ ...format, payloadType });
  };
  for (const codec of codecs) {
    add({ mimeType: `audio/${codec.name}`, clockRate: codec.clockRate, channels: codec.channels }, codec.payloadType);
  }
  for (const event of telephoneEvents) {
    const alias = eventAliases.get(event.clockRate);
    if (alias !== undefined) add(alias, event.payloadType);
  }
  return formats;
}

/**
 * For `createRouter` and as the capabilities of a consuming transport. No RTCP feedback (audio NACK would only add
 * delay), and no header extensions but those agreed on: the others' ids may mean something else to the peer.
 */
export function rtpCapabilities(
  formats: RouterFormats,
  extensions: readonly HeaderExtension[] = [],
): types.RtpCapabilities & { codecs: types.RtpCodecCapability[] } {
  return {
    codecs: formats.map((format) => ({
      kind: 'audio',
      mimeType: format.mimeType,
      preferredPayloadType: format.payloadType,
      clockRate: format.clockRate,
      channels: format.channels,
      rtcpFeedback: [],
    })),
    headerExtensions: extensions.map(({ uri, id }) => ({
      kind: 'audio',
      uri: uri as types.RtpHeaderExtensionUri,
      preferredId: id,
    })),
  };
}

/** The formats as the list of codecs of a producer. */
export function rtpCodecs(formats: RouterFormats): types.RtpCodecParameters[] {
  return formats.map((format) => ({
    mimeType: format.mimeType,
    payloadType: format.payloadType,
    clockRate: format.clockRate,
    channels: format.channels,
    rtcpFeedback: [],
  }));
}
