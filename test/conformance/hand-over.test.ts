/** The two phases of a port: Chromium ⇄ mediasoup ⇄ plain RTP, with and without the edge in the way. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { MediaEvent } from '../../src/calls/index.ts';
import { type PortId, systemClock } from '../../src/kernel/index.ts';
import { sharesPorts } from '../../src/media/edge/index.ts';
import { buildRtcp } from '../../src/rtp/index.ts';
import { BrowserPeers } from '../media/support/browser-peer.ts';
import { HandOverCall } from '../media/support/hand-over-call.ts';
import { owner, startTestPlane, type TestPlane } from '../media/support/test-plane.ts';
import { digitsIn } from '../support/rtp-peer.ts';
import { amplitudeOf } from '../support/sound.ts';
import { watchStalls } from '../support/stalls.ts';
import { until } from '../support/until.ts';

let browser: BrowserPeers;
let media: TestPlane;
const calls: HandOverCall[] = [];

beforeAll(async () => {
  browser = await BrowserPeers.start();
  media = await startTestPlane(44_500, 1, { handOverAfterMs: 250 });
});

afterAll(async () => {
  await media?.plane.stop();
  await browser?.stop();
});

afterEach(async () => {
  for (const call of calls.splice(0)) await call.end();
  media.events.length = 0;
  expect(await media.plane.counters()).toMatchObject({ portsOpen: 0, portsHandedOver: 0, routersOpen: 0 });
});

async function begin(codec: 'PCMU' | 'PCMA' | 'G722' | 'opus', policy: 'sdp' | 'latch' = 'sdp'): Promise<HandOverCall> {
  const call = await HandOverCall.begin(media, browser, `${codec}-${calls.length}`, { codec, policy });
  calls.push(call);
  return call;
}

const digitsTold = (portId: PortId) =>
  media.events
    .filter((event) => event.kind === 'digit' && event.portId === portId)
    .map((event) => event as Extract<MediaEvent, { kind: 'digit' }>);

describe('this system', () => {
  it.each(['127.0.0.1', '0.0.0.0'])('shares ports on %s as the hand-over needs it', async (address) => {
    expect(await sharesPorts(address, systemClock)).toBe(true);
  });
});

describe('a port that is handed over and taken back', () => {
  it('loses no packet and changes no byte, in any codec and direction', async () => {
    const all = await Promise.all((['PCMU', 'PCMA', 'G722', 'opus'] as const).map((codec) => begin(codec)));
    for (let turn = 0; turn < 10; turn++) {
      await until(async () => (await media.plane.counters()).portsHandedOver === all.length, {
        within: 15_000,
        what: 'all to be handed over',
      });
      await sleep(100);
      // A renegotiated address makes a way of its own, a digit keeps it.
      await Promise.all(all.map((call) => (turn % 2 === 0 ? call.renegotiate() : call.press('5'))));
      expect((await media.plane.counters()).portsHandedOver).toBe(0);
    }
    for (const call of all) {
      const { toBrowser, toPhone } = await call.losses();
      expect(toBrowser, `${call.id} to the browser`).toEqual([]);
      expect(toPhone, `${call.id} to the phone`).toEqual([]);
    }
  });

  it('counts in its report what went over it in both phases', async () => {
    const call = await begin('PCMU');
    await call.isHandedOver();
    await sleep(500);
    await call.renegotiate();
    await call.isHandedOver();
    call.peer.pause();
    await sleep(400);
    const report = await media.plane.quality(call.phoneId);
    expect(report?.packetsReceived).toBe(call.sent);
    expect(report?.packetsLost).toBe(0);
    expect(report?.packetsSent).toBeGreaterThanOrEqual(call.peer.heard.length);
  });

  it('carries digits in both directions while it is handed over', async () => {
    const call = await begin('PCMU');
    await call.isHandedOver();
    await browser.dial(call.id, '19#', 120, 80);
    await until(() => digitsIn(call.peer.heard, call.eventType).length === 3, { within: 5000, what: 'three digits' });
    expect(digitsIn(call.peer.heard, call.eventType).map(({ digit }) => digit)).toEqual(['1', '9', '#']);
    const hearing = browser.hear(call.id, 1.5);
    await sleep(200);
    call.peer.pause();
    await call.peer.sendDigit('5', 600, { ...call.target, payloadType: call.eventType, eventStep: 160 });
    const heard = await hearing;
    // The key 5 is 770 Hz and 1336 Hz (ITU-T Q.23).
    expect(amplitudeOf(heard, 770)).toBeGreaterThan(0.01);
    expect(amplitudeOf(heard, 1336)).toBeGreaterThan(0.01);
    expect(await call.isAway()).toBe(true);
    // All are told, although mediasoup alone has seen them.
    expect(digitsTold(owner(call.id).portId).map(({ digit }) => digit)).toEqual(['1', '9', '#']);
    expect(digitsTold(call.phoneId)).toMatchObject([{ digit: '5', durationMs: 600, form: 'events' }]);
  });

  it('tells a key once that is pressed while it changes hands, and one whose end is lost', async () => {
    const call = await begin('PCMU');
    await call.isHandedOver();
    call.peer.pause();
    const keys = { ...call.target, payloadType: call.eventType, eventStep: 160 };
    const pressing = call.peer.sendDigit('7', 400, keys);
    await sleep(150);
    await call.renegotiate();
    await pressing;
    call.play({});
    await call.isHandedOver();
    // mediasoup takes no key before it has heard the audio.
    await sleep(200);
    call.peer.pause();
    // Three packets of a key, and nothing of its end.
    const { sequence, timestamp } = call.peer.counters;
    for (let i = 1; i <= 3; i++) {
      const packet = Buffer.alloc(16);
      packet.writeUInt16BE(0x8000 | call.eventType, 0);
      packet.writeUInt16BE((sequence + i) & 0xffff, 2);
      packet.writeUInt32BE(timestamp, 4);
      packet.writeUInt32BE(call.target.ssrc, 8);
      packet.set([8, 10], 12);
      packet.writeUInt16BE(i * 160, 14);
      call.peer.sendRaw(packet, call.target.port);
      await sleep(20);
    }
    await until(() => digitsTold(call.phoneId).length > 1, { within: 3000, what: 'the second key' });
    expect(digitsTold(call.phoneId)).toMatchObject([
      { digit: '7', durationMs: 400 },
      { digit: '8', durationMs: 60 },
    ]);
  });

  it('keeps one stream towards the phone through hold and changes of what the phone sends', async () => {
    const call = await begin('PCMU');
    await call.isHandedOver();
    await sleep(300);
    const since = call.peer.heard.length;
    const { ssrc } = call.peer.heard.at(-1) ?? {};
    call.play({ ssrc: 0x5a5a0002 });
    await until(async () => !(await call.isAway()), { within: 5000, what: 'the edge to be back' });
    await call.isHandedOver();
    await call.connect({ direction: 'recvonly' });
    await sleep(300);
    await call.connect({});
    await call.isHandedOver();
    await sleep(300);
    const later = call.peer.heard.slice(since);
    expect(new Set(later.map((packet) => packet.ssrc))).toEqual(new Set([ssrc]));
    const steps = later.slice(1).map(({ sequence }, i) => (sequence - (later[i]?.sequence ?? 0)) & 0xffff);
    expect(new Set(steps)).toEqual(new Set([1]));
  });

  it('reports to the phone and reads its reports', async () => {
    const call = await begin('PCMU');
    await call.isHandedOver();
    const rtcp = createSocket('udp4');
    rtcp.bind(call.peer.port + 1, '127.0.0.1');
    await once(rtcp, 'listening');
    const [report] = (await once(rtcp, 'message', { signal: AbortSignal.timeout(15_000) })) as [Buffer];
    // A sender report of the very stream that comes from mediasoup (RFC 3550 §6.4.1).
    expect(report[1]).toBe(200);
    expect(report.readUInt32BE(4)).toBe(call.peer.heard.at(-1)?.ssrc);
    const ours = Buffer.alloc(32);
    ours.writeUInt32BE(0x81c90007, 0);
    ours.writeUInt32BE(call.target.ssrc, 4);
    ours.writeUInt32BE(report.readUInt32BE(4), 8);
    ours.writeUInt32BE(7, 12);
    ours.writeUInt32BE(call.peer.heard.at(-1)?.sequence ?? 0, 16);
    rtcp.send(ours, call.target.port + 1, '127.0.0.1');
    await until(async () => (await media.plane.quality(call.phoneId))?.remotePacketsLost === 7, {
      within: 3000,
      what: 'the loss that the phone reports',
    });
    rtcp.close();
  });
});

describe('the edge is back in the way', () => {
  it('within 100 ms when the phone has another SSRC', async () => {
    const call = await begin('PCMU');
    for (let turn = 0; turn < 3; turn++) {
      await call.isHandedOver();
      const stalls = watchStalls();
      const first = call.play({ ssrc: 0x5a5a1000 + turn });
      const lost = await call.lostFrom(first);
      stalls.stop();
      expect(lost * 20).toBeLessThanOrEqual(100 + 2 * stalls.longestMs());
    }
  });

  it('within 2 s when the phone sends from elsewhere unannounced, and then sends to there', async () => {
    const call = await begin('PCMU', 'latch');
    await call.isHandedOver();
    await sleep(1500);
    const stalls = watchStalls();
    const first = await call.move();
    const lost = await call.lostFrom(first);
    stalls.stop();
    expect(lost * 20).toBeLessThanOrEqual(2000 + stalls.longestMs());
    await until(() => call.peer.heard.length > 20, { within: 2000, what: 'audio at the new address' });
  });

  it('before a re-INVITE that moves the phone has been applied', async () => {
    const call = await begin('PCMU');
    await call.isHandedOver();
    const stalls = watchStalls();
    const begun = performance.now();
    const first = await call.move({ announced: true });
    const lost = await call.lostFrom(first);
    stalls.stop();
    expect(lost).toBe(0);
    expect(performance.now() - begun).toBeLessThan(3000);
  });

  it('never for strangers, of whom nothing is played or answered (T18)', async () => {
    const call = await begin('PCMU');
    await call.isHandedOver();
    const stranger = createSocket('udp4');
    let answers = 0;
    stranger.on('message', () => {
      answers += 1;
    });
    const { sequence, timestamp } = call.peer.counters;
    for (let i = 0; i < 300; i++) {
      const packet = Buffer.alloc(172, 0x55);
      packet.writeUInt16BE(0x8000, 0);
      packet.writeUInt16BE((sequence + i) & 0xffff, 2);
      packet.writeUInt32BE((timestamp + i * 160) >>> 0, 4);
      packet.writeUInt32BE(call.target.ssrc, 8);
      stranger.send(packet, call.target.port, '127.0.0.1');
      stranger.send(Buffer.from([0x80, 0xc9, 0, 1, 0, 0, 0, 1]), call.target.port + 1, '127.0.0.1');
      if (i % 5 === 0) await sleep(10);
    }
    expect(await call.isAway()).toBe(true);
    await sleep(300);
    expect((await browser.frames(call.id, 'received')).some((frame) => frame.startsWith('5555'))).toBe(false);
    expect(answers).toBe(0);
    expect((await call.losses()).toBrowser).toEqual([]);
    stranger.close();
  });

  it('when the call ends on either side, and nothing is left', async () => {
    const [one, other] = [await begin('PCMU'), await begin('opus')];
    await Promise.all([one.isHandedOver(), other.isHandedOver()]);
    await media.plane.close(owner(one.id).portId);
    await media.plane.close(other.phoneId);
    expect((await media.plane.counters()).portsHandedOver).toBe(0);
  });
});

describe('a phone that falls silent while it is handed over', () => {
  it('lives as long as it reports, and is dead when nothing comes any more', async () => {
    const call = await begin('PCMU');
    const mediaTimeout = { talkingMs: 2000, restingMs: 0 };
    await call.connect({ mediaTimeout });
    await call.isHandedOver();
    const timeouts = () => media.events.filter(({ kind }) => kind === 'media-timeout');
    await sleep(3000);
    expect(await call.isAway()).toBe(true);
    call.peer.pause();
    const rtcp = createSocket('udp4');
    rtcp.bind(0, '127.0.0.1');
    await once(rtcp, 'listening');
    const report = buildRtcp([
      { kind: 'receiver-report', ssrc: call.target.ssrc, blocks: [] },
      { kind: 'source-description', ssrc: call.target.ssrc, cname: 'phone' },
    ]);
    for (let sent = 0; sent < 20; sent++) {
      rtcp.send(report, call.target.port + 1, '127.0.0.1');
      await sleep(200);
    }
    rtcp.close();
    expect(timeouts()).toEqual([]);
    await until(() => timeouts().length > 0, { within: 5000, what: 'the timeout' });
    expect(timeouts()[0]).toMatchObject({ portId: call.phoneId, silentMs: 2000, wasHeard: true });
  });
});
