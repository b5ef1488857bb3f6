/** Video beside audio, from SIP to SIP and between a browser and a phone: offered, agreed on, refused, ended. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BrowserPeers } from '../../media/support/browser-peer.ts';
import { until } from '../../support/until.ts';
import { VideoPeer } from '../../support/video-peer.ts';
import { browsers, phones } from './support/exchange.ts';
import { useHall } from './support/hall.ts';
import { rtpSdp } from './support/party.ts';

const hall = useHall();
const VIDEO = ['H264', 'VP8'] as const;
const MODE_1 = 'packetization-mode=1;profile-level-id=42e01f';
const FEEDBACK = ['a=rtcp-fb:97 nack pli'];
const open: VideoPeer[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map(async (peer) => peer.close()));
});

async function camera(): Promise<VideoPeer> {
  const peer = await VideoPeer.open();
  open.push(peer);
  return peer;
}

/** A phone with a camera. */
function sdp(videoPort: number, options: { feedback?: readonly string[]; fmtp?: string; type?: number } = {}): string {
  const { feedback = FEEDBACK, fmtp = MODE_1, type = 97 } = options;
  const video = [`m=video ${videoPort} RTP/AVP ${type}`, `a=rtpmap:${type} H264/90000`, `a=fmtp:${type} ${fmtp}`];
  return `${rtpSdp(4000)}${[...video, ...feedback, 'a=sendrecv'].join('\r\n')}\r\n`;
}

async function withVideo(): Promise<void> {
  const profiles = {
    browsers: { ...browsers, video: VIDEO },
    phones: { ...phones, video: VIDEO, srtp: 'optional' as const },
  };
  // Over UDP no keys are told, so SRTP is none, and the video is in the clear like the audio.
  await hall.restart({ profiles });
}

const videoIn = (text: string): string => text.slice(text.indexOf('m=video'));
const videoPortIn = (text: string): number => Number(/^m=video (\d+)/m.exec(text)?.[1] ?? -1);
const picture = Buffer.from([0x80, 97, 0, 1, 0, 0, 0, 9, 0, 0, 0, 7, 0x65, 1, 2, 3]);

describe('a call of two phones', () => {
  it('carries video both ways, and requests for pictures by RTCP and by INFO', async () => {
    await withVideo();
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const [a, b] = [await camera(), await camera()];
    const calling = alice.call('bob', sdp(a.port));
    const invite = await bob.nextInvite();
    expect(videoIn(invite.body)).toMatch(/^m=video \d+ RTP\/AVP 97\r\n/);
    expect(videoIn(invite.body)).toContain('a=rtcp-fb:97 nack pli');
    const callee = await bob.accept(invite, sdp(b.port, { feedback: [], type: 99 }));
    const caller = await calling;
    expect(videoIn(caller.sdp)).toMatch(/^m=video \d+ RTP\/AVP 97\r\n/);
    a.send(picture, videoPortIn(caller.sdp));
    const seen = await until(() => b.heard[0], { within: 2_000, what: 'the picture at the callee' });
    expect(seen.payloadType).toBe(99);
    expect(seen.payload).toEqual(picture.subarray(12));
    const back = Buffer.from(picture);
    back[1] = 99;
    b.send(back, videoPortIn(invite.body));
    await until(() => a.heard.length > 0, { within: 2_000, what: 'the picture at the caller' });
    expect(a.heard[0]?.payloadType).toBe(97);
    // The caller knows PLI, the callee does not: INFO becomes PLI, and PLI becomes INFO.
    const since = performance.now();
    await callee.request('INFO', { contentType: 'application/media_control+xml', body: '<media_control/>' });
    const asked = await until(() => a.asked[0], { within: 1_000, every: 5, what: 'PLI at the caller' });
    expect(asked.at - since).toBeLessThan(200);
    expect(hall.exchange.eventsOf('keyframe-requested')).toMatchObject([{ result: 'requested' }]);
    a.askForPicture(videoPortIn(caller.sdp) + 1, 1);
    const info = await callee.next('INFO', 1_000);
    expect(info.header('Content-Type')).toBe('application/media_control+xml');
    expect(info.body).toContain('<picture_fast_update/>');
    bob.peer.reply(info, 200);
    // Audio alone from now on, and later with the camera again.
    const without = await caller.request('INVITE', { body: sdp(0) });
    caller.ack();
    expect(videoPortIn(without.body)).toBe(0);
    expect(without.body).toMatch(/^m=audio [1-9]/m);
    const again = await caller.request('INVITE', { body: sdp(a.port) });
    caller.ack();
    expect(videoPortIn(again.body)).toBeGreaterThan(0);
    a.heard.length = 0;
    b.send(back, videoPortIn(invite.body));
    await until(() => a.heard.length > 0, { within: 2_000, what: 'the picture once more' });
    await caller.bye();
  });

  it.each([
    ['the callee refuses it', (body: string) => body.replace(/m=video \d+/, 'm=video 0')],
    [
      'the callee has another configuration',
      (body: string) => body.replace('packetization-mode=1', 'packetization-mode=0'),
    ],
    ['the callee knows nothing of it', (body: string) => body.slice(0, body.indexOf('m=video'))],
  ])('is one of audio when %s', async (_, change) => {
    await withVideo();
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const calling = alice.call('bob', sdp(4002));
    const invite = await bob.nextInvite();
    await bob.accept(invite, change(sdp(4004)));
    const caller = await calling;
    expect(caller.sdp).toMatch(/^m=audio [1-9]/m);
    expect(videoPortIn(caller.sdp)).toBe(0);
    await caller.bye();
  });

  it('is one of audio when a profile allows no video', async () => {
    await hall.restart({ profiles: { browsers, phones } });
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const calling = alice.call('bob', sdp(4002));
    const invite = await bob.nextInvite();
    expect(invite.body).not.toContain('m=video');
    await bob.accept(invite, rtpSdp(4010));
    const caller = await calling;
    expect(videoPortIn(caller.sdp)).toBe(0);
    await caller.bye();
  });
});

describe('Chromium and a phone', () => {
  let browser: BrowserPeers;
  beforeAll(async () => {
    browser = await BrowserPeers.start();
  });
  afterAll(async () => {
    await browser?.stop();
  });
  const decoded = async (): Promise<number> => (await browser.video('page'))['inbound-rtp']?.['framesDecoded'] ?? 0;

  it('the phone calls: our offer is one that the browser takes, and both send', async () => {
    await withVideo();
    const [alice, bob] = [await hall.join('alice', 'ws'), await hall.join('bob')];
    const b = await camera();
    await browser.create('page', { width: 320, height: 240, frameRate: 20 });
    try {
      const calling = bob.call('alice', sdp(b.port));
      const invite = await alice.nextInvite();
      await alice.accept(invite, await browser.answer('page', invite.body));
      const caller = await calling;
      b.echoTo = { port: videoPortIn(caller.sdp), payloadType: 97, ssrc: 7 };
      await until(async () => (await decoded()) > 20, { within: 15_000, what: '20 pictures' });
      await caller.bye();
    } finally {
      await browser.hangUp('page');
    }
  });
});
