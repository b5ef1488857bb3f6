import { describe, expect, it } from 'vitest';
import {
  formatAnswer,
  formatOffer,
  type LocalVideo,
  parameterSetsIn,
  parseRemoteDescription,
  planSameVideo,
  planVideoAnswer,
  planVideoOffer,
  type RemoteDescription,
  type VideoCodec,
} from '../../src/sdp/index.ts';
import { golden, local, OPUS, RTP, WEBRTC } from './fixtures.ts';

const ALL = ['H264', 'VP8'] as const;
const RTP_VIDEO = { address: '192.0.2.10', rtpPort: 20_002, rtcpPort: 20_003 };
const H264: VideoCodec = {
  name: 'H264',
  payloadType: 97,
  clockRate: 90_000,
  fmtp: 'packetization-mode=0;profile-level-id=42801f',
  feedback: ['nack pli'],
};

/** A SIP phone with a camera. */
function phone(
  options: { protocol?: string; port?: number; fmtp?: string; more?: readonly string[]; payloadType?: number } = {},
): string {
  const { protocol = 'RTP/AVP', port = 4002, fmtp = H264.fmtp, more = [], payloadType = 97 } = options;
  return [
    'v=0',
    'o=- 1 1 IN IP4 192.0.2.1',
    's=-',
    'c=IN IP4 192.0.2.1',
    't=0 0',
    'm=audio 4000 RTP/AVP 0',
    `m=video ${port} ${protocol} ${payloadType}`,
    `a=rtpmap:${payloadType} H264/90000`,
    `a=fmtp:${payloadType} ${fmtp}`,
    ...more,
    '',
  ].join('\r\n');
}

const heard = (text: string): RemoteDescription => parseRemoteDescription(text);
const browser = heard(golden('chromium-156-audio-video-data'));
const videoOf = (codecs: readonly VideoCodec[], isRtp = false): LocalVideo => ({
  codecs,
  direction: 'sendrecv',
  rtp: isRtp ? RTP_VIDEO : undefined,
});
const sectionsOf = (text: string): string[] => text.split('\r\n').filter((line) => line.startsWith('m='));

describe('a video section', () => {
  it('of a browser is read with its codecs, feedback and source', () => {
    const { video, videoIndex, sections } = browser;
    expect(sections[videoIndex]?.media).toBe('video');
    expect(new Set(video?.codecs.map(({ name }) => name))).toEqual(new Set(['H264', 'VP8']));
    expect(video?.codecs[0]?.feedback).toEqual(['nack', 'nack pli', 'ccm fir', 'transport-cc']);
    expect(video?.ssrc).toBeGreaterThan(0);
    expect(video?.mid).toBe('1');
  });

  it.each(['RTP/AVP', 'RTP/AVPF'])('S-video: of a phone is taken under %s, with the feedback it names', (protocol) => {
    const { video } = heard(phone({ protocol, more: ['a=rtcp-fb:* nack pli', 'a=rtcp-fb:97 CCM  FIR', 'a=sendonly'] }));
    expect(video).toMatchObject({
      rtp: { address: '192.0.2.1', rtpPort: 4002, rtcpPort: 4003 },
      direction: 'sendonly',
      codecs: [{ name: 'H264', payloadType: 97, feedback: ['nack pli', 'ccm fir'] }],
    });
  });

  it.each([
    ['is refused with port 0', phone({ port: 0 })],
    ['has a protocol we do not know', phone({ protocol: 'RTP/XYZ' })],
    ['is SRTP without keys', phone({ protocol: 'RTP/SAVP' })],
    ['is of another kind than the audio', phone({ protocol: 'UDP/TLS/RTP/SAVPF' })],
    ['has an impossible address', phone({ more: ['c=IN IP4 239.1.1.1'] })],
  ])('that %s leaves the audio alone', (_, text) => {
    const remote = heard(text);
    expect(remote.video).toBeUndefined();
    expect(remote.audio.codecs).toHaveLength(1);
    expect(sectionsOf(formatAnswer(remote, local(RTP, { video: videoOf([H264], true) })))[1]).toMatch(/^m=video 0 /u);
  });

  it.each(['RTP/AVP', 'RTP/AVPF', 'RTP/SAVP', 'RTP/SAVPF'])(
    'with a=crypto under %s has keys of its own',
    (protocol) => {
      const crypto = 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj';
      const offer = heard(phone({ protocol, more: [crypto] }));
      expect(offer.video?.srtp).toMatchObject({ isRequired: protocol.includes('SAVP'), cryptos: [{ tag: 1 }] });
      const [, video = ''] = formatAnswer(
        offer,
        local(RTP, { video: { ...videoOf([H264], true), srtp: offer.video?.srtp } }),
      ).split('m=video ');
      expect(video).toMatch(new RegExp(`^20002 ${protocol} 97`, 'u'));
      expect(video).toContain(crypto.slice(0, -4));
    },
  );

  it('outside of the BUNDLE group of the audio is not taken: a Leg has one transport', () => {
    const text = golden('chromium-156-audio-video-data').replace(/a=group:BUNDLE.*/u, 'a=group:BUNDLE 0');
    expect(heard(text).video).toBeUndefined();
  });
});

describe('the plan', () => {
  it('to a phone has one configuration for each packetization mode: some send another than they have answered', () => {
    const h264 = planVideoOffer({ inbound: browser.video, allowed: ALL, kind: 'rtp', taken: [] }).filter(
      ({ name }) => name === 'H264',
    );
    expect(h264.map(({ fmtp }) => fmtp.match(/packetization-mode=\d|profile-level-id=\w{4}/gu)?.join())).toEqual([
      'packetization-mode=1,profile-level-id=42e0',
      'packetization-mode=0,profile-level-id=42e0',
    ]);
  });

  it('answered inactive is none, as a browser refuses it', () => {
    const inactive = { kind: 'rtp' as const, video: heard(phone({ more: ['a=inactive'] })).video };
    expect(planVideoAnswer({ inbound: heard(phone()), outbound: inactive, allowed: ALL })).toBeUndefined();
  });

  it('offers a phone what a browser has, H.264 first, and answers with the level that the phone can take', () => {
    const codecs = planVideoOffer({ inbound: browser.video, allowed: ALL, kind: 'rtp', taken: [] });
    expect(codecs[0]).toMatchObject({ name: 'H264', feedback: ['nack pli', 'ccm fir'] });
    expect(codecs.length).toBeLessThanOrEqual(5);
    const answer = heard(phone({ fmtp: 'packetization-mode=1;profile-level-id=42c014;level-asymmetry-allowed=1' }));
    const plan = planVideoAnswer({ inbound: browser, outbound: answer, allowed: ALL });
    expect(plan?.outbound.codec).toMatchObject({ payloadType: 97, feedback: [] });
    expect(plan?.inbound.codec.fmtp).toMatch(/packetization-mode=1;profile-level-id=42e014/u);
    const offered = browser.video?.codecs.find(({ payloadType }) => payloadType === plan?.inbound.codec.payloadType);
    expect(offered?.fmtp).toContain('42e01f');
  });

  it('tells either party the level and the parameter sets of the other one', () => {
    const sets = 'sprop-parameter-sets=Z0LgH9oC,aM4x';
    const offer = heard(phone({ fmtp: `packetization-mode=1;profile-level-id=42e01f;${sets}` }));
    const answer = heard(phone({ fmtp: 'packetization-mode=1;profile-level-id=42e00d;max-mbps=7', payloadType: 99 }));
    const plan = planVideoAnswer({ inbound: offer, outbound: answer, allowed: ALL });
    expect(plan?.inbound.codec).toMatchObject({ payloadType: 97, fmtp: expect.stringContaining('max-mbps=7') });
    expect(plan?.inbound.codec.fmtp).not.toContain('sprop');
    expect(plan?.outbound.codec).toMatchObject({ payloadType: 99, fmtp: expect.stringContaining(sets) });
    expect(parameterSetsIn(plan?.outbound.codec.fmtp ?? '').map((set) => Buffer.from(set).toString('base64'))).toEqual([
      'Z0LgH9oC',
      'aM4x',
    ]);
    expect(parameterSetsIn('sprop-parameter-sets=?,Zg==,Z0LgHw==,')).toHaveLength(1);
  });

  it('gives a browser payload types that its audio does not use', () => {
    const { video } = heard(phone({ payloadType: 111 }));
    const [codec] = planVideoOffer({ inbound: video, allowed: ALL, kind: 'webrtc', taken: [111, 127] });
    expect(codec?.payloadType).toBe(126);
  });

  it('is audio alone without a common codec, profile or packetization mode, and when a profile allows none', () => {
    const interleaved = heard(phone({ fmtp: 'packetization-mode=2;profile-level-id=42801f' }));
    expect(planVideoOffer({ inbound: interleaved.video, allowed: ALL, kind: 'webrtc', taken: [] })).toEqual([]);
    expect(planVideoAnswer({ inbound: browser, outbound: interleaved, allowed: ALL })).toBeUndefined();
    const plain = heard(phone());
    expect(planVideoAnswer({ inbound: browser, outbound: plain, allowed: ['VP8'] })).toBeUndefined();
    expect(planVideoAnswer({ inbound: browser, outbound: plain, allowed: ALL })).toBeDefined();
  });

  it('follows a party to another payload type, but not to another configuration', () => {
    const inUse = { codec: H264 };
    expect(planSameVideo(heard(phone({ payloadType: 120 })).video, inUse)?.codec.payloadType).toBe(120);
    const other = heard(phone({ fmtp: 'packetization-mode=1;profile-level-id=42801f' }));
    expect(planSameVideo(other.video, inUse)).toBeUndefined();
  });
});

describe('our text', () => {
  it('answers a browser: both sections in one BUNDLE group, its id for transport-cc, to be sent to us only', () => {
    const codec = { ...H264, payloadType: 108, feedback: ['nack', 'nack pli', 'ccm fir', 'transport-cc'] } as const;
    const text = formatAnswer(browser, local(WEBRTC, { codecs: [OPUS], video: videoOf([codec]) }));
    expect(text).toContain('a=group:BUNDLE 0 1\r\n');
    expect(sectionsOf(text)).toEqual([
      'm=audio 44400 UDP/TLS/RTP/SAVPF 111 101',
      'm=video 44400 UDP/TLS/RTP/SAVPF 108',
      expect.stringMatching(/^m=application 0 /u),
    ]);
    const video = text.slice(text.indexOf('m=video'));
    const id = browser.video?.headerExtensions.find(({ uri }) => uri.includes('transport-wide-cc'))?.id;
    expect(video).toContain(`a=extmap:${id}/recvonly http://www.ietf.org/id/draft-holmer`);
    for (const line of [
      'a=rtcp-fb:108 nack',
      'a=rtcp-fb:108 nack pli',
      'a=rtcp-fb:108 ccm fir',
      'a=msid:viaduct video',
    ])
      expect(video).toContain(`${line}\r\n`);
    expect(heard(text).video?.headerExtensions).toEqual([]);
  });

  it('S56: has no nack for the audio beside a video', () => {
    const text = formatOffer(local(WEBRTC, { codecs: [OPUS], video: videoOf([{ ...H264, feedback: ['nack'] }]) }));
    expect(text.slice(0, text.indexOf('m=video'))).not.toContain('nack');
    expect(text).toContain('a=group:BUNDLE 0 1\r\n');
    expect(text).toMatch(/m=video 44400 UDP\/TLS\/RTP\/SAVPF 97\r\na=mid:1\r\n/u);
  });

  it('answers a phone under its own protocol', () => {
    const offer = heard(phone({ protocol: 'RTP/AVPF' }));
    const text = formatAnswer(offer, local(RTP, { video: videoOf([H264], true) }));
    expect(sectionsOf(text)).toEqual(['m=audio 20000 RTP/AVP 0 101', 'm=video 20002 RTP/AVPF 97']);
    expect(text).toContain('a=fmtp:97 packetization-mode=0;profile-level-id=42801f\r\na=rtcp-fb:97 nack pli\r\n');
  });

  it('keeps the place of a section that comes, goes, and comes again', () => {
    const withVideo = heard(phone());
    const offer = formatOffer(local(RTP, { video: videoOf([H264], true) }), withVideo);
    expect(sectionsOf(offer)).toEqual(['m=audio 20000 RTP/AVP 0 101', 'm=video 20002 RTP/AVP 97']);
    expect(sectionsOf(formatOffer(local(RTP), withVideo))).toEqual([
      'm=audio 20000 RTP/AVP 0 101',
      'm=video 0 RTP/AVP 97',
    ]);
    const audioOnly = heard(phone().replace(/m=video[\s\S]*/u, ''));
    expect(sectionsOf(formatOffer(local(RTP, { video: videoOf([H264], true) }), audioOnly))).toHaveLength(2);
    const refused = heard(phone({ port: 0 }));
    expect(sectionsOf(formatOffer(local(RTP, { video: videoOf([H264], true) }), refused))).toHaveLength(2);
  });

  it('gives a section of a browser that was refused another mid, in its place', () => {
    const video = { ...videoOf([H264]), isNew: true };
    const text = formatOffer(local(WEBRTC, { codecs: [OPUS], video }), browser);
    expect(text).toContain('a=group:BUNDLE 0 3\r\n');
    expect(sectionsOf(text).map((line) => line.split(' ')[0])).toEqual(['m=audio', 'm=video', 'm=application']);
  });
});
