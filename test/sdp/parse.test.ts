import { describe, expect, it } from 'vitest';
import { CodedError } from '../../src/kernel/index.ts';
import { parseRemoteDescription, resolveDtlsRole } from '../../src/sdp/index.ts';
import { FINGERPRINT, golden } from './fixtures.ts';

/** A plain description with lines to add or replace. */
function plain({
  session = [],
  media = [],
  m = 'm=audio 4000 RTP/AVP 0',
  c = 'c=IN IP4 192.0.2.1',
}: Partial<Parts> = {}) {
  return ['v=0', 'o=- 1 1 IN IP4 192.0.2.1', 's=-', c, 't=0 0', ...session, m, ...media, ''].join('\r\n');
}
interface Parts {
  session: string[];
  media: string[];
  m: string;
  c: string;
}

const ICE = ['a=ice-ufrag:abcd', 'a=ice-pwd:0123456789abcdefghijkl'];
const DTLS = [`a=fingerprint:sha-256 ${FINGERPRINT}`, 'a=setup:actpass'];
const SECURE = 'm=audio 9 UDP/TLS/RTP/SAVPF 0';

function refusal(text: string): { code: string; sip: number | undefined } {
  try {
    parseRemoteDescription(text);
  } catch (error) {
    if (error instanceof CodedError) return { code: error.code, sip: error.sip };
    throw error;
  }
  throw new Error('was not refused');
}

describe('offers of real peers (S11)', () => {
  it('Chromium: codecs and telephone-events in order, ICE, DTLS, extensions', () => {
    const { kind, audio, bundle, audioIndex } = parseRemoteDescription(golden('chromium-156-audio'));
    expect({ kind, bundle, audioIndex }).toEqual({ kind: 'webrtc', bundle: ['0'], audioIndex: 0 });
    expect(audio.codecs.map((codec) => [codec.name, codec.payloadType, codec.fmtp])).toEqual([
      ['opus', 111, 'minptime=10;useinbandfec=1'],
      ['G722', 9, ''],
      ['PCMU', 0, ''],
      ['PCMA', 8, ''],
    ]);
    expect(audio.telephoneEvents).toEqual([
      { payloadType: 110, clockRate: 48_000 },
      { payloadType: 126, clockRate: 8_000 },
    ]);
    expect(audio).toMatchObject({
      mid: '0',
      direction: 'sendrecv',
      rtcpMux: true,
      ice: { usernameFragment: '9ihS', password: 'IJ3O4heU0hcQTyfaCuMI5Z3p' },
      dtls: { role: 'auto', fingerprints: [{ algorithm: 'sha-256' }] },
      ssrc: 993_985_735,
      cname: 'ICQyLMX12IUpAAF0',
    });
    expect(audio.headerExtensions).toContainEqual({ uri: 'urn:ietf:params:rtp-hdrext:sdes:mid', id: 4 });
  });

  it('Chromium before any candidate is gathered (D9)', () => {
    expect(parseRemoteDescription(golden('chromium-156-audio-zero-gather'))).toMatchObject({
      kind: 'webrtc',
      bundle: ['0'],
    });
  });

  it('Chromium with video and data: all sections in order', () => {
    const { sections, audioIndex, bundle } = parseRemoteDescription(golden('chromium-156-audio-video-data'));
    expect(sections.map((section) => [section.media, section.mid])).toEqual([
      ['audio', '0'],
      ['video', '1'],
      ['application', '2'],
    ]);
    expect({ audioIndex, bundle }).toEqual({ audioIndex: 0, bundle: ['0', '1', '2'] });
    expect(sections[2]).toMatchObject({ protocol: 'UDP/DTLS/SCTP', formats: 'webrtc-datachannel' });
  });

  it('Chromium with video first', () => {
    const { audio, audioIndex } = parseRemoteDescription(golden('chromium-156-video-first'));
    expect(audioIndex).toBe(1);
    expect(audio.mid).toBe('1');
    expect(audio.codecs[0]?.name).toBe('opus');
  });

  it('Firefox: session-level fingerprint, its own payload types, no receive-only extension', () => {
    const { audio } = parseRemoteDescription(golden('firefox-128-audio'));
    expect(audio.codecs.map((codec) => codec.payloadType)).toEqual([109, 9, 0, 8]);
    expect(audio.telephoneEvents).toEqual([{ payloadType: 101, clockRate: 8_000 }]);
    expect(audio.dtls?.fingerprints).toHaveLength(1);
    expect(audio.headerExtensions.map((extension) => extension.id)).toEqual([1, 3]);
  });

  it('baresip: plain RTP', () => {
    const { kind, audio, bundle } = parseRemoteDescription(golden('baresip-1.0-plain'));
    expect({ kind, bundle }).toEqual({ kind: 'rtp', bundle: [] });
    expect(audio.codecs.map((codec) => [codec.name, codec.payloadType])).toEqual([
      ['opus', 96],
      ['PCMU', 0],
      ['PCMA', 8],
    ]);
    expect(audio).toMatchObject({
      mid: '',
      rtp: { address: '127.0.0.1', rtpPort: 40_714, rtcpPort: 40_715 },
      ssrc: 618_952_726,
      cname: 'sip:me@127.0.0.1',
      ice: undefined,
      dtls: undefined,
    });
  });

  it('baresip with ICE and DTLS at session level, without mid and bundle', () => {
    const { kind, audio, bundle } = parseRemoteDescription(golden('baresip-1.0-dtls'));
    expect({ kind, bundle }).toEqual({ kind: 'webrtc', bundle: [] });
    expect(audio).toMatchObject({
      mid: '',
      ice: { usernameFragment: 'Gb6tvOV' },
      dtls: { role: 'auto' },
      rtcpMux: false,
    });
  });

  it('SIPp', () => {
    const { audio } = parseRemoteDescription(golden('sipp-3.6-uac'));
    expect(audio.codecs).toEqual([{ name: 'PCMU', payloadType: 0, clockRate: 8_000, channels: 1, fmtp: '' }]);
    expect(audio.telephoneEvents).toEqual([]);
  });
});

describe('formats', () => {
  const formats = (m: string, media: string[]) => parseRemoteDescription(plain({ m, media })).audio;

  it('knows the static payload types without rtpmap (RFC 3551 §6)', () => {
    expect(formats('m=audio 4000 RTP/AVP 9 8 0 18 3', []).codecs.map((codec) => codec.name)).toEqual([
      'G722',
      'PCMA',
      'PCMU',
    ]);
  });

  it('believes the rtpmap of a static payload type', () => {
    expect(formats('m=audio 4000 RTP/AVP 0', ['a=rtpmap:0 G726-32/8000']).codecs).toEqual([]);
  });

  it.each([
    ['PcMu/8000', 'PCMU', 8_000],
    ['G722/16000', 'G722', 8_000],
    ['G722/8000/1', 'G722', 8_000],
    ['OPUS/48000/2', 'opus', 48_000],
    ['opus/48000', 'opus', 48_000],
  ])('takes %s', (rtpmap, name, clockRate) => {
    expect(formats('m=audio 4000 RTP/AVP 100', [`a=rtpmap:100 ${rtpmap}`]).codecs).toMatchObject([{ name, clockRate }]);
  });

  it('keeps the first of a codec listed twice', () => {
    const { codecs } = formats('m=audio 4000 RTP/AVP 100 0', ['a=rtpmap:100 PCMU/8000']);
    expect(codecs.map((codec) => codec.payloadType)).toEqual([100]);
  });

  it('passes over absurd payload types, fmtp and rtpmap', () => {
    const media = [
      'a=rtpmap:100',
      'a=rtpmap:x y/z',
      'a=rtpmap:101 opus/99999999999',
      `a=fmtp:0 ${'x'.repeat(5_000)}`,
      'a=fmtp:',
    ];
    const { codecs } = formats('m=audio 4000 RTP/AVP 0 128 999 99999999999 -1 abc 72 100 101', media);
    expect(codecs).toMatchObject([{ name: 'PCMU', fmtp: '' }]);
  });

  it.each([
    ['30', 30],
    ['20.0', 20],
    ['0', 20],
    ['-20', 20],
    ['4294967296', 20],
    ['1e9', 20],
    ['soon', 20],
    ['', 20],
  ])('a=ptime:%s gives %i ms (T4, CVE-2026-41416)', (text, ptimeMs) => {
    expect(formats('m=audio 4000 RTP/AVP 0', [`a=ptime:${text}`]).ptimeMs).toBe(ptimeMs);
  });
});

describe('address and direction', () => {
  it('takes c= of the media section before that of the session, and a=rtcp', () => {
    const { audio } = parseRemoteDescription(
      plain({ media: ['c=IN IP4 192.0.2.77/127', 'a=rtcp:4711 IN IP4 192.0.2.77'] }),
    );
    expect(audio.rtp).toEqual({ address: '192.0.2.77', rtpPort: 4000, rtcpPort: 4711 });
  });

  it('takes IPv6', () => {
    expect(parseRemoteDescription(plain({ c: 'c=IN IP6 2001:db8::1' })).audio.rtp.address).toBe('2001:db8::1');
  });

  it.each([
    ['sendrecv', 'sendonly'],
    ['sendonly', 'sendonly'],
    ['recvonly', 'inactive'],
    ['inactive', 'inactive'],
  ])('0.0.0.0 with a=%s is %s (RFC 3264 §8.4)', (direction, seen) => {
    const text = plain({ c: 'c=IN IP4 0.0.0.0', media: [`a=${direction}`] });
    expect(parseRemoteDescription(text).audio.direction).toBe(seen);
  });

  it('takes the direction of the session, and rather that of the section', () => {
    expect(parseRemoteDescription(plain({ session: ['a=recvonly'] })).audio.direction).toBe('recvonly');
    expect(parseRemoteDescription(plain({ session: ['a=recvonly'], media: ['a=sendonly'] })).audio.direction).toBe(
      'sendonly',
    );
  });

  it('keeps the RTCP port a port at the end of the range', () => {
    expect(parseRemoteDescription(plain({ m: 'm=audio 65535 RTP/AVP 0' })).audio.rtp.rtcpPort).toBe(65_535);
  });

  it('takes a bundle-only audio section with port 0, and the transport of its bundle (RFC 9143)', () => {
    const text = plain({
      session: ['a=group:BUNDLE v a'],
      m: 'm=video 9 UDP/TLS/RTP/SAVPF 96',
      media: ['a=mid:v', ...ICE, ...DTLS, 'm=audio 0 UDP/TLS/RTP/SAVPF 0', 'a=mid:a', 'a=bundle-only'],
    });
    expect(parseRemoteDescription(text)).toMatchObject({
      kind: 'webrtc',
      audioIndex: 1,
      audio: { ice: { usernameFragment: 'abcd' } },
    });
  });
});

describe('DTLS', () => {
  const role = (setup: string[]) =>
    parseRemoteDescription(plain({ m: SECURE, media: [...ICE, DTLS[0] ?? '', ...setup] })).audio.dtls?.role;

  it('reads a=setup; without it the peer is active (RFC 4145 §4)', () => {
    expect(['active', 'passive', 'actpass'].map((each) => role([`a=setup:${each}`]))).toEqual([
      'client',
      'server',
      'auto',
    ]);
    expect(role([])).toBe('client');
  });

  it('leaves the client part to a peer that leaves us the choice', () => {
    expect(resolveDtlsRole({ role: 'auto', fingerprints: [] }).role).toBe('client');
    expect(resolveDtlsRole({ role: 'server', fingerprints: [] }).role).toBe('server');
  });

  it('keeps strong fingerprints only, in upper case', () => {
    const media = [...ICE, 'a=fingerprint:sha-1 00:11', `a=fingerprint:SHA-256 ${FINGERPRINT.toLowerCase()}`];
    expect(parseRemoteDescription(plain({ m: SECURE, media })).audio.dtls?.fingerprints).toEqual([
      { algorithm: 'sha-256', value: FINGERPRINT },
    ]);
  });
});

describe('refusals', () => {
  it.each([
    ['nothing', '', 'SDP_MALFORMED', 400],
    ['text', 'hello', 'SDP_MALFORMED', 400],
    ['a line that is no line', plain({ media: ['hello'] }), 'SDP_MALFORMED', 400],
    ['a NUL', plain({ media: ['a=x:\0'] }), 'SDP_MALFORMED', 400],
    ['port 65536', plain({ m: 'm=audio 65536 RTP/AVP 0' }), 'SDP_MALFORMED', 400],
    ['a negative port', plain({ m: 'm=audio -1 RTP/AVP 0' }), 'SDP_MALFORMED', 400],
    ['no formats', plain({ m: 'm=audio 4000 RTP/AVP' }), 'SDP_MALFORMED', 400],
    ['no c=', plain({ c: 'b=AS:64' }), 'SDP_MALFORMED', 400],
    ['half a c=', plain({ c: 'c=IN' }), 'SDP_MALFORMED', 400],
    [
      'a broken fingerprint',
      plain({ m: SECURE, media: [...ICE, 'a=fingerprint:sha-256 00:11'] }),
      'SDP_MALFORMED',
      400,
    ],
    [
      'a short ICE password',
      plain({ m: SECURE, media: [...DTLS, 'a=ice-ufrag:abcd', 'a=ice-pwd:x'] }),
      'SDP_MALFORMED',
      400,
    ],
    ['1 MB', plain({ media: ['a=x:'.padEnd(1_000_000, 'x')] }), 'SDP_TOO_LARGE', 413],
    ['200 sections', plain({ media: Array<string>(200).fill('m=audio 4000 RTP/AVP 0') }), 'SDP_TOO_LARGE', 413],
    ['10000 lines', plain({ media: Array<string>(10_000).fill('a=x') }), 'SDP_TOO_LARGE', 413],
    ['500 formats', plain({ m: `m=audio 4000 RTP/AVP${' 0'.repeat(500)}` }), 'SDP_TOO_LARGE', 413],
    ['no media', plain({ m: 'b=AS:64' }), 'SDP_NO_AUDIO', 488],
    ['video alone', plain({ m: 'm=video 4000 RTP/AVP 96' }), 'SDP_NO_AUDIO', 488],
    ['audio refused with port 0', plain({ m: 'm=audio 0 RTP/AVP 0' }), 'SDP_NO_AUDIO', 488],
    ['S06: no fingerprint', plain({ m: SECURE, media: ICE }), 'SDP_NO_FINGERPRINT', 488],
    ['S07: SHA-1 alone', plain({ m: SECURE, media: [...ICE, 'a=fingerprint:sha-1 00:11'] }), 'SDP_NO_FINGERPRINT', 488],
    ['DTLS without ICE', plain({ m: SECURE, media: DTLS }), 'SDP_NO_ICE', 488],
    ['RTP/SAVP without keys', plain({ m: 'm=audio 4000 RTP/SAVP 0' }), 'SDP_NO_CRYPTO', 488],
    [
      'SDES of a suite unknown here',
      golden('baresip-1.0-sdes').replaceAll(/AES_CM_128_HMAC_SHA1_\d+|AEAD_AES_\d+_GCM/gu, 'F8_128_HMAC_SHA1_80'),
      'SDP_NO_CRYPTO',
      488,
    ],
    ['another protocol', plain({ m: 'm=audio 4000 TCP/MRCPv2 1' }), 'SDP_PROTOCOL', 488],
    ['a host name', plain({ c: 'c=IN IP4 media.example.com' }), 'SDP_ADDRESS', 488],
    ['multicast', plain({ c: 'c=IN IP4 224.2.1.1/127' }), 'SDP_ADDRESS', 488],
    ['multicast of IPv6', plain({ c: 'c=IN IP6 ff02::1' }), 'SDP_ADDRESS', 488],
    ['an address out of range', plain({ c: 'c=IN IP4 1.2.3.400' }), 'SDP_ADDRESS', 488],
  ])('%s', (_what, text, code, sip) => {
    expect(refusal(text)).toEqual({ code, sip });
  });

  it('an offer of a real browser whose fingerprint was cut out (S06)', () => {
    const text = golden('chromium-156-audio').replaceAll(/a=fingerprint:.*\r\n/gu, '');
    expect(refusal(text)).toEqual({ code: 'SDP_NO_FINGERPRINT', sip: 488 });
  });

  it('no description without a codec we know: that is for the planner', () => {
    expect(parseRemoteDescription(plain({ m: 'm=audio 4000 RTP/AVP 18' })).audio.codecs).toEqual([]);
  });

  it('accepts bare LF line ends', () => {
    expect(parseRemoteDescription(plain().replaceAll('\r\n', '\n')).kind).toBe('rtp');
  });
});
