import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { routerFormats, rtpCapabilities, rtpCodecs } from '../../src/media/router-codecs.ts';
import type { AudioCodec } from '../../src/sdp/index.ts';

const codec = (name: AudioCodec['name'], payloadType: number): AudioCodec => ({
  name,
  payloadType,
  clockRate: name === 'opus' ? 48_000 : 8000,
  channels: name === 'opus' ? 2 : 1,
  fmtp: '',
});

describe('routerFormats', () => {
  it('keeps the payload types of the Leg and puts audio first', () => {
    const formats = routerFormats([codec('opus', 109), codec('PCMU', 0)], [{ payloadType: 101, clockRate: 8000 }]);
    expect(formats.map(({ mimeType, payloadType }) => [mimeType, payloadType])).toEqual([
      ['audio/opus', 109],
      ['audio/PCMU', 0],
      ['audio/iLBC', 101],
    ]);
  });

  it('gives every clock rate of telephone-event a name of its own', () => {
    const events = [8000, 16_000, 32_000, 48_000].map((clockRate, index) => ({ payloadType: 100 + index, clockRate }));
    const formats = routerFormats([codec('PCMA', 8)], events).slice(1);
    expect(new Set(formats.map(({ mimeType, clockRate }) => `${mimeType}/${clockRate}`)).size).toBe(4);
  });

  it('has no payload type and no format twice, whatever is offered', () => {
    const audio = fc.constantFrom<AudioCodec['name']>('opus', 'PCMU', 'PCMA', 'G722');
    const codecs = fc.array(fc.tuple(audio, fc.nat(127)).map(([name, type]) => codec(name, type)));
    const events = fc.array(
      fc.record({ payloadType: fc.nat(127), clockRate: fc.constantFrom(8000, 16_000, 24_000, 48_000) }),
    );
    fc.assert(
      fc.property(codecs, events, (someCodecs, someEvents) => {
        const formats = routerFormats(someCodecs, someEvents);
        expect(new Set(formats.map(({ payloadType }) => payloadType)).size).toBe(formats.length);
        expect(new Set(formats.map(({ mimeType, clockRate }) => `${mimeType}/${clockRate}`)).size).toBe(formats.length);
      }),
    );
  });

  it('asks for no feedback and no header extension', () => {
    const formats = routerFormats([codec('opus', 111)], []);
    expect(rtpCapabilities(formats)).toMatchObject({ codecs: [{ rtcpFeedback: [] }], headerExtensions: [] });
    expect(rtpCodecs(formats)).toMatchObject([{ payloadType: 111, rtcpFeedback: [] }]);
  });
});
