/** What ICE, DTLS, RTP and SCTP of the two sides say to each other, as mediasoup and mediasoup-client spell it. */
import * as z from 'zod/mini';

/** Far above what browsers send; a list without an end would be work without an end. */
const few = z.maxLength(64);
const word = z.string().check(z.maxLength(128));
const parameters = z.record(word, z.union([z.string().check(z.maxLength(1024)), z.number(), z.boolean()]));
const payloadType = z.int().check(z.minimum(0), z.maximum(127));
const ssrc = z.int().check(z.minimum(0), z.maximum(0xffff_ffff));

export const mediaKind = z.enum(['audio', 'video']);
const feedback = z.object({ type: word, parameter: z.exactOptional(word) });

const codec = {
  mimeType: z.string().check(z.regex(/^(audio|video)\/[\w.-]{1,40}$/)),
  clockRate: z.int().check(z.minimum(1), z.maximum(384_000)),
  channels: z.exactOptional(z.int().check(z.minimum(1), z.maximum(8))),
  parameters: z.exactOptional(parameters),
  rtcpFeedback: z.exactOptional(z.array(feedback).check(few)),
};

export const rtpCapabilities = z.object({
  codecs: z.exactOptional(
    z.array(z.object({ ...codec, kind: mediaKind, preferredPayloadType: payloadType })).check(few),
  ),
  headerExtensions: z.exactOptional(
    z
      .array(
        z.object({
          kind: mediaKind,
          uri: z.string().check(z.maxLength(256)),
          preferredId: z.int().check(z.minimum(1), z.maximum(255)),
          preferredEncrypt: z.exactOptional(z.boolean()),
          direction: z.exactOptional(z.enum(['sendrecv', 'sendonly', 'recvonly', 'inactive'])),
        }),
      )
      .check(few),
  ),
});
export type RtpCapabilities = z.infer<typeof rtpCapabilities>;

const encoding = z.object({
  ssrc: z.exactOptional(ssrc),
  rid: z.exactOptional(z.string().check(z.maxLength(16))),
  codecPayloadType: z.exactOptional(payloadType),
  rtx: z.exactOptional(z.object({ ssrc })),
  dtx: z.exactOptional(z.boolean()),
  scalabilityMode: z.exactOptional(z.string().check(z.maxLength(16))),
  maxBitrate: z.exactOptional(z.number()),
});

export const rtpParameters = z.object({
  mid: z.exactOptional(z.string().check(z.maxLength(32))),
  codecs: z.array(z.object({ ...codec, payloadType })).check(few),
  headerExtensions: z.exactOptional(
    z
      .array(
        z.object({
          uri: z.string().check(z.maxLength(256)),
          id: z.int().check(z.minimum(1), z.maximum(255)),
          encrypt: z.exactOptional(z.boolean()),
          parameters: z.exactOptional(parameters),
        }),
      )
      .check(few),
  ),
  encodings: z.exactOptional(z.array(encoding).check(z.maxLength(8))),
  rtcp: z.exactOptional(z.object({ cname: z.exactOptional(word), reducedSize: z.exactOptional(z.boolean()) })),
});
export type RtpParameters = z.infer<typeof rtpParameters>;

export const dtlsParameters = z.object({
  role: z.exactOptional(z.enum(['auto', 'client', 'server'])),
  // RFC 8122 §5: SHA-1 and MD5 prove nothing any more.
  fingerprints: z
    .array(
      z.object({
        algorithm: z.enum(['sha-256', 'sha-384', 'sha-512', 'sha-224', 'sha-1']),
        value: z.string().check(z.regex(/^([0-9a-f]{2}:){19,63}[0-9a-f]{2}$/i)),
      }),
    )
    .check(z.minLength(1), z.maxLength(8)),
});
export type DtlsParameters = z.infer<typeof dtlsParameters>;

export const iceParameters = z.object({
  usernameFragment: z.string(),
  password: z.string(),
  iceLite: z.exactOptional(z.boolean()),
});
export type IceParameters = z.infer<typeof iceParameters>;

const iceCandidate = z.object({
  foundation: z.string(),
  priority: z.number(),
  address: z.string(),
  ip: z.string(),
  protocol: z.enum(['udp', 'tcp']),
  port: z.number(),
  type: z.enum(['host', 'srflx', 'prflx', 'relay']),
  tcpType: z.exactOptional(z.literal('passive')),
});

const sctpParameters = z.object({
  port: z.number(),
  OS: z.number(),
  MIS: z.number(),
  maxMessageSize: z.number(),
  maxSendMessageSize: z.exactOptional(z.number()),
  maxReceiveMessageSize: z.exactOptional(z.number()),
  sendBufferSize: z.exactOptional(z.number()),
  perStreamSendQueueLimit: z.exactOptional(z.number()),
  maxReceiverWindowBufferSize: z.exactOptional(z.number()),
  isDataChannel: z.exactOptional(z.boolean()),
});

/** Our side of a transport that was opened. */
export const transportOffer = z.object({
  transportId: z.string(),
  iceParameters,
  iceCandidates: z.array(iceCandidate),
  dtlsParameters,
  sctpParameters: z.exactOptional(sctpParameters),
});
export type TransportOffer = z.infer<typeof transportOffer>;

export const sctpStreamParameters = z.object({
  streamId: z.int().check(z.minimum(0), z.maximum(65_535)),
  ordered: z.exactOptional(z.boolean()),
  maxPacketLifeTime: z.exactOptional(z.int().check(z.minimum(0), z.maximum(65_535))),
  maxRetransmits: z.exactOptional(z.int().check(z.minimum(0), z.maximum(65_535))),
});
export type SctpStreamParameters = z.infer<typeof sctpStreamParameters>;

/** One entry of RTCConfiguration.iceServers. */
export const iceServer = z.object({
  urls: z.array(z.string()),
  username: z.exactOptional(z.string()),
  credential: z.exactOptional(z.string()),
});
export type IceServer = z.infer<typeof iceServer>;
