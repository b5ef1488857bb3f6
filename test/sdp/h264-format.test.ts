import { describe, expect, it } from 'vitest';
import { answerH264, formatH264Format, isSameH264, pairH264, parseH264Format } from '../../src/sdp/index.ts';

const read = (fmtp: string) => {
  const format = parseH264Format(fmtp);
  if (format === undefined) throw new Error(`not H.264: ${fmtp}`);
  return format;
};
const id = (profileLevelId: string) => read(`profile-level-id=${profileLevelId};packetization-mode=1`);

describe('profile-level-id', () => {
  it('names one profile in several spellings (RFC 6184 table 5)', () => {
    for (const spelling of ['42e01f', '42c01f', '42401f', '4de01f', '58c01f', '42F01E'])
      expect([spelling, id(spelling).profile]).toEqual([spelling, 'constrained-baseline']);
    expect(id('42001f').profile).toBe('baseline');
    expect(id('58801f').profile).toBe('baseline');
    expect(id('4d001f').profile).toBe('main');
    expect(id('58001f').profile).toBe('extended');
    expect(id('64001f').profile).toBe('high');
    expect(id('640c1f').profile).toBe('constrained-high');
  });

  it('knows level 1b in both of its spellings, between 1.0 and 1.1', () => {
    const [below, oneB, above] = ['42e00a', '42f00b', '42e00b'].map((each) => id(each).level);
    expect(below).toBeLessThan(oneB ?? 0);
    expect(oneB).toBeLessThan(above ?? 0);
    expect(id('640009').level).toBe(oneB);
    expect(id('42f00b').profile).toBe('constrained-baseline');
    expect(formatH264Format(id('42f00b'))).toContain('profile-level-id=42f00b');
    expect(formatH264Format(id('640009'))).toContain('profile-level-id=640009');
  });

  it('is Baseline level 1 in single NAL units when nothing is said', () => {
    expect(read('')).toMatchObject({ profile: 'baseline', level: 10, packetizationMode: 0, isAsymmetryAllowed: false });
  });

  it('is nothing when it cannot be', () => {
    for (const bad of ['42e0', '42e01f00', 'zzzzzz', '42e000', '42e0ff'])
      expect(parseH264Format(`profile-level-id=${bad}`)).toBeUndefined();
    expect(parseH264Format('packetization-mode=3')).toBeUndefined();
  });
});

describe('two configurations', () => {
  it('fit in profile and packetization mode alone (RFC 6184 §8.2.2)', () => {
    const browser = read('level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f');
    expect(isSameH264(browser, read('profile-level-id=4de00d; packetization-mode=1'))).toBe(true);
    expect(isSameH264(browser, read('profile-level-id=42e01f'))).toBe(false);
    expect(isSameH264(browser, read('profile-level-id=42001f;packetization-mode=1'))).toBe(false);
    expect(answerH264(browser, read('profile-level-id=42001f;packetization-mode=1'))).toBeUndefined();
  });

  it('share the lower level unless both allow asymmetry', () => {
    const high = read('packetization-mode=1;profile-level-id=42e028');
    const low = read('level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e00d');
    expect(answerH264(high, low)).toMatchObject({ level: 13, receiveLevel: 13, isAsymmetryAllowed: false });
    // An answer never raises the level of its offer.
    expect(answerH264(low, high)).toMatchObject({ level: 13 });
  });

  it('send each other what the other can receive when both allow asymmetry', () => {
    const browser = read('level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f');
    const phone = read('profile-level-id=42c00d;packetization-mode=1;level-asymmetry-allowed=1;max-recv-level=c028');
    expect(answerH264(browser, phone)).toMatchObject({
      level: 40,
      isAsymmetryAllowed: true,
    });
    expect(formatH264Format(phone)).toContain('max-recv-level=c028');
  });

  it('keep the spelling of the offer and the capabilities of the one who will receive', () => {
    const offered = read('profile-level-id=4DE01F;packetization-mode=1');
    const far = read(
      'profile-level-id=42e01e; packetization-mode=1; max-fs=3600; sprop-parameter-sets=Z0LgHtkA,aM4G4g==',
    );
    const answer = answerH264(offered, far);
    expect(answer && formatH264Format(answer)).toBe(
      'packetization-mode=1;profile-level-id=4de01e;max-fs=3600;sprop-parameter-sets=Z0LgHtkA,aM4G4g==',
    );
  });

  it('are found among those of Chromium by what a phone has, in the order of the one who prefers', () => {
    const chromium = ['42001f', '42e01f', '4d001f'].flatMap((each, index) =>
      [1, 0].map((mode) => ({
        payloadType: 102 + 2 * index + (1 - mode),
        fmtp: `level-asymmetry-allowed=1;packetization-mode=${mode};profile-level-id=${each}`,
      })),
    );
    const phone = [
      { payloadType: 99, fmtp: 'profile-level-id=42801e;packetization-mode=2' },
      { payloadType: 97, fmtp: 'profile-level-id=42801e' },
      { payloadType: 98, fmtp: 'profile-level-id=42e01e;packetization-mode=1' },
    ];
    expect(pairH264(phone, chromium)?.map(({ payloadType }) => payloadType)).toEqual([97, 103]);
    expect(pairH264(chromium, phone)?.map(({ payloadType }) => payloadType)).toEqual([103, 97]);
    expect(pairH264(phone.slice(0, 1), chromium)).toBeUndefined();
  });
});
