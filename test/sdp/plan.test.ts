import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AudioCodec,
  type AudioCodecName,
  answerDirection,
  type CodecPlan,
  type CodecTerms,
  isRefusal,
  noCommonCodecWarning,
  type PlanSide,
  parseRemoteDescription,
  planBuiltIn,
  planCodecs,
  planOffer,
  type RemoteAudio,
  type SdpKind,
  sdpErrors,
  warningFor,
} from '../../src/sdp/index.ts';
import { G722, golden, L16, OPUS, PCMA, PCMU, remoteAudio } from './fixtures.ts';

const ALL: readonly AudioCodecName[] = ['opus', 'G722', 'PCMU', 'PCMA'];
const EVERY: readonly AudioCodecName[] = [...ALL, 'L16'];
const NARROW = { payloadType: 101, clockRate: 8_000 };
const WIDE = { payloadType: 110, clockRate: 48_000 };
const chromium = parseRemoteDescription(golden('chromium-156-audio')).audio;
const firefox = parseRemoteDescription(golden('firefox-128-audio')).audio;
const baresip = parseRemoteDescription(golden('baresip-1.0-plain')).audio;

interface OfferChanges {
  readonly terms?: Partial<CodecTerms>;
  readonly heardKind?: SdpKind;
  readonly heardTerms?: Partial<CodecTerms>;
  readonly transcodable?: readonly AudioCodecName[];
  readonly preferNarrowband?: boolean;
}

function offer(audio: RemoteAudio | undefined, kind: SdpKind, changes: OfferChanges = {}) {
  const { terms, heardKind = 'rtp', heardTerms, transcodable = [], ...rest } = changes;
  return planOffer({
    heard: { kind: heardKind, terms: { codecs: ALL, ...heardTerms }, audio },
    asked: { kind, terms: { codecs: ALL, ...terms } },
    transcodable,
    ...rest,
  });
}

describe('planOffer', () => {
  it('offers a phone what the browser has, under the payload types of the browser', () => {
    const plan = offer(chromium, 'rtp');
    expect(plan?.codecs.map((codec) => codec.payloadType)).toEqual([111, 9, 0, 8]);
    expect(plan?.telephoneEvents).toEqual([
      { payloadType: 126, clockRate: 8_000 },
      { payloadType: 110, clockRate: 48_000 },
    ]);
    expect(plan?.ptimeMs).toBe(20);
    expect(plan?.reason).toContain('opus, G722, PCMU, PCMA');
  });

  it('offers a phone telephone-event/48000 only when the first party has it', () => {
    expect(offer(firefox, 'rtp')?.telephoneEvents).toEqual([NARROW]);
  });

  it('offers a browser one telephone-event for each clock rate of the codecs', () => {
    const toBrowser = (codecs: typeof baresip.codecs) =>
      offer(remoteAudio({ codecs, telephoneEvents: [NARROW] }), 'webrtc');
    expect(toBrowser([OPUS, PCMU])?.telephoneEvents).toEqual([NARROW, WIDE]);
    expect(toBrowser([OPUS])?.telephoneEvents).toEqual([WIDE]);
    expect(toBrowser([PCMU])?.telephoneEvents).toEqual([NARROW]);
  });

  it('cuts to what is allowed, and is nothing when nothing remains', () => {
    expect(offer(chromium, 'rtp', { terms: { codecs: ['PCMA'] } })?.codecs).toEqual([PCMA]);
    expect(offer(baresip, 'rtp', { terms: { codecs: ['G722'] } })).toBeUndefined();
  });

  it('finds free payload types for the events', () => {
    const inbound = remoteAudio({
      codecs: [
        { ...OPUS, payloadType: 101 },
        { ...PCMU, payloadType: 110 },
      ],
    });
    const plan = offer(inbound, 'webrtc');
    const used = [...(plan?.codecs ?? []), ...(plan?.telephoneEvents ?? [])].map((each) => each.payloadType);
    expect(new Set(used).size).toBe(4);
  });

  it('delayed offer: G.711 first, Opus first when asked, all free of collisions', () => {
    const names = (preferNarrowband?: boolean) =>
      offer(undefined, 'webrtc', preferNarrowband === undefined ? {} : { preferNarrowband })?.codecs.map(
        ({ name }) => name,
      );
    expect(names()).toEqual(['PCMU', 'PCMA', 'G722', 'opus']);
    expect(names(false)).toEqual(['opus', 'G722', 'PCMU', 'PCMA']);
    const plan = offer(undefined, 'rtp');
    expect(plan?.codecs.map((codec) => codec.payloadType)).toEqual([0, 8, 9, 111]);
    expect(plan?.telephoneEvents).toEqual([NARROW]);
  });

  it('keeps the packet time of the first party, unless a profile wants another one', () => {
    const inbound = remoteAudio({ codecs: [PCMU], ptimeMs: 30, maxPtimeMs: 40 });
    expect(offer(inbound, 'rtp')).toMatchObject({ ptimeMs: 30, maxPtimeMs: 40 });
    expect(offer(inbound, 'rtp', { terms: { ptimeMs: 20 } })?.ptimeMs).toBe(20);
  });

  it('has after the codecs of the first party those that can be made of them, the cheapest first', () => {
    const plan = offer(remoteAudio({ codecs: [PCMA] }), 'webrtc', { transcodable: ALL });
    expect(plan?.codecs.map(({ name }) => name)).toEqual(['PCMA', 'PCMU', 'G722', 'opus']);
    expect(plan?.telephoneEvents).toEqual([NARROW, WIDE]);
    // Of the narrow band that G.711 has, and no more.
    expect(plan?.codecs.at(-1)?.fmtp).toContain('maxplaybackrate=8000');
    expect(plan?.reason).toContain('PCMU, G722, opus would be transcoded');
    // Its payload type may be taken.
    const taken = offer(
      remoteAudio({ codecs: [PCMA], telephoneEvents: [{ payloadType: 111, clockRate: 8000 }] }),
      'rtp',
      {
        transcodable: ALL,
      },
    );
    const payloadTypes = [...(taken?.codecs ?? []), ...(taken?.telephoneEvents ?? [])].map((each) => each.payloadType);
    expect(new Set(payloadTypes).size).toBe(payloadTypes.length);
  });

  it('may have them alone, when nothing the first party has is allowed', () => {
    const inbound = remoteAudio({ codecs: [PCMA] });
    const plan = offer(inbound, 'rtp', { terms: { codecs: ['opus'] }, transcodable: ALL });
    expect(plan?.codecs.map(({ name }) => name)).toEqual(['opus']);
  });

  it('has none of them when a profile forbids it, between two browsers, or for what cannot be decoded', () => {
    const inbound = remoteAudio({ codecs: [PCMA] });
    const names = (kind: SdpKind, changes: OfferChanges) =>
      offer(inbound, kind, { transcodable: ALL, ...changes })?.codecs.map(({ name }) => name);
    expect(names('rtp', { terms: { transcoding: false } })).toEqual(['PCMA']);
    expect(names('rtp', { heardTerms: { transcoding: false } })).toEqual(['PCMA']);
    expect(names('webrtc', { heardKind: 'webrtc' })).toEqual(['PCMA']);
    expect(names('rtp', { transcodable: ['PCMU', 'opus'] })).toEqual(['PCMA']);
  });

  it('has at most four of them, and never L16 for a browser', () => {
    const names = (kind: SdpKind) =>
      offer(remoteAudio({ codecs: [PCMA] }), kind, { terms: { codecs: EVERY }, transcodable: EVERY })?.codecs.map(
        ({ name }) => name,
      );
    expect(names('rtp')).toEqual(['PCMA', 'PCMU', 'G722', 'L16', 'opus']);
    expect(names('webrtc')).not.toContain('L16');
  });

  it('is in the order of a profile that says so', () => {
    const terms = { codecs: ['PCMA', 'PCMU', 'opus'] as const, codecOrder: 'profile' as const };
    expect(offer(chromium, 'rtp', { terms })?.codecs.map(({ name }) => name)).toEqual(['PCMA', 'PCMU', 'opus']);
  });
});

type Side = Partial<RemoteAudio> &
  Omit<Partial<PlanSide>, 'audio' | 'terms'> & { readonly terms?: Partial<CodecTerms> };

function side(spoke: PlanSide['spoke'], changes: Side): PlanSide {
  const { kind = 'rtp', keeps, loss, terms, ...audio } = changes;
  return { kind, spoke, keeps, loss, terms: { codecs: EVERY, ...terms }, audio: { ...remoteAudio(audio) } };
}

const offered = (changes: Side): PlanSide => side('offered', changes);
const answered = (changes: Side): PlanSide => side('answered', changes);

function planFor(first: PlanSide, second: PlanSide, transcodable: readonly AudioCodecName[] = []): CodecPlan {
  const made = planCodecs({ first, second, transcodable });
  if (isRefusal(made)) throw new Error(made.reason);
  return made;
}

const codecsOf = ({ first, second }: CodecPlan): readonly string[] => [
  first.format.codec.name,
  second.format.codec.name,
];

describe('planCodecs, payload that passes', () => {
  it('browser → phone with Opus: /48000 alone back to the browser, payload types and parameters of each Leg', () => {
    const codec = { ...OPUS, payloadType: 96, fmtp: 'stereo=1; foo=bar' };
    const made = planFor(offered(chromium), answered({ codecs: [codec], telephoneEvents: [NARROW], ptimeMs: 40 }));
    expect(made.first).toEqual({
      format: {
        codec: { ...OPUS, fmtp: 'minptime=10;useinbandfec=1' },
        telephoneEvents: [{ payloadType: 110, clockRate: 48_000 }],
        ptimeMs: 40,
      },
      said: {
        // What the phone can receive; what it makes up is not ours to say (RFC 7587 §7.1).
        codecs: [{ ...OPUS, fmtp: 'stereo=1' }],
        telephoneEvents: [{ payloadType: 110, clockRate: 48_000 }],
        ptimeMs: 40,
      },
    });
    expect(made.second.format).toEqual({ codec, telephoneEvents: [NARROW], ptimeMs: 40 });
    expect(made).toMatchObject({ isTranscoding: false, cost: 0 });
    expect(made.reason).toContain('opus passes through');
  });

  it('browser → phone with G.711: /8000 alone back to the browser', () => {
    const made = planFor(offered(chromium), answered({ codecs: [PCMU], telephoneEvents: [NARROW] }));
    expect(made.first.format).toMatchObject({
      codec: { name: 'PCMU' },
      telephoneEvents: [{ payloadType: 126, clockRate: 8_000 }],
    });
  });

  it('phone → browser: everything the browser answered, the codec’s own rate first', () => {
    const both = { codecs: [OPUS, PCMU], telephoneEvents: [NARROW, WIDE] };
    expect(planFor(offered(both), answered(both)).second.format.telephoneEvents).toEqual([WIDE, NARROW]);
  });

  it('answers an Opus caller that has only telephone-event/8000 with that', () => {
    expect(planFor(offered(firefox), answered({ codecs: [OPUS] })).first.format.telephoneEvents).toEqual([NARROW]);
  });

  it('takes the first codec of the answer that both have and that is allowed', () => {
    const second = answered({ codecs: [G722, PCMA, PCMU] });
    expect(planFor(offered(baresip), second).second.format.codec).toEqual(PCMA);
    expect(planFor(offered({ ...baresip, terms: { codecs: ['PCMU'] } }), second).second.format.codec).toEqual(PCMU);
    expect(planCodecs({ first: offered(baresip), second: answered({ codecs: [G722] }), transcodable: [] })).toEqual({
      refused: 'no-codec',
      reason: 'no common audio codec: opus, PCMU, PCMA on one side, G722 on the other',
    });
  });

  it('takes the caller’s word where it came last, in its ACK', () => {
    const second = answered({ codecs: [PCMU, PCMA, { ...OPUS, payloadType: 109 }], telephoneEvents: [NARROW, WIDE] });
    const first = answered({ codecs: [PCMA], telephoneEvents: [{ payloadType: 96, clockRate: 8_000 }], ptimeMs: 30 });
    expect(planCodecs({ first, second, chooser: 'first', transcodable: [] })).toMatchObject({
      first: { format: { codec: PCMA, telephoneEvents: [{ payloadType: 96, clockRate: 8_000 }] } },
      second: { format: { codec: PCMA, telephoneEvents: [NARROW, WIDE] } },
    });
  });

  it('takes the order of the profile when that is to count', () => {
    const terms = { codecs: ['PCMA', 'PCMU'] as const, codecOrder: 'profile' as const };
    const made = planCodecs({
      first: offered({ codecs: [PCMU, PCMA], terms }),
      second: offered({ codecs: [PCMU, PCMA] }),
      chooser: 'first',
      transcodable: [],
    });
    expect(made).toMatchObject({ first: { format: { codec: PCMA } } });
  });
});

describe('planCodecs, transcoding', () => {
  it('is for parties that have no codec in common, and says so', () => {
    const made = planFor(offered({ codecs: [PCMA] }), answered({ codecs: [OPUS], kind: 'webrtc' }), ALL);
    expect(codecsOf(made)).toEqual(['PCMA', 'opus']);
    expect(made).toMatchObject({ isTranscoding: true });
    expect(made.reason).toBe(
      'PCMA of the first party becomes opus for the second: PCMA on one side and opus on the other have no codec in common',
    );
    // What it receives has 8 kHz, and what it sends need not have more.
    expect(made.second.said.codecs[0]?.fmtp).toBe(
      'minptime=10;useinbandfec=1;maxplaybackrate=8000;sprop-maxcapturerate=8000',
    );
  });

  it.each([
    ['another law of G.711 before anything', [OPUS, G722, PCMU], 'PCMU'],
    ['G.722 before L16 and Opus', [OPUS, L16, G722], 'G722'],
    ['L16 before Opus', [OPUS, L16], 'L16'],
    ['Opus last', [OPUS], 'opus'],
  ])('prefers the cheapest: %s', (_, codecs, name) => {
    expect(codecsOf(planFor(offered({ codecs }), answered({ codecs: [PCMA] }), EVERY))).toEqual([name, 'PCMA']);
  });

  it('goes before a codec in common that the other party listed, but does not send', () => {
    const first = offered({ codecs: [PCMA] });
    const second = answered({ codecs: [G722, PCMA] });
    expect(codecsOf(planFor(first, second, ALL))).toEqual(['PCMA', 'G722']);
    // Where that cannot be, it may follow what it hears.
    expect(codecsOf(planFor(first, second))).toEqual(['PCMA', 'PCMA']);
  });

  it('is refused by a profile, or for want of a codec: a refusal says which', () => {
    const refused = (terms: Partial<CodecTerms>, transcodable = ALL) =>
      planCodecs({
        first: offered({ codecs: [PCMA] }),
        second: answered({ codecs: [OPUS], terms }),
        transcodable,
      });
    expect(refused({ transcoding: false })).toMatchObject({ refused: 'transcoding-refused' });
    expect(refused({}, ['PCMA'])).toMatchObject({ refused: 'no-codec' });
    expect(refused({ codecs: ['PCMU'] })).toMatchObject({ refused: 'no-codec' });
  });

  it('is what a Leg gets that is not to change its codec', () => {
    const keeping = offered({ codecs: [PCMU, PCMA], keeps: 'PCMU' });
    expect(codecsOf(planFor(keeping, answered({ codecs: [PCMA] }), ALL))).toEqual(['PCMU', 'PCMA']);
    expect(planCodecs({ first: keeping, second: answered({ codecs: [PCMA] }), transcodable: [] })).toMatchObject({
      refused: 'no-codec',
    });
  });

  it('to Opus is for a browser that loses more packets than its profile lets pass', () => {
    const opus = { preferAboveLossPercent: 5 };
    const browser = (loss: number | undefined, kind: SdpKind = 'webrtc') =>
      offered({ codecs: [OPUS, PCMU], kind, loss, terms: { opus } });
    const made = planFor(browser(0.08), answered({ codecs: [PCMU] }), ALL);
    expect(codecsOf(made)).toEqual(['opus', 'PCMU']);
    expect(made.reason).toContain('loses 8 % of its packets');
    for (const calm of [browser(0.05), browser(undefined), browser(0.08, 'rtp')])
      expect(codecsOf(planFor(calm, answered({ codecs: [PCMU] }), ALL))).toEqual(['PCMU', 'PCMU']);
  });
});

describe('packet times', () => {
  const times = (first: Side, second: Side, transcodable: readonly AudioCodecName[] = []) => {
    const made = planCodecs({
      first: offered({ codecs: [PCMU], ...first }),
      second: answered({ codecs: [PCMU], ...second }),
      transcodable,
    });
    if (isRefusal(made)) throw new Error(made.reason);
    return [made.first, made.second].map(({ format, said }) => [format.ptimeMs, said.ptimeMs, said.maxPtimeMs]);
  };

  it('go through: each is told what the other one wants', () => {
    expect(times({ ptimeMs: 20, maxPtimeMs: 60 }, { ptimeMs: 30 }, ALL)).toEqual([
      [30, 30, undefined],
      [30, 30, 60],
    ]);
  });

  it('are changed on the way where one cannot have what the other one wants', () => {
    expect(times({ ptimeMs: 60 }, { ptimeMs: 20, maxPtimeMs: 40 }, ALL)).toEqual([
      [60, 60, undefined],
      [20, 20, undefined],
    ]);
    expect(times({ ptimeMs: 30 }, { ptimeMs: 30, terms: { ptimeMs: 20 } }, ALL)).toEqual([
      [30, 30, undefined],
      [20, 20, undefined],
    ]);
    // Where nobody can do that, the profile has its way with both.
    expect(times({ ptimeMs: 30 }, { ptimeMs: 30, terms: { ptimeMs: 20 } })).toEqual([
      [20, 20, undefined],
      [20, 20, undefined],
    ]);
  });

  it('are each party’s own where packets are made anyway, as far as its codec has them', () => {
    const made = (ptimeMs: number) => {
      const { first, second } = planFor(
        offered({ codecs: [PCMU], ptimeMs }),
        answered({ codecs: [OPUS], ptimeMs, maxPtimeMs: 50 }),
        ALL,
      );
      return [first.format.ptimeMs, second.format.ptimeMs];
    };
    expect([10, 20, 30, 35, 40, 60, 120].map(made)).toEqual([
      [10, 10],
      [20, 20],
      [30, 20],
      [30, 20],
      [40, 40],
      [60, 40],
      [60, 40],
    ]);
  });
});

describe('parameters of Opus (RFC 7587)', () => {
  const told = (fmtp: string, terms: Partial<CodecTerms> = {}) =>
    planFor(offered({ codecs: [OPUS], terms }), answered({ codecs: [{ ...OPUS, fmtp }] })).first.said.codecs[0]?.fmtp;

  it('are relayed as far as they are known and can be', () => {
    const all =
      'maxplaybackrate=16000;sprop-maxcapturerate=16000;maxaveragebitrate=20000;stereo=1;sprop-stereo=0;useinbandfec=1;usedtx=0;cbr=1';
    expect(told(all.replaceAll(';', '; '))).toBe(all);
    expect(told('useinbandfec=2; maxplaybackrate=99; maxaveragebitrate=1; usedtx=; x-google=1; STEREO=1')).toBe(
      'stereo=1',
    );
  });

  it('keep to the bit rate of the profile', () => {
    const terms = { opus: { maxAverageBitrate: 24_000 } };
    expect(told('useinbandfec=1', terms)).toBe('useinbandfec=1;maxaveragebitrate=24000');
    expect(told('maxaveragebitrate=16000', terms)).toBe('maxaveragebitrate=16000');
    expect(told('maxaveragebitrate=64000', terms)).toBe('maxaveragebitrate=24000');
  });

  it('tell of our own decoder where it is one: FEC, DTX as the profile wants it, no more than the other side has', () => {
    const toldBy = (codec: AudioCodec, terms: Partial<CodecTerms> = {}) =>
      planFor(offered({ codecs: [codec] }), answered({ codecs: [OPUS], terms }), EVERY).second.said.codecs[0]?.fmtp;
    expect(toldBy(G722, { opus: { dtx: true } })).toBe(
      'minptime=10;useinbandfec=1;usedtx=1;maxplaybackrate=16000;sprop-maxcapturerate=16000',
    );
    expect(toldBy({ ...L16, clockRate: 48_000 })).toBe('minptime=10;useinbandfec=1');
  });
});

describe('L16', () => {
  it('is known at the rates that other codecs have, with one channel', () => {
    const text = (rate: string) =>
      golden('sipp-3.6-uac')
        .replace(/a=rtpmap:0 .*/u, 'a=rtpmap:0 PCMU/8000')
        .replace(/(m=audio \d+ RTP\/AVP).*/u, '$1 96') + `a=rtpmap:96 ${rate}\r\n`;
    const read = (rate: string) => parseRemoteDescription(text(rate)).audio.codecs;
    for (const rate of [8_000, 16_000, 48_000])
      expect(read(`L16/${rate}`)).toEqual([{ ...L16, payloadType: 96, clockRate: rate }]);
    expect(read('l16/16000/1')).toHaveLength(1);
    expect(read('L16/44100')).toEqual([]);
    expect(read('L16/16000/2')).toEqual([]);
  });

  it('passes only at the same rate', () => {
    const made = (clockRate: number) =>
      planFor(offered({ codecs: [L16] }), answered({ codecs: [{ ...L16, clockRate }] }), EVERY).isTranscoding;
    expect([16_000, 8_000].map(made)).toEqual([false, true]);
  });
});

describe('planBuiltIn', () => {
  it('answers with the first codec that the endpoint can do', () => {
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

const codecs = fc.shuffledSubarray([OPUS, G722, PCMU, PCMA, L16]);
const events = fc.subarray([NARROW, WIDE]);
const names = fc.subarray([...EVERY]);
const terms = fc.record({ codecs: names, transcoding: fc.boolean() });
const party = fc.record({
  codecs,
  telephoneEvents: events,
  kind: fc.constantFrom('rtp' as const, 'webrtc' as const),
  spoke: fc.constantFrom('offered' as const, 'answered' as const),
  ptimeMs: fc.constantFrom(10, 20, 30, 40, 60, 120),
  terms,
});
const sideOf = ({ spoke, ...rest }: Side & { readonly spoke: PlanSide['spoke'] }): PlanSide => side(spoke, rest);

describe('properties', () => {
  it('an offer has no payload type twice, the common codecs first, and never what cannot be had', () => {
    fc.assert(
      fc.property(party, party, names, (heard, asked, transcodable) => {
        const first = sideOf(heard);
        const made = planOffer({ heard: first, asked: sideOf(asked), transcodable });
        const used = [...(made?.codecs ?? []), ...(made?.telephoneEvents ?? [])].map((each) => each.payloadType);
        expect(new Set(used).size).toBe(used.length);
        const common = heard.codecs.filter(
          ({ name }) =>
            heard.terms.codecs.includes(name) &&
            asked.terms.codecs.includes(name) &&
            (name !== 'L16' || (heard.kind === 'rtp' && asked.kind === 'rtp')),
        );
        expect(made?.codecs.slice(0, common.length).map(({ name }) => name) ?? []).toEqual(
          common.map(({ name }) => name),
        );
        for (const { name } of made?.codecs ?? []) expect(asked.terms.codecs).toContain(name);
      }),
      { seed: 4733, numRuns: 500 },
    );
  });

  it('each Leg of a plan has a codec of its own party, and both the same unless they may be transcoded', () => {
    fc.assert(
      fc.property(party, party, names, (one, other, transcodable) => {
        const [first, second] = [sideOf(one), sideOf(other)];
        const made = planCodecs({ first, second, transcodable });
        if (isRefusal(made)) return;
        for (const [leg, { audio, terms: own }] of [
          [made.first, first],
          [made.second, second],
        ] as const) {
          expect(audio.codecs).toContainEqual(leg.format.codec);
          expect(own.codecs).toContain(leg.format.codec.name);
          expect(leg.format.ptimeMs).toBeGreaterThanOrEqual(10);
        }
        const isSame = made.first.format.codec.name === made.second.format.codec.name;
        expect(made.isTranscoding).toBe(!isSame);
        if (isSame) return;
        expect([first.terms.transcoding, second.terms.transcoding]).not.toContain(false);
        expect(transcodable).toEqual(expect.arrayContaining([...codecsOf(made)]));
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
  ] as const)('%s, wanted %s: %s', (remote, wanted, expected) => {
    expect(answerDirection(remote, wanted)).toBe(expected);
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
