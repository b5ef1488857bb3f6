import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AudioCodecName,
  answerDirection,
  noCommonCodecWarning,
  parseRemoteDescription,
  planAnswer,
  planBuiltIn,
  planOffer,
  planOffererAnswer,
  sdpErrors,
  warningFor,
} from '../../src/sdp/index.ts';
import { G722, golden, OPUS, PCMA, PCMU, remoteAudio } from './fixtures.ts';

const ALL: readonly AudioCodecName[] = ['opus', 'G722', 'PCMU', 'PCMA'];
const NARROW = { payloadType: 101, clockRate: 8_000 };
const WIDE = { payloadType: 110, clockRate: 48_000 };
const chromium = parseRemoteDescription(golden('chromium-156-audio')).audio;
const firefox = parseRemoteDescription(golden('firefox-128-audio')).audio;
const baresip = parseRemoteDescription(golden('baresip-1.0-plain')).audio;

describe('planOffer', () => {
  it('offers a phone what the browser has, under the payload types of the browser', () => {
    const plan = planOffer({ inbound: chromium, allowed: ALL, kind: 'rtp' });
    expect(plan?.codecs.map((codec) => codec.payloadType)).toEqual([111, 9, 0, 8]);
    expect(plan?.telephoneEvents).toEqual([
      { payloadType: 126, clockRate: 8_000 },
      { payloadType: 110, clockRate: 48_000 },
    ]);
    expect(plan?.ptimeMs).toBe(20);
    expect(plan?.reason).toContain('opus, G722, PCMU, PCMA');
  });

  it('offers a phone telephone-event/48000 only when the first party has it', () => {
    expect(planOffer({ inbound: firefox, allowed: ALL, kind: 'rtp' })?.telephoneEvents).toEqual([NARROW]);
  });

  it('offers a browser one telephone-event for each clock rate of the codecs', () => {
    const toBrowser = (codecs: typeof baresip.codecs) =>
      planOffer({ inbound: remoteAudio({ codecs, telephoneEvents: [NARROW] }), allowed: ALL, kind: 'webrtc' });
    expect(toBrowser([OPUS, PCMU])?.telephoneEvents).toEqual([NARROW, WIDE]);
    expect(toBrowser([OPUS])?.telephoneEvents).toEqual([WIDE]);
    expect(toBrowser([PCMU])?.telephoneEvents).toEqual([NARROW]);
  });

  it('cuts to what is allowed, and is nothing when nothing remains', () => {
    expect(planOffer({ inbound: chromium, allowed: ['PCMA'], kind: 'rtp' })?.codecs).toEqual([PCMA]);
    expect(planOffer({ inbound: baresip, allowed: ['G722'], kind: 'rtp' })).toBeUndefined();
  });

  it('finds free payload types for the events', () => {
    const inbound = remoteAudio({
      codecs: [
        { ...OPUS, payloadType: 101 },
        { ...PCMU, payloadType: 110 },
      ],
    });
    const plan = planOffer({ inbound, allowed: ALL, kind: 'webrtc' });
    const used = [...(plan?.codecs ?? []), ...(plan?.telephoneEvents ?? [])].map((each) => each.payloadType);
    expect(new Set(used).size).toBe(4);
  });

  it('delayed offer: G.711 first, Opus first when asked, all free of collisions', () => {
    const names = (preferNarrowband?: boolean) => {
      const plan = planOffer({
        inbound: undefined,
        allowed: ALL,
        kind: 'webrtc',
        ...(preferNarrowband === undefined ? {} : { preferNarrowband }),
      });
      return plan?.codecs.map((codec) => codec.name);
    };
    expect(names()).toEqual(['PCMU', 'PCMA', 'G722', 'opus']);
    expect(names(false)).toEqual(['opus', 'G722', 'PCMU', 'PCMA']);
    const plan = planOffer({ inbound: undefined, allowed: ALL, kind: 'rtp' });
    expect(plan?.codecs.map((codec) => codec.payloadType)).toEqual([0, 8, 9, 111]);
    expect(plan?.telephoneEvents).toEqual([NARROW]);
  });

  it('keeps the packet time of the first party', () => {
    const inbound = remoteAudio({ codecs: [PCMU], ptimeMs: 30 });
    expect(planOffer({ inbound, allowed: ALL, kind: 'rtp' })?.ptimeMs).toBe(30);
  });
});

describe('planAnswer', () => {
  it('browser → phone with Opus: /48000 alone back to the browser, payload types of each Leg', () => {
    const outbound = remoteAudio({
      codecs: [{ ...OPUS, payloadType: 96, fmtp: 'stereo=1' }],
      telephoneEvents: [NARROW],
      ptimeMs: 40,
    });
    const plan = planAnswer({ inbound: chromium, outbound, allowed: ALL });
    expect(plan?.inbound).toEqual({
      codec: { ...OPUS, payloadType: 111, fmtp: 'stereo=1' },
      telephoneEvents: [{ payloadType: 110, clockRate: 48_000 }],
      ptimeMs: 40,
    });
    expect(plan?.outbound).toEqual({ codec: outbound.codecs[0], telephoneEvents: [NARROW], ptimeMs: 40 });
    expect(plan?.reason).toContain('opus');
  });

  it('browser → phone with G.711: /8000 alone back to the browser', () => {
    const outbound = remoteAudio({ codecs: [PCMU], telephoneEvents: [NARROW] });
    const plan = planAnswer({ inbound: chromium, outbound, allowed: ALL });
    expect(plan?.inbound.codec.name).toBe('PCMU');
    expect(plan?.inbound.telephoneEvents).toEqual([{ payloadType: 126, clockRate: 8_000 }]);
  });

  it('phone → browser: everything the browser answered, the codec’s own rate first', () => {
    const inbound = remoteAudio({ codecs: [OPUS, PCMU], telephoneEvents: [NARROW, WIDE] });
    const outbound = remoteAudio({ codecs: [OPUS, PCMU], telephoneEvents: [NARROW, WIDE] });
    expect(planAnswer({ inbound, outbound, allowed: ALL })?.outbound.telephoneEvents).toEqual([WIDE, NARROW]);
  });

  it('answers an Opus caller that has only telephone-event/8000 with that', () => {
    const outbound = remoteAudio({ codecs: [OPUS] });
    expect(planAnswer({ inbound: firefox, outbound, allowed: ALL })?.inbound.telephoneEvents).toEqual([NARROW]);
  });

  it('takes the first codec of the answer that both have and that is allowed', () => {
    const outbound = remoteAudio({ codecs: [G722, PCMA, PCMU] });
    expect(planAnswer({ inbound: baresip, outbound, allowed: ALL })?.outbound.codec).toEqual(PCMA);
    expect(planAnswer({ inbound: baresip, outbound, allowed: ['PCMU'] })?.outbound.codec).toEqual(PCMU);
    expect(planAnswer({ inbound: baresip, outbound: remoteAudio({ codecs: [G722] }), allowed: ALL })).toBeUndefined();
  });
});

describe('planOffererAnswer', () => {
  it('takes the caller’s first choice from its ACK, for both Legs', () => {
    const outbound = remoteAudio({
      codecs: [PCMU, PCMA, { ...OPUS, payloadType: 109 }],
      telephoneEvents: [NARROW, WIDE],
    });
    const inbound = remoteAudio({
      codecs: [PCMA],
      telephoneEvents: [{ payloadType: 96, clockRate: 8_000 }],
      ptimeMs: 30,
    });
    expect(planOffererAnswer({ inbound, outbound, allowed: ALL })).toMatchObject({
      inbound: { codec: PCMA, telephoneEvents: [{ payloadType: 96, clockRate: 8_000 }], ptimeMs: 30 },
      outbound: { codec: PCMA, telephoneEvents: [NARROW, WIDE] },
    });
    expect(planOffererAnswer({ inbound: remoteAudio({ codecs: [G722] }), outbound, allowed: ALL })).toBeUndefined();
  });
});

describe('planBuiltIn', () => {
  it('echo answers with the caller’s first codec, tone with the first it can make', () => {
    expect(planBuiltIn({ remote: chromium, codecs: ALL })?.format).toMatchObject({
      codec: { name: 'opus', payloadType: 111 },
      telephoneEvents: [{ payloadType: 110, clockRate: 48_000 }],
    });
    expect(planBuiltIn({ remote: chromium, codecs: ['PCMU', 'PCMA', 'G722'] })?.format).toMatchObject({
      codec: { name: 'G722' },
      telephoneEvents: [{ payloadType: 126, clockRate: 8_000 }],
    });
    expect(planBuiltIn({ remote: remoteAudio({ codecs: [OPUS] }), codecs: ['PCMU'] })).toBeUndefined();
  });
});

const codecs = fc.shuffledSubarray([
  OPUS,
  G722,
  PCMU,
  PCMA,
  { ...OPUS, payloadType: 96 },
  { ...PCMU, payloadType: 100 },
]);
const events = fc.subarray([NARROW, WIDE]);
const party = fc.record({ codecs, telephoneEvents: events }).map(remoteAudio);
const allowed = fc.subarray([...ALL]);

describe('properties', () => {
  it('an offer has no payload type twice and only codecs that the first party has and that are allowed', () => {
    const distinct = codecs.map((list) =>
      list.filter((codec, i) => list.findIndex((each) => each.name === codec.name) === i),
    );
    const inbound = fc.record({ codecs: distinct, telephoneEvents: events }).map(remoteAudio);
    fc.assert(
      fc.property(inbound, allowed, fc.constantFrom('rtp' as const, 'webrtc' as const), (first, names, kind) => {
        const plan = planOffer({ inbound: first, allowed: names, kind });
        expect(plan !== undefined).toBe(first.codecs.some((codec) => names.includes(codec.name)));
        const used = [...(plan?.codecs ?? []), ...(plan?.telephoneEvents ?? [])].map((each) => each.payloadType);
        expect(new Set(used).size).toBe(used.length);
        for (const codec of plan?.codecs ?? []) expect(first.codecs).toContain(codec);
      }),
      { seed: 4733, numRuns: 500 },
    );
  });

  it('both Legs of an answer have the same codec, each under a payload type of its own party', () => {
    fc.assert(
      fc.property(party, party, allowed, (inbound, outbound, names) => {
        const common = inbound.codecs.some(
          (a) => names.includes(a.name) && outbound.codecs.some((b) => a.name === b.name),
        );
        const plan = planAnswer({ inbound, outbound, allowed: names });
        expect(plan !== undefined).toBe(common);
        if (plan === undefined) return;
        expect(plan.inbound.codec.name).toBe(plan.outbound.codec.name);
        expect(inbound.codecs.map((codec) => codec.payloadType)).toContain(plan.inbound.codec.payloadType);
        expect(outbound.codecs).toContain(plan.outbound.codec);
        expect(plan.inbound.telephoneEvents.length).toBeLessThanOrEqual(1);
      }),
      { seed: 4733, numRuns: 500 },
    );
  });
});

describe('answerDirection (RFC 3264 §6.1)', () => {
  it.each([
    ['sendrecv', 'sendrecv', 'sendrecv'],
    ['sendrecv', 'sendonly', 'sendonly'],
    ['sendonly', 'sendrecv', 'recvonly'],
    ['sendonly', 'sendonly', 'inactive'],
    ['recvonly', 'sendrecv', 'sendonly'],
    ['recvonly', 'recvonly', 'inactive'],
    ['inactive', 'sendrecv', 'inactive'],
    ['sendrecv', 'inactive', 'inactive'],
  ] as const)('%s, wanted %s: %s', (remote, wanted, answered) => {
    expect(answerDirection(remote, wanted)).toBe(answered);
  });
});

describe('warnings (RFC 3261 §20.43)', () => {
  it('name the trouble', () => {
    expect(noCommonCodecWarning('gw.example')).toBe(
      '305 gw.example "Incompatible media format: no common audio codec"',
    );
    expect(warningFor(sdpErrors.SDP_NO_AUDIO(), 'gw.example')).toMatch(/^304 gw\.example "[^"]+"$/u);
    expect(warningFor(sdpErrors.SDP_MALFORMED(['x']), 'gw.example')).toBeUndefined();
  });

  it('go with every 488', () => {
    for (const [code, entry] of Object.entries(sdpErrors.entries)) {
      const error = sdpErrors[code as keyof typeof sdpErrors.entries]();
      expect(warningFor(error, 'h') !== undefined).toBe(entry.sip === 488);
    }
  });
});
