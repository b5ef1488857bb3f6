import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SRTP_SUITES, type SrtpSuiteName } from '../../src/rtp/index.ts';
import {
  acceptSrtp,
  answerSrtp,
  formatAnswer,
  formatOffer,
  NO_SRTP,
  offerSrtp,
  parseRemoteDescription,
  type RemoteAudio,
  type SrtpPolicy,
  type SrtpState,
} from '../../src/sdp/index.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { golden, local, RTP } from './fixtures.ts';

const random = seededRandom(7);
const KEY = 'd0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj';
const SUITE = 'AES_CM_128_HMAC_SHA1_80';
const GCM_KEY = Buffer.alloc(28, 3).toString('base64');

function describing(cryptos: readonly string[], protocol = 'RTP/SAVP', port = 4000): string {
  return [
    'v=0',
    'o=- 1 1 IN IP4 192.0.2.1',
    's=-',
    'c=IN IP4 192.0.2.1',
    't=0 0',
    `m=audio ${port} ${protocol} 0`,
    ...cryptos.map((crypto) => `a=crypto:${crypto}`),
    '',
  ].join('\r\n');
}

const audioOf = (text: string): RemoteAudio => parseRemoteDescription(text).audio;
const hear = (cryptos: readonly string[], protocol?: string, port?: number): RemoteAudio =>
  audioOf(describing(cryptos, protocol, port));

describe('a=crypto', () => {
  it('reads key, salt and name of the key', () => {
    const [crypto] = hear([`7 ${SUITE} inline:${KEY}|2^20|1066:4 WSH=128 -X=1`]).srtp?.cryptos ?? [];
    const bytes = Buffer.from(KEY, 'base64');
    expect(crypto?.tag).toBe(7);
    expect(crypto?.keys).toEqual({
      suite: SUITE,
      key: bytes.subarray(0, 16),
      salt: bytes.subarray(16),
      mki: Buffer.from('0000042a', 'hex'),
    });
    expect(hear([`1 ${SUITE} inline:${KEY}|2^48`]).srtp?.cryptos).toHaveLength(1);
    expect(hear([`1 ${SUITE} inline:${KEY}|1:1`]).srtp?.cryptos[0]?.keys.mki).toEqual(Buffer.from([1]));
  });

  it('reads what baresip offers', () => {
    const { srtp } = audioOf(golden('baresip-1.0-sdes'));
    expect(srtp?.isRequired).toBe(true);
    expect(srtp?.cryptos.map(({ keys }) => keys.suite)).toContain(SUITE);
  });

  it.each([
    ['another method', `1 ${SUITE} uri:https://example.com`],
    ['another suite', `1 F8_128_HMAC_SHA1_80 inline:${KEY}`],
    ['no tag', `${SUITE} inline:${KEY}`],
    ['a key that is too short', `1 ${SUITE} inline:${KEY.slice(4)}`],
    ['a key that is too long', `1 AEAD_AES_128_GCM inline:${KEY}`],
    ['no base64', `1 ${SUITE} inline:${KEY.slice(1)}!`],
    ['padding in the middle', `1 ${SUITE} inline:=${KEY.slice(1)}`],
    ['several keys', `1 ${SUITE} inline:${KEY}|1:1;inline:${KEY}|2:1`],
    ['no lifetime at all', `1 ${SUITE} inline:${KEY}|0`],
    ['a lifetime of ages', `1 ${SUITE} inline:${KEY}|2^49`],
    ['a name of the key without length', `1 ${SUITE} inline:${KEY}|2^20|1:`],
    ['a name that is too large', `1 ${SUITE} inline:${KEY}|256:1`],
    ['a name that is too long', `1 ${SUITE} inline:${KEY}|1:129`],
    ['too many fields', `1 ${SUITE} inline:${KEY}|2^20|1:1|2`],
    ['no encryption', `1 ${SUITE} inline:${KEY} UNENCRYPTED_SRTP`],
    ['no encryption of RTCP', `1 ${SUITE} inline:${KEY} UNENCRYPTED_SRTCP`],
    ['no authentication', `1 ${SUITE} inline:${KEY} UNAUTHENTICATED_SRTP`],
    ['key derivation', `1 ${SUITE} inline:${KEY} KDR=3`],
    ['something unknown', `1 ${SUITE} inline:${KEY} NEW=1`],
  ])('passes over a line with %s', (_what, line) => {
    const lines = [line, `2 AEAD_AES_128_GCM inline:${GCM_KEY}`];
    expect(hear(lines).srtp?.cryptos.map(({ tag }) => tag)).toEqual([2]);
    expect(hear([line], 'RTP/AVP').srtp).toBeUndefined();
  });

  it('is not confused by any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii', maxLength: 120 }), (text) => {
        const line = text.replaceAll(/[\r\n\0]/gu, '');
        expect(hear([line], 'RTP/AVP').srtp?.cryptos ?? []).toEqual([]);
      }),
    );
  });
});

const open: SrtpPolicy = { mode: 'optional', mayTellKeys: true };
const must: SrtpPolicy = { mode: 'required', mayTellKeys: true };
const never: SrtpPolicy = { mode: 'refused', mayTellKeys: true };
const inClear: SrtpPolicy = { mode: 'optional', mayTellKeys: false };

const refusal = (work: () => unknown): string | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code;
  }
};
const answerTo = (audio: RemoteAudio, policy: SrtpPolicy, state: SrtpState = NO_SRTP): SrtpState =>
  answerSrtp(state, audio, { ...policy, random });

describe('offers', () => {
  it('lists every suite under a key of its own, strongest first', () => {
    const { local: srtp } = offerSrtp(NO_SRTP, open, random);
    const text = formatOffer(local(RTP, { srtp }));
    expect(text).toContain('m=audio 20000 RTP/AVP 0 101\r\n');
    const { srtp: heard } = audioOf(text);
    expect(heard?.cryptos.map(({ keys }) => keys.suite)).toEqual(Object.keys(SRTP_SUITES));
    expect(heard).toEqual(srtp);
    expect(new Set(heard?.cryptos.map(({ keys }) => Buffer.from(keys.key).toString('hex').slice(0, 32))).size).toBe(4);
    expect(formatOffer(local(RTP, { srtp: offerSrtp(NO_SRTP, must, random).local }))).toContain('RTP/SAVP 0 101\r\n');
  });

  it('tells no key where it must not', () => {
    expect(offerSrtp(NO_SRTP, inClear, random)).toEqual(NO_SRTP);
    expect(offerSrtp(NO_SRTP, never, random)).toEqual(NO_SRTP);
    expect(refusal(() => offerSrtp(NO_SRTP, { ...must, mayTellKeys: false }, random))).toBe('SDP_SRTP_IN_CLEAR');
  });

  it('takes the suite of the answer, and plain RTP where SRTP was optional', () => {
    const state = offerSrtp(NO_SRTP, open, random);
    const agreed = acceptSrtp(state, hear([`3 ${SUITE} inline:${KEY}`], 'RTP/AVP'));
    expect(agreed.keys?.send).toBe(state.local?.cryptos[2]?.keys);
    expect(Buffer.from(agreed.keys?.receive.key ?? []).toString('hex')).toBe(
      Buffer.from(KEY, 'base64').toString('hex', 0, 16),
    );
    expect(acceptSrtp(state, hear([], 'RTP/AVP')).keys).toBeUndefined();
    // Two phones that ring may answer one offer differently.
    expect(acceptSrtp(acceptSrtp(state, hear([], 'RTP/AVP')), hear([`3 ${SUITE} inline:${KEY}`])).keys).toBeDefined();
    expect(offerSrtp(agreed, open, random)).toBe(agreed);
  });

  it('refuses answers that are none', () => {
    const state = offerSrtp(NO_SRTP, must, random);
    const ours = Buffer.concat(
      [state.local?.cryptos[2]?.keys.key ?? [], state.local?.cryptos[2]?.keys.salt ?? []].map((each) =>
        Buffer.from(each),
      ),
    );
    for (const answer of [
      [`1 ${SUITE} inline:${KEY}`],
      [`9 ${SUITE} inline:${KEY}`],
      [`3 ${SUITE} inline:${KEY}`, `2 AEAD_AES_128_GCM inline:${GCM_KEY}`],
      [`3 ${SUITE} inline:${ours.toString('base64')}`],
    ])
      expect(refusal(() => acceptSrtp(state, hear(answer)))).toBe('SDP_SRTP_ANSWER');
    expect(refusal(() => acceptSrtp(state, hear([], 'RTP/AVP')))).toBe('SDP_SRTP_REQUIRED');
    expect(refusal(() => acceptSrtp(NO_SRTP, hear([`1 ${SUITE} inline:${KEY}`])))).toBe('SDP_SRTP_ANSWER');
  });
});

describe('answers', () => {
  const offer = hear([
    `4 F8_128_HMAC_SHA1_80 inline:${KEY}`,
    `5 ${SUITE} inline:${KEY}`,
    `6 AEAD_AES_128_GCM inline:${GCM_KEY}`,
  ]);

  it('takes the first line it can, with a key of its own', () => {
    const state = answerTo(offer, open);
    expect(state.local?.cryptos).toHaveLength(1);
    expect(state.local?.cryptos[0]?.tag).toBe(5);
    expect(state.keys?.receive).toBe(offer.srtp?.cryptos[0]?.keys);
    expect(state.keys?.send.key).not.toEqual(state.keys?.receive.key);
    const remote = parseRemoteDescription(describing([`5 ${SUITE} inline:${KEY}`]));
    const text = formatAnswer(remote, local(RTP, { srtp: state.local }));
    expect(text).toContain('m=audio 20000 RTP/SAVP 0 101\r\n');
    expect(text.match(/a=crypto/gu)).toHaveLength(1);
  });

  it.each<[string, RemoteAudio, SrtpPolicy, string | undefined]>([
    ['RTP/SAVP where SRTP is refused', offer, never, 'SDP_SRTP_REFUSED'],
    ['RTP/SAVP over signaling in clear', offer, inClear, 'SDP_SRTP_IN_CLEAR'],
    ['plain RTP where SRTP is required', hear([], 'RTP/AVP'), must, 'SDP_SRTP_REQUIRED'],
    [
      'an offer in clear where SRTP is required',
      hear([`1 ${SUITE} inline:${KEY}`], 'RTP/AVP'),
      { ...must, mayTellKeys: false },
      'SDP_SRTP_IN_CLEAR',
    ],
    ['RTP/SAVP where SRTP is required', offer, must, undefined],
  ])('%s', (_what, audio, policy, code) => {
    expect(refusal(() => answerTo(audio, policy))).toBe(code);
  });

  it('optional means plain RTP where the keys may not be told or are not wanted', () => {
    const both = hear([`1 ${SUITE} inline:${KEY}`], 'RTP/AVP');
    expect(answerTo(both, open).keys).toBeDefined();
    expect(answerTo(both, inClear).local).toBeUndefined();
    expect(answerTo(both, never).local).toBeUndefined();
    expect(answerTo(hear([], 'RTP/AVP'), open).local).toBeUndefined();
  });

  it('keeps our key when the peer renews its own, and not when the peer is elsewhere or the suite another one', () => {
    const other = Buffer.alloc(30, 9).toString('base64');
    const first = answerTo(hear([`1 ${SUITE} inline:${KEY}`]), open);
    const renewed = answerTo(hear([`1 ${SUITE} inline:${other}`]), open, first);
    expect(renewed.keys?.send).toBe(first.keys?.send);
    expect(renewed.keys?.receive).not.toEqual(first.keys?.receive);
    const moved = answerTo(hear([`1 ${SUITE} inline:${other}`], 'RTP/SAVP', 4002), open, first);
    expect(moved.keys?.send).not.toEqual(first.keys?.send);
    const suite: SrtpSuiteName = 'AEAD_AES_128_GCM';
    expect(answerTo(hear([`1 ${suite} inline:${GCM_KEY}`]), open, first).keys?.send.suite).toBe(suite);
  });
});
