/** Video beside audio, from SIP to SIP and between a browser and a phone: offered, agreed on, refused, ended. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Srtp, type SrtpKeys } from '../../../src/rtp/index.ts';
import { BrowserPeers } from '../../media/support/browser-peer.ts';
import { until } from '../../support/until.ts';
import { VideoPeer } from '../../support/video-peer.ts';
import { browsers, phones } from './support/exchange.ts';
import { useHall } from './support/hall.ts';
import { type Party, type PartyDialog, rtpSdp } from './support/party.ts';

const hall = useHall();
const VIDEO = ['H264', 'VP8'] as const;
const MODE_1 = 'packetization-mode=1;profile-level-id=42e01f';
const FEEDBACK = ['a=rtcp-fb:97 nack pli'];
const open: VideoPeer[] = [];
const KEY_AND_SALT = Buffer.from('d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj', 'base64');
const srtpKeys: SrtpKeys = {
  suite: 'AES_CM_128_HMAC_SHA1_80',
  key: KEY_AND_SALT.subarray(0, 16),
  salt: KEY_AND_SALT.subarray(16),
};

afterEach(async () => {
  await Promise.all(open.splice(0).map(async (peer) => peer.close()));
});

async function camera(): Promise<VideoPeer> {
  const peer = await VideoPeer.open();
  open.push(peer);
  return peer;
}

interface SdpOptions {
  readonly feedback?: readonly string[];
  readonly fmtp?: string;
  readonly type?: number;
  readonly protocol?: string;
}

/** A phone with a camera. */
function sdp(videoPort: number, options: SdpOptions = {}): string {
  const { feedback = FEEDBACK, fmtp = MODE_1, type = 97, protocol = 'RTP/AVP' } = options;
  const video = [`m=video ${videoPort} ${protocol} ${type}`, `a=rtpmap:${type} H264/90000`, `a=fmtp:${type} ${fmtp}`];
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
/** A re-INVITE with video, and what comes of it. */
async function addVideo(dialog: PartyDialog, body: string): Promise<number> {
  const answer = await dialog.request('INVITE', { body });
  dialog.ack();
  expect(answer.status).toBe(200);
  expect(answer.body).toMatch(/^m=audio [1-9]/m);
  return videoPortIn(answer.body);
}

interface Talk {
  readonly a: PartyDialog;
  readonly b: PartyDialog;
}

async function talk(from: Party, to: Party, offer = rtpSdp(4000), answer = rtpSdp(4010)): Promise<Talk> {
  const before = hall.exchange.eventsOf('call-answered').length;
  const calling = from.call(to.user, offer);
  const b = await to.accept(await to.nextInvite(), answer);
  const a = await calling;
  await until(() => hall.exchange.eventsOf('call-answered').length > before, { within: 2_000, what: 'the call' });
  return { a, b };
}

/** Takes a re-INVITE with this, and gives its offer. */
async function take(dialog: PartyDialog, body: string): Promise<string> {
  const invite = await dialog.take('INVITE', 200, { body });
  await dialog.next('ACK');
  return invite.body;
}

/** Sees that a picture of the one comes to the other. */
async function sees(
  to: VideoPeer,
  from: VideoPeer,
  at: { readonly port: number; readonly type?: number },
): Promise<void> {
  const known = to.heard.length;
  const sent = Buffer.from(picture);
  sent[1] = at.type ?? 97;
  from.send(sent, at.port);
  const seen = await until(() => to.heard[known], { within: 2_000, what: 'the picture' });
  expect(seen.payload).toEqual(picture.subarray(12));
}

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

describe('video in a call that has none', () => {
  it('comes by a re-INVITE of either phone: the other one is asked for it before that is answered', async () => {
    await withVideo();
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const [a, b] = [await camera(), await camera()];
    const { a: caller, b: callee } = await talk(alice, bob);
    for (const [from, to, own, other] of [
      [caller, callee, a, b],
      [callee, caller, b, a],
    ] as const) {
      const [port, offer] = await Promise.all([addVideo(from, sdp(own.port)), take(to, sdp(other.port, { type: 99 }))]);
      expect(videoIn(offer)).toMatch(/^m=video [1-9]\d* RTP\/AVP 97\r\n/);
      await sees(other, own, { port });
      await sees(own, other, { port: videoPortIn(offer), type: 99 });
      // Without it again: each of them, because who sees nobody any more is not told (D3).
      expect(await addVideo(from, sdp(0))).toBe(0);
      expect(await addVideo(to, sdp(0))).toBe(0);
    }
    await Promise.all([caller.bye(), callee.awaitBye()]);
  });

  it.each([
    ['refuses it', { status: 488, body: '' }],
    ['takes the audio alone', { status: 200, body: sdp(0) }],
    [
      'answers it inactive',
      { status: 200, body: sdp(4012).replace('a=rtcp-fb:97 nack pli\r\na=sendrecv', 'a=inactive') },
    ],
    ['answers what nobody can use', { status: 200, body: rtpSdp(4010, ['18 G729/8000']) }],
  ])('stays out when the other one %s, and the audio goes on', async (_, { status, body }) => {
    await withVideo();
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const { a: caller, b: callee } = await talk(alice, bob);
    const answering = callee.take('INVITE', status, { body });
    const asked = addVideo(caller, sdp(4002));
    expect(videoPortIn((await answering).body)).toBeGreaterThan(0);
    // What it has accepted and cannot be used is taken back.
    if (body.includes('G729')) await take(callee, rtpSdp(4010));
    expect(await asked).toBe(0);
    await Promise.all([caller.bye(), callee.awaitBye()]);
  });

  it('stays out when both ask for it at once, and when it comes by UPDATE', async () => {
    await withVideo();
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const { a: caller, b: callee } = await talk(alice, bob);
    const update = await caller.request('UPDATE', { body: sdp(4002) });
    expect([update.status, videoPortIn(update.body)]).toEqual([200, 0]);
    const first = caller.request('INVITE', { body: sdp(4002) });
    const toCallee = await callee.next('INVITE');
    // The callee has not seen that one when its own is sent (RFC 3261 §14.2).
    expect((await callee.request('INVITE', { body: sdp(4012) })).status).toBe(491);
    callee.ack();
    bob.peer.reply(toCallee, 488);
    expect(videoPortIn((await first).body)).toBe(0);
    caller.ack();
    await Promise.all([caller.bye(), callee.awaitBye()]);
  });
});

describe('a caller without an offer', () => {
  it.each([
    ['goes on with video when both have it', true],
    ['has audio alone when it has no camera, and the callee is told so', false],
  ])('%s', async (_, hasCamera) => {
    await withVideo();
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const [a, b] = [await camera(), await camera()];
    const calling = alice.invite('bob', '');
    const invite = await bob.nextInvite();
    expect(videoIn(invite.body)).toContain('packetization-mode=1');
    const accepting = bob.accept(invite, sdp(b.port, { type: 97 }));
    const { dialog: caller } = await calling;
    if (caller === undefined) throw new Error('refused');
    const callee = await accepting;
    const port = videoPortIn(caller.sdp);
    expect(port).toBeGreaterThan(0);
    caller.ack(hasCamera ? sdp(a.port) : sdp(0));
    if (hasCamera) {
      await until(() => hall.exchange.eventsOf('call-answered')[0], { within: 2_000, what: 'the call' });
      await sees(b, a, { port });
      await sees(a, b, { port: videoPortIn(invite.body) });
    } else expect(videoPortIn(await take(callee, sdp(0)))).toBe(0);
    await Promise.all([caller.bye(), callee.awaitBye()]);
  });
});

describe('a transfer of a call with video', () => {
  interface Three extends Talk {
    readonly carol: Party;
    readonly alice: Party;
    readonly cameras: readonly [VideoPeer, VideoPeer, VideoPeer];
    /** Where the transferee sends its pictures. */
    readonly port: number;
  }

  async function three(): Promise<Three> {
    await withVideo();
    const [alice, bob, carol] = [await hall.join('alice'), await hall.join('bob'), await hall.join('carol')];
    const cameras = [await camera(), await camera(), await camera()] as const;
    const { a, b } = await talk(alice, bob, sdp(cameras[0].port), sdp(cameras[1].port));
    return { a, b, alice, carol, cameras, port: videoPortIn(a.sdp) };
  }

  it.each([
    ['goes on with it when the new party has it', true],
    ['is one of audio when the new party has none, and who shows itself is told', false],
  ])('blind: %s', async (_, hasCamera) => {
    const { a, b, carol, cameras, port } = await three();
    expect((await b.request('REFER', { headers: ['Refer-To: <sip:carol@exchange.test>'] })).status).toBe(202);
    const invite = await carol.nextInvite();
    expect(videoIn(invite.body)).toMatch(/^m=video [1-9]/);
    const told = hasCamera ? undefined : take(a, sdp(0));
    const c = await carol.accept(invite, sdp(hasCamera ? cameras[2].port : 0, { type: 99 }));
    await b.awaitBye();
    if (hasCamera) {
      await sees(cameras[2], cameras[0], { port });
      await sees(cameras[0], cameras[2], { port: videoPortIn(invite.body), type: 99 });
    } else expect(videoPortIn((await told) ?? '')).toBe(0);
    await Promise.all([a.bye(), c.awaitBye()]);
  });

  it.each([
    ['goes on with it when both have it', true],
    ['is one of audio when the other one has none', false],
  ])('attended: %s', async (_, hasCamera) => {
    const { a, b, alice, carol, cameras, port } = await three();
    const calling = alice.call('carol', hasCamera ? sdp(4020) : rtpSdp(4020));
    const c = await carol.accept(await carol.nextInvite(), hasCamera ? sdp(cameras[2].port) : rtpSdp(4030));
    const consulted = await calling;
    const told = hasCamera ? undefined : take(b, sdp(0));
    const target = `<sip:carol@exchange.test?Replaces=${encodeURIComponent(consulted.replaces)}>`;
    expect((await a.request('REFER', { headers: [`Refer-To: ${target}`] })).status).toBe(202);
    await Promise.all([a.awaitBye(), consulted.awaitBye()]);
    if (hasCamera) await sees(cameras[2], cameras[1], { port: videoPortIn(b.sdp) });
    else expect(videoPortIn((await told) ?? '')).toBe(0);
    expect(port).toBeGreaterThan(0);
    await Promise.all([b.bye(), c.awaitBye()]);
  });
});

describe('parameter sets', () => {
  it('that a phone tells in its SDP alone go before its first complete picture', async () => {
    await withVideo();
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const [a, b] = [await camera(), await camera()];
    const [sps, pps] = [Buffer.from('Z0LgH9oC', 'base64'), Buffer.from('aM4x', 'base64')];
    const sets = `;sprop-parameter-sets=${sps.toString('base64')},${pps.toString('base64')}`;
    const { a: caller, b: callee } = await talk(
      alice,
      bob,
      sdp(a.port, { fmtp: MODE_1 + sets }),
      sdp(b.port, { fmtp: MODE_1, type: 99 }),
    );
    a.send(picture, videoPortIn(caller.sdp));
    await until(() => b.heard.length === 3, { within: 2_000, what: 'the picture with its parameter sets' });
    expect(b.heard.map(({ payload }) => payload)).toEqual([sps, pps, picture.subarray(12)]);
    const [first] = b.heard;
    expect(b.heard.map(({ sequence }) => (sequence - (first?.sequence ?? 0)) & 0xffff)).toEqual([0, 1, 2]);
    expect(new Set(b.heard.map(({ timestamp, ssrc, payloadType }) => [timestamp, ssrc, payloadType].join()))).toEqual(
      new Set([[first?.timestamp, first?.ssrc, 99].join()]),
    );
    await Promise.all([caller.bye(), callee.awaitBye()]);
  });
});

describe('SRTP', () => {
  const KEY = 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj';
  const secret = (text: string, hasVideoKey = true): string => {
    const [audio = '', video = ''] = text.replaceAll('RTP/AVP', 'RTP/SAVP').split('m=video ');
    return `${audio}${KEY}\r\nm=video ${video}${hasVideoKey ? `${KEY}\r\n` : ''}`;
  };

  it('is for the video as for the audio: pictures in clear beside a voice that is not are refused', async () => {
    const policy = { ...phones, video: VIDEO, srtp: 'optional' as const, srtpKeysInClear: true };
    await hall.restart({ profiles: { browsers, phones: policy } });
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const keys = { send: srtpKeys, receive: srtpKeys };
    const [a, b] = [await camera(), await camera()];
    const calling = alice.call('bob', secret(sdp(a.port)));
    const invite = await bob.nextInvite();
    expect(videoIn(invite.body)).toMatch(/^m=video [1-9]\d* RTP\/AVP 97\r\n/);
    expect(videoIn(invite.body)).toContain('a=crypto:1 ');
    const callee = await bob.accept(invite, sdp(b.port));
    const caller = await calling;
    expect(videoIn(caller.sdp)).toMatch(/^m=video [1-9]\d* RTP\/SAVP 97\r\n/);
    const [, answered = ''] = /a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:(\S+)/.exec(videoIn(caller.sdp)) ?? [];
    const theirs = Buffer.from(answered, 'base64');
    const srtp = new Srtp({
      ...keys,
      receive: { ...srtpKeys, key: theirs.subarray(0, 16), salt: theirs.subarray(16) },
    });
    const sealed = srtp.sealRtp(Buffer.from(picture)) ?? Buffer.alloc(0);
    a.send(sealed, videoPortIn(caller.sdp));
    const seen = await until(() => b.heard[0], { within: 2_000, what: 'the picture in clear' });
    expect(seen.payload).toEqual(picture.subarray(12));
    b.send(picture, videoPortIn(invite.body));
    const back = await until(() => a.heard[0], { within: 2_000, what: 'the picture under SRTP' });
    expect(back.payload.length).toBe(picture.length - 12 + 10);
    expect(srtp.openRtp(Buffer.from(back.packet), 0)?.subarray(12)).toEqual(picture.subarray(12));
    // One in clear, and one under a key that nobody has agreed on, get nowhere.
    a.send(picture, videoPortIn(caller.sdp));
    const failed = (await hall.exchange.media.counters()).srtpPacketsFailed;
    await until(async () => (await hall.exchange.media.counters()).srtpPacketsFailed >= Math.max(1, failed), {
      within: 2_000,
      what: 'the packet in clear to be counted',
    });
    expect(b.heard).toHaveLength(1);
    const clear = await caller.request('INVITE', {
      body: secret(sdp(a.port), false).replace(/(m=video \d+ RTP\/)S/, '$1'),
    });
    caller.ack();
    expect([clear.status, videoPortIn(clear.body)]).toEqual([200, 0]);
    await Promise.all([caller.bye(), callee.awaitBye()]);
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
