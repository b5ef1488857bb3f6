import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bumpOrigin,
  createOrigin,
  formatAnswer,
  formatOffer,
  type LocalAudio,
  parseRemoteDescription,
} from '../../src/sdp/index.ts';
import { FINGERPRINT, G722, golden, local, OPUS, PCMA, PCMU, RTP, WEBRTC } from './fixtures.ts';

const lines = (text: string): string[] => text.split('\r\n');
const WIDE_EVENT = { payloadType: 110, clockRate: 48_000 };

describe('offers', () => {
  it('plain RTP', () => {
    expect(lines(formatOffer(local(RTP, { codecs: [PCMU, PCMA], ptimeMs: 30, direction: 'sendonly' })))).toEqual([
      'v=0',
      'o=- 4711 1 IN IP4 192.0.2.10',
      's=-',
      'c=IN IP4 192.0.2.10',
      't=0 0',
      'm=audio 20000 RTP/AVP 0 8 101',
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      'a=ptime:30',
      'a=sendonly',
      '',
    ]);
  });

  it('says a=rtcp only where RTCP is not on the next port', () => {
    expect(formatOffer(local(RTP))).not.toContain('a=rtcp');
    const elsewhere = { kind: 'rtp' as const, rtp: { address: '2001:db8::1', rtpPort: 20_000, rtcpPort: 30_000 } };
    const text = formatOffer(local(elsewhere));
    expect(text).toContain('a=rtcp:30000\r\n');
    expect(text).toContain('c=IN IP6 2001:db8::1\r\n');
  });

  it('WebRTC', () => {
    const offer = local(WEBRTC, { codecs: [OPUS], telephoneEvents: [WIDE_EVENT] });
    expect(lines(formatOffer(offer))).toEqual([
      'v=0',
      'o=- 4711 1 IN IP4 127.0.0.1',
      's=-',
      'c=IN IP4 127.0.0.1',
      't=0 0',
      'a=ice-lite',
      'a=group:BUNDLE 0',
      'm=audio 44400 UDP/TLS/RTP/SAVPF 111 110',
      'a=mid:0',
      'a=ice-ufrag:gatewayufrag',
      'a=ice-pwd:gatewaypasswordgatewaypassword',
      'a=candidate:udpcandidate 1 udp 1076302079 127.0.0.1 44400 typ host',
      'a=candidate:tcpcandidate 1 tcp 1076276479 127.0.0.1 44400 typ host tcptype passive',
      'a=end-of-candidates',
      `a=fingerprint:sha-256 ${FINGERPRINT}`,
      'a=setup:actpass',
      'a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid',
      'a=extmap:5 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
      'a=rtcp-mux',
      'a=msid:viaduct audio',
      'a=rtpmap:111 opus/48000/2',
      'a=fmtp:111 minptime=10',
      'a=rtpmap:110 telephone-event/48000',
      'a=fmtp:110 0-15',
      'a=rtcp-fb:111 transport-cc',
      'a=ptime:20',
      'a=sendrecv',
      '',
    ]);
  });

  it('S56: never nack, and no a=ssrc towards a browser', () => {
    const text = formatOffer(local(WEBRTC, { codecs: [OPUS, G722, PCMU, PCMA] }));
    expect(text).not.toMatch(/nack|a=ssrc/u);
  });

  it('in a running dialog keeps the sections and mids of the peer (RFC 3264 §8)', () => {
    const previous = parseRemoteDescription(golden('chromium-156-video-first'));
    const mLines = lines(formatOffer(local(WEBRTC), previous)).filter((line) => /^(?:m=|a=mid|a=group)/u.test(line));
    expect(mLines[0]).toBe('a=group:BUNDLE 1');
    expect(mLines[1]).toMatch(/^m=video 0 UDP\/TLS\/RTP\/SAVPF \d/u);
    expect(mLines.slice(2)).toEqual(['a=mid:0', 'm=audio 44400 UDP/TLS/RTP/SAVPF 0 101', 'a=mid:1']);
  });
});

describe('answers', () => {
  const answer = (offer: string, ours: LocalAudio): string => formatAnswer(parseRemoteDescription(offer), ours);

  it('mirror every section, all but audio refused, audio alone in the bundle', () => {
    const text = answer(golden('chromium-156-audio-video-data'), local(WEBRTC));
    const structure = lines(text).filter((line) => /^(?:m=|a=mid|a=group)/u.test(line));
    expect(structure.map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual([
      'a=group:BUNDLE 0',
      'm=audio 44400 UDP/TLS/RTP/SAVPF',
      'a=mid:0',
      'm=video 0 UDP/TLS/RTP/SAVPF',
      'a=mid:1',
      'm=application 0 UDP/DTLS/SCTP',
      'a=mid:2',
    ]);
  });

  it.each([
    ['actpass', 'passive'],
    ['active', 'passive'],
    ['passive', 'active'],
  ])('to setup:%s say setup:%s', (offered, answered) => {
    const offer = golden('chromium-156-audio').replace('a=setup:actpass', `a=setup:${offered}`);
    expect(answer(offer, local(WEBRTC))).toContain(`a=setup:${answered}\r\n`);
  });

  it('stay active where the association began with us as the client', () => {
    const transport = { ...WEBRTC, dtls: { ...WEBRTC.dtls, role: 'client' as const } };
    expect(answer(golden('chromium-156-audio'), local(transport))).toContain('a=setup:active\r\n');
  });

  it('keep only header extensions whose uri and id coincide, and transport-cc only with its extension', () => {
    const offer = golden('chromium-156-audio');
    expect(answer(offer, local(WEBRTC))).not.toMatch(/extmap|rtcp-fb/u);
    const coinciding = offer.replace(/a=extmap:3 /u, 'a=extmap:5 ');
    const text = answer(coinciding, local(WEBRTC, { codecs: [OPUS] }));
    expect(lines(text).filter((line) => /extmap|rtcp-fb/u.test(line))).toEqual([
      'a=extmap:5 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
      'a=rtcp-fb:111 transport-cc',
    ]);
  });

  it('have neither mid, bundle nor rtcp-mux when the offer has none', () => {
    expect(answer(golden('baresip-1.0-dtls'), local(WEBRTC))).not.toMatch(/a=mid|a=group|rtcp-mux/u);
    expect(answer(golden('baresip-1.0-plain'), local(RTP))).not.toMatch(/a=mid|a=group|rtcp-mux|a=rtcp/u);
  });

  it('multiplex RTCP towards a plain peer only when both do (RFC 5761 §5.1.1)', () => {
    const muxed = { kind: 'rtp' as const, rtp: { address: '192.0.2.10', rtpPort: 20_000, rtcpPort: 20_000 } };
    const offer = golden('baresip-1.0-plain');
    expect(answer(`${offer}a=rtcp-mux\r\n`, local(muxed))).toContain('a=rtcp-mux\r\n');
    expect(answer(offer, local(muxed))).toContain('a=rtcp:20000\r\n');
  });

  it.each(['RTP/AVP', 'RTP/AVPF'])('mirror the protocol %s', (protocol) => {
    const offer = golden('baresip-1.0-plain').replace('RTP/AVP', protocol);
    expect(answer(offer, local(RTP))).toContain(`m=audio 20000 ${protocol} 0 101\r\n`);
  });

  it('cut the direction to what the offer allows (RFC 3264 §6.1)', () => {
    const held = golden('baresip-1.0-plain').replace('a=sendrecv', 'a=sendonly');
    expect(answer(held, local(RTP))).toContain('a=recvonly\r\n');
  });
});

const localAudio = fc
  .record({
    transport: fc.constantFrom(RTP, WEBRTC),
    codecs: fc.shuffledSubarray([OPUS, G722, PCMU, PCMA], { minLength: 1 }),
    telephoneEvents: fc.subarray([{ payloadType: 101, clockRate: 8_000 }, WIDE_EVENT]),
    ptimeMs: fc.constantFrom(10, 20, 30, 60),
    direction: fc.constantFrom('sendrecv' as const, 'sendonly' as const, 'recvonly' as const, 'inactive' as const),
  })
  .map(({ transport, ...changes }) => local(transport, changes));

describe('properties', () => {
  it('what we offer is read back as it was meant', () => {
    fc.assert(
      fc.property(localAudio, (ours) => {
        const { kind, audio } = parseRemoteDescription(formatOffer(ours));
        expect(kind).toBe(ours.transport.kind);
        expect(audio).toMatchObject({
          codecs: ours.codecs,
          telephoneEvents: ours.telephoneEvents,
          ptimeMs: ours.ptimeMs,
          direction: ours.direction,
        });
        const { transport } = ours;
        const seen =
          transport.kind === 'rtp'
            ? { rtp: transport.rtp }
            : { ice: transport.ice, headerExtensions: transport.headerExtensions };
        expect(audio).toMatchObject(seen);
      }),
      { seed: 3264, numRuns: 200 },
    );
  });

  it('an answer has as many sections as its offer, under the same mids and protocols', () => {
    const offers = ['chromium-156-audio-video-data', 'chromium-156-video-first', 'firefox-128-audio'].map(golden);
    fc.assert(
      fc.property(fc.constantFrom(...offers), localAudio, (offer, ours) => {
        const remote = parseRemoteDescription(offer);
        const answered = parseRemoteDescription(formatAnswer(remote, { ...ours, transport: WEBRTC }));
        const shape = (sections: typeof remote.sections) =>
          sections.map(({ media, protocol, mid }) => ({ media, protocol, mid }));
        expect(shape(answered.sections)).toEqual(shape(remote.sections));
        expect(answered.audioIndex).toBe(remote.audioIndex);
      }),
      { seed: 3264, numRuns: 100 },
    );
  });
});

describe('origin', () => {
  const origin = createOrigin({ hex: () => '', uint32: () => 4_294_967_295, uuid: () => '' });

  it('begins with a 32-bit id and version 1', () => {
    expect(origin).toEqual({ sessionId: '4294967295', version: 1 });
  });

  it('goes up only when the text changes (RFC 3264 §5)', () => {
    const ours = local(RTP, { origin });
    const first = formatOffer(ours);
    expect(bumpOrigin(origin, first, formatOffer(ours))).toBe(origin);
    const held = bumpOrigin(origin, first, formatOffer({ ...ours, direction: 'sendonly' }));
    expect(held).toEqual({ ...origin, version: 2 });
    const heldText = formatOffer({ ...ours, origin: held, direction: 'sendonly' });
    expect(bumpOrigin(held, heldText, formatOffer({ ...ours, direction: 'sendonly' }))).toBe(held);
  });
});
