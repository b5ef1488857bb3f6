/** T4: session descriptions made to break a parser, through a whole call: as an offer, as an answer, in a running call. */
import { describe, expect, it } from 'vitest';
import { isResponse } from '../../support/sip-peer.ts';
import { useHall } from './support/hall.ts';
import { rtpSdp } from './support/party.ts';

const hall = useHall();

const HEAD = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0'];
const sdp = (...lines: readonly string[]): string => `${[...HEAD, ...lines].join('\r\n')}\r\n`;
const withAudio = (...lines: readonly string[]): string => sdp('m=audio 41000 RTP/AVP 0', ...lines);

/** `served`: it can be lived with, and the call goes through. */
const OFFERS: readonly (readonly [what: string, offer: string, owed: number | 'served'])[] = [
  ['a port of 65536', sdp('m=audio 65536 RTP/AVP 0'), 400],
  ['a negative port', sdp('m=audio -1 RTP/AVP 0'), 400],
  ['a port beyond every number', sdp(`m=audio ${'9'.repeat(60)} RTP/AVP 0`), 400],
  ['port 0: no audio at all', sdp('m=audio 0 RTP/AVP 0'), 488],
  ['no number of payload type', sdp('m=audio 41000 RTP/AVP NaN'), 488],
  ['payload types beyond 127', sdp('m=audio 41000 RTP/AVP 256 4294967296'), 488],
  ['200 media sections', sdp(...Array<string>(200).fill('m=audio 41000 RTP/AVP 0')), 413],
  ['video alone', sdp('m=video 41000 RTP/AVP 96', 'a=rtpmap:96 H264/90000'), 488],
  ['a protocol nobody knows', sdp('m=audio 41000 XTP/AVP 0'), 488],
  ['no codec in common', sdp('m=audio 41000 RTP/AVP 3'), 488],
  ['a multicast address', sdp('m=audio 41000 RTP/AVP 0').replace('127.0.0.1\r\nt=', '224.0.0.1\r\nt='), 488],
  ['a broadcast address', sdp('m=audio 41000 RTP/AVP 0').replace('127.0.0.1\r\nt=', '255.255.255.255\r\nt='), 488],
  ['no description at all', 'hello\r\n', 400],
  ['NUL bytes', withAudio('a=\0\0\0'), 400],
  ['a ptime that overflows', withAudio('a=ptime:4294967297'), 'served'],
  ['a negative ptime', withAudio('a=ptime:-20'), 'served'],
  ['a ptime of nothing', withAudio('a=ptime:'), 'served'],
  ['an fmtp for a codec that is not there', withAudio('a=fmtp:111 useinbandfec=1'), 'served'],
  ['an fmtp of nothing but separators', withAudio(`a=fmtp:0 ${';=;='.repeat(500)}`), 'served'],
  ['an rtpmap without a rate', withAudio('a=rtpmap:0 PCMU/'), 'served'],
  ['an rtpmap with a rate of zero', withAudio('a=rtpmap:0 PCMU/0'), 'served'],
  ['an attribute of 7000 bytes', withAudio(`a=x:${'y'.repeat(7000)}`), 'served'],
  ['format strings', withAudio('a=%s%n%x%p', 'a=rtpmap:%n PCMU/8000'), 'served'],
];

describe('T4: an offer with', () => {
  it.each(OFFERS)('%s: %#', async (_what, offer, owed) => {
    const { carrier } = hall;
    const { response, dialog } = await carrier.invite('echo', offer);
    if (owed !== 'served') {
      expect(response.status).toBe(owed);
      return;
    }
    // To serve it, or to say that nothing in it can be used: never anything else.
    expect([200, 488]).toContain(response.status);
    dialog?.ack();
    if (dialog !== undefined) expect(await dialog.bye()).toBe(200);
  });

  it('a megabyte: the message is too large', async () => {
    const alice = await hall.join('alice', 'tcp');
    const offer = withAudio(...Array.from({ length: 100 }, (_, n) => `a=x${n}:${'y'.repeat(10_000)}`));
    const asked = alice.peer.wait(isResponse(513));
    alice.peer.request('INVITE', { uri: 'sip:echo@127.0.0.1', body: offer, contentType: 'application/sdp' });
    expect((await asked).status).toBe(513);
  });
});

describe('T4: an answer', () => {
  it.each([
    ['with a port of 65536', sdp('m=audio 65536 RTP/AVP 0')],
    ['with 200 media sections', sdp(...Array<string>(200).fill('m=audio 41000 RTP/AVP 0'))],
    ['that is none', 'hello\r\n'],
    ['with a codec that was not offered', sdp('m=audio 41000 RTP/AVP 3')],
  ])('%s ends the call at both ends', async (_what, answer) => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const asked = alice.invite('bob', rtpSdp(41_000));
    const invite = await bob.nextInvite();
    const b = await bob.accept(invite, answer);
    await b.awaitBye();
    const { response } = await asked;
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(hall.exchange.telephony.activeCalls).toBe(0);
  });
});

describe('T4: a re-INVITE', () => {
  it.each(OFFERS.filter(([, , owed]) => owed !== 'served'))(
    'with %s is refused, and the call lives on',
    async (_what, offer) => {
      const alice = await hall.join('alice');
      const call = await alice.call('echo', rtpSdp(41_000));
      const answer = await call.request('INVITE', { body: offer, contentType: 'application/sdp' });
      // Port 0 takes the audio away, which a running call may do.
      expect([200, 400, 413, 488]).toContain(answer.status);
      call.ack();
      expect(hall.exchange.telephony.activeCalls).toBe(1);
      expect(await call.bye()).toBe(200);
    },
  );
});
