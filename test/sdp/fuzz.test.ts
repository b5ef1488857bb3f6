/** T4: whatever a stranger sends is either a description or one of the catalogue's refusals, and never takes long. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { CodedError } from '../../src/kernel/index.ts';
import {
  formatAnswer,
  formatOffer,
  parseRemoteDescription,
  planBuiltIn,
  planOffer,
  planSameVideo,
  planVideoAnswer,
  planVideoOffer,
  sdpErrors,
} from '../../src/sdp/index.ts';
import { GOLDEN, golden, local, RTP, WEBRTC } from './fixtures.ts';

const CORPUS = GOLDEN.map(golden);
const CODES = new Set(Object.keys(sdpErrors.entries));
const ALL = ['opus', 'G722', 'PCMU', 'PCMA'] as const;
const VIDEO = ['H264', 'VP8'] as const;

/** Does with the text all that a call does. True when it is a description. */
function swallow(text: string): boolean {
  try {
    const remote = parseRemoteDescription(text);
    for (const kind of ['rtp', 'webrtc'] as const) {
      const heard = { kind: remote.kind, terms: { codecs: ALL }, audio: remote.audio };
      planOffer({ heard, asked: { kind, terms: { codecs: ALL } }, transcodable: ALL });
    }
    planBuiltIn({ remote: remote.audio, codecs: ALL });
    const transport = remote.kind === 'webrtc' ? WEBRTC : RTP;
    // What we say of a stranger's words must be valid itself.
    parseRemoteDescription(formatAnswer(remote, local(transport)));
    for (const kind of ['rtp', 'webrtc'] as const)
      planVideoOffer({ inbound: remote.video, allowed: VIDEO, kind, taken: [111, 0] });
    const plan = planVideoAnswer({ inbound: remote, outbound: remote, allowed: VIDEO });
    if (plan !== undefined) {
      planSameVideo(remote.video, plan.inbound);
      const rtp = remote.kind === 'rtp' ? { address: '192.0.2.10', rtpPort: 20_002, rtcpPort: 20_003 } : undefined;
      const video = { codecs: [plan.inbound.codec], direction: 'sendrecv', rtp } as const;
      const answer = parseRemoteDescription(formatAnswer(remote, local(transport, { video })));
      expect(answer.video?.codecs).toHaveLength(1);
      parseRemoteDescription(formatOffer(local(transport, { video }), remote));
    }
    return true;
  } catch (error) {
    if (error instanceof CodedError && CODES.has(error.code)) return false;
    throw error;
  }
}

const evilLine = fc.constantFrom(
  'm=audio 0 RTP/AVP 0',
  'm=audio 65536 RTP/AVP 0',
  'm=audio 99999999999999999999 RTP/AVP 0',
  'm=audio 4000/0 RTP/AVP 0',
  'm=audio 4000 RTP/AVP 0 0 0 0 -1 256 NaN',
  'm=  ',
  'a=rtpmap:0 /////',
  'a=rtpmap:111 opus/-48000/2',
  'a=fmtp:111 ' + '='.repeat(10_000),
  'a=fmtp:111 %s%n%x',
  'a=ptime:4294967297',
  'a=ptime:-1',
  'a=maxptime:0',
  'a=ssrc:99999999999 cname:x',
  'a=ssrc:-1',
  'a=extmap:0 x',
  'a=extmap:4294967296/sendrecv urn:x',
  'a=group:BUNDLE',
  'a=group:BUNDLE 0 0 0 0',
  'a=mid:' + 'x'.repeat(1_000),
  'a=mid:\u202e0',
  'a=ice-ufrag:',
  'a=fingerprint:sha-256',
  'a=setup:',
  'a=rtcp:70000',
  'c=IN IP6 ::::::',
  'c=IN IP4 255.255.255.255',
  'a=',
  '=',
  'b=AS:99999999999999',
  'm=video 0 RTP/AVP 96',
  'm=video 4002 RTP/AVPF 96',
  'm=video 9 UDP/TLS/RTP/SAVPF 96',
  'm=video 4002 RTP/SAVP 96 96 96 400 -1',
  'a=rtpmap:96 H264/90000',
  'a=rtpmap:96 H264/0',
  'a=rtpmap:96 VP8/90000/2',
  'a=fmtp:96 profile-level-id=zzzzzz;packetization-mode=99',
  'a=fmtp:96 profile-level-id=;packetization-mode=;;;=;',
  'a=fmtp:96 packetization-mode=1;profile-level-id=42e01f',
  'a=rtcp-fb:96 nack pli',
  'a=rtcp-fb:* ccm fir',
  'a=rtcp-fb:-1 nack nack nack',
  'a=rtcp-fb:',
);

const mutation = fc.oneof(
  fc.record({ kind: fc.constant('insert' as const), at: fc.nat(), line: evilLine }),
  fc.record({ kind: fc.constant('drop' as const), at: fc.nat() }),
  fc.record({ kind: fc.constant('repeat' as const), at: fc.nat(), times: fc.nat(300) }),
  fc.record({
    kind: fc.constant('char' as const),
    at: fc.nat(),
    char: fc.string({ minLength: 1, maxLength: 3, unit: 'binary' }),
  }),
  fc.record({ kind: fc.constant('cut' as const), at: fc.nat() }),
);
type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never;

function mutate(text: string, change: Mutation): string {
  const lines = text.split('\r\n');
  const at = change.at % lines.length;
  switch (change.kind) {
    case 'insert':
      return lines.toSpliced(at, 0, change.line).join('\r\n');
    case 'drop':
      return lines.toSpliced(at, 1).join('\r\n');
    case 'repeat':
      return lines.toSpliced(at, 0, ...Array<string>(change.times).fill(lines[at] ?? '')).join('\r\n');
    case 'char': {
      const position = change.at % text.length;
      return text.slice(0, position) + change.char + text.slice(position + 1);
    }
    case 'cut':
      return text.slice(0, change.at % text.length);
  }
}

it('T4: mutated offers of real peers', () => {
  let accepted = 0;
  let refused = 0;
  fc.assert(
    fc.property(fc.constantFrom(...CORPUS), fc.array(mutation, { minLength: 1, maxLength: 4 }), (text, changes) => {
      if (swallow(changes.reduce(mutate, text))) accepted += 1;
      else refused += 1;
    }),
    { seed: 8866, numRuns: 3_000 },
  );
  expect(Math.min(accepted, refused)).toBeGreaterThan(300);
});

it('T4: noise', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (noise) => {
      expect(swallow(noise)).toBe(false);
      swallow(`v=0\r\n${noise}`);
      swallow(`v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\na=${noise}`);
    }),
    { seed: 8866, numRuns: 1_000 },
  );
});

it('T4: the largest description that is read takes less than 200 ms', () => {
  const attributes = Array.from(
    { length: 60 },
    (_, i) => `a=rtpmap:${i + 96} opus/48000/2\r\na=fmtp:${i + 96} x\r\na=mid:${i}`,
  );
  const section = `m=audio 0 RTP/AVP ${Array.from({ length: 127 }, (_, i) => i).join(' ')}\r\n${attributes.slice(0, 8).join('\r\n')}`;
  const text = `v=0\r\nc=IN IP4 192.0.2.1\r\na=group:BUNDLE ${'7 '.repeat(10_000)}\r\n${Array<string>(31).fill(section).join('\r\n')}\r\nm=audio 4 RTP/AVP 0`;
  expect(text.length).toBeLessThan(65_536);
  expect(text.length).toBeGreaterThan(30_000);
  const started = performance.now();
  expect(swallow(text)).toBe(true);
  expect(performance.now() - started).toBeLessThan(200);
});
