import { describe, expect, it } from 'vitest';
import { decodeG711, measureTone } from '../../../src/audio/index.ts';
import { RtpPeer } from '../../support/rtp-peer.ts';
import { isRequest, isResponse, type PeerMessage } from '../../support/sip-peer.ts';
import { until } from '../../support/until.ts';
import { useHall } from './support/hall.ts';
import { type Party, rtpPortIn, rtpSdp, webSdp } from './support/party.ts';

const hall = useHall();
const BOTH = ['0 PCMU/8000', '8 PCMA/8000', '101 telephone-event/8000'];
const PCMU = ['0 PCMU/8000', '101 telephone-event/8000'];
const PCMA = ['8 PCMA/8000', '101 telephone-event/8000'];

const isHeard = (port: number): boolean =>
  hall.exchange.media.connects.some((each) => each.kind === 'rtp' && each.remote.rtpPort === port);
const heard = (port: number): Promise<boolean> =>
  until(() => isHeard(port), { within: 1_000, what: `media from port ${port}` });

async function early(
  callee: Party,
  invite: PeerMessage,
  fork: { port: number; tag: string; status?: number },
): Promise<void> {
  callee.peer.reply(invite, fork.status ?? 183, {
    tag: fork.tag,
    contact: callee.contact,
    body: rtpSdp(fork.port, PCMU),
  });
}

describe('early media', () => {
  it('180 without SDP after it is told, with SDP it carries the same answer', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const inviting = alice.invite('bob', rtpSdp(41_000));
    const invite = await bob.nextInvite();
    await early(bob, invite, { port: 42_000, tag: 'one' });
    const first = await alice.peer.wait(isResponse(183, 'INVITE'));
    bob.peer.reply(invite, 180, { tag: 'one' });
    expect((await alice.peer.wait(isResponse(180, 'INVITE'))).body).toBe('');
    await early(bob, invite, { port: 42_000, tag: 'one', status: 180 });
    expect((await alice.peer.wait(isResponse(180, 'INVITE'))).body).toBe(first.body);
    const b = await bob.accept(invite, rtpSdp(42_000), { tag: 'one' });
    const { response, dialog } = await inviting;
    expect(response.body).toBe(first.body);
    dialog?.ack();
    await Promise.all([dialog?.bye(), b.awaitBye()]);
  });

  it('of several forks the first is heard; another one wins and is heard then', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const inviting = alice.invite('bob', rtpSdp(41_000));
    const invite = await bob.nextInvite();
    await early(bob, invite, { port: 42_000, tag: 'one' });
    await heard(42_000);
    await early(bob, invite, { port: 42_100, tag: 'two' });
    bob.peer.reply(invite, 180, { tag: 'three' });
    await alice.peer.wait(isResponse(180, 'INVITE'));
    expect(isHeard(42_100)).toBe(false);
    const b = await bob.accept(invite, rtpSdp(42_100), { tag: 'two' });
    const { response, dialog } = await inviting;
    await heard(42_100);
    expect(response.body).toBe((await alice.peer.wait(isResponse(183, 'INVITE'))).body);
    dialog?.ack();
    await Promise.all([dialog?.bye(), b.awaitBye()]);
  });

  it('a fork that ends (199) leaves the ear to the next', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const inviting = alice.invite('bob', rtpSdp(41_000));
    const invite = await bob.nextInvite();
    await early(bob, invite, { port: 42_000, tag: 'one' });
    await heard(42_000);
    bob.peer.reply(invite, 199, { tag: 'one' });
    await early(bob, invite, { port: 42_100, tag: 'two' });
    await heard(42_100);
    expect(alice.peer.count(isResponse(199))).toBe(0);
    bob.peer.reply(invite, 486, { tag: 'two' });
    expect((await inviting).response.status).toBe(486);
  });

  it('of two phones of one user the first is heard, and the other one when it answers', async () => {
    const [alice, desk, mobile] = [await hall.join('alice'), await hall.join('bob'), await hall.join('bob')];
    const inviting = alice.invite('bob', rtpSdp(41_000));
    const [atDesk, atMobile] = [await desk.nextInvite(), await mobile.nextInvite()];
    await early(desk, atDesk, { port: 42_000, tag: 'desk' });
    const first = await alice.peer.wait(isResponse(183, 'INVITE'));
    await early(mobile, atMobile, { port: 43_000, tag: 'mobile' });
    const m = await mobile.accept(atMobile, rtpSdp(43_000), { tag: 'mobile' });
    const cancel = await desk.peer.wait(isRequest('CANCEL'));
    desk.peer.reply(cancel, 200);
    desk.peer.reply(atDesk, 487, { tag: 'desk' });
    const { response, dialog } = await inviting;
    expect(response.body).toBe(first.body);
    expect(isHeard(43_000)).toBe(true);
    expect(hall.exchange.media.bridges).toHaveLength(2);
    dialog?.ack();
    await Promise.all([dialog?.bye(), m.awaitBye()]);
  });

  it('a phone that rings on after the early media of another is heard ringing, until it answers', async () => {
    const [alice, desk, mobile] = [await hall.join('alice'), await hall.join('bob'), await hall.join('bob')];
    const a = await RtpPeer.open();
    try {
      const inviting = alice.invite('bob', rtpSdp(a.port, PCMU));
      const [atDesk, atMobile] = [await desk.nextInvite(), await mobile.nextInvite()];
      mobile.peer.reply(atMobile, 180, { tag: 'mobile' });
      await early(desk, atDesk, { port: 42_000, tag: 'desk' });
      await heard(42_000);
      expect(hall.exchange.media.played).toEqual([]);
      desk.peer.reply(atDesk, 480, { tag: 'desk' });
      await until(() => a.heard.length > 40, { within: 5_000, what: 'ringing' });
      const pcm = a.heard.flatMap(({ payload }) => [...decodeG711('PCMU', payload)]);
      expect(measureTone(Int16Array.from(pcm.slice(0, 6400)), 8000, 425).snrDb).toBeGreaterThan(20);
      const m = await mobile.accept(atMobile, rtpSdp(43_000, PCMU), { tag: 'mobile' });
      const { dialog } = await inviting;
      dialog?.ack();
      expect(hall.exchange.media.played.map(({ sound }) => sound?.kind)).toEqual(['ringback', undefined]);
      await Promise.all([dialog?.bye(), m.awaitBye()]);
    } finally {
      await a.close();
    }
  });

  it('is heard both ways before the answer: who is called may want keys or a name first', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const [a, b] = [await RtpPeer.open(), await RtpPeer.open()];
    try {
      const inviting = alice.invite('bob', rtpSdp(a.port, PCMU));
      const invite = await bob.nextInvite();
      await early(bob, invite, { port: b.port, tag: 'one' });
      const told = await alice.peer.wait(isResponse(183, 'INVITE'));
      const target = { payloadType: 0, step: 160 };
      a.play([Buffer.alloc(160, 0x11)], { ...target, ssrc: 1, port: rtpPortIn(told.body) });
      b.play([Buffer.alloc(160, 0x22)], { ...target, ssrc: 2, port: rtpPortIn(invite.body) });
      const hears = (rtp: RtpPeer, byte: number): Promise<boolean> =>
        until(() => rtp.heard.filter(({ payload }) => payload[0] === byte).length > 5, {
          within: 3_000,
          what: 'sound',
        });
      await Promise.all([hears(b, 0x11), hears(a, 0x22)]);
      bob.peer.reply(invite, 486, { tag: 'one' });
      expect((await inviting).response.status).toBe(486);
    } finally {
      await Promise.all([a.close(), b.close()]);
    }
  });

  it('a 200 without SDP confirms what the 183 of its fork has said', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const calling = alice.call('bob', rtpSdp(41_000));
    const invite = await bob.nextInvite();
    await early(bob, invite, { port: 42_000, tag: 'one' });
    const b = await bob.accept(invite, '', { tag: 'one' });
    const a = await calling;
    expect(rtpPortIn(a.sdp)).toBeGreaterThan(0);
    await Promise.all([a.bye(), b.awaitBye()]);
    expect(await hall.exchange.nextRecord()).toMatchObject({
      endReason: 'hangup-caller',
      legs: [{ codec: 'PCMU' }, {}],
    });
  });

  it.each([
    ['without any SDP before', 'other'],
    ['of a fork that sent none', 'two'],
  ])('a 200 without SDP, %s, ends the callee with BYE and the caller with 488', async (_, tag) => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const inviting = alice.invite('bob', rtpSdp(41_000));
    const invite = await bob.nextInvite();
    if (tag === 'two') await early(bob, invite, { port: 42_000, tag: 'one' });
    const b = await bob.accept(invite, '', { tag });
    expect((await b.awaitBye()).header('Reason')).toContain('cause=488');
    expect((await inviting).response.status).toBe(488);
    expect(await hall.exchange.nextRecord()).toMatchObject({ endReason: 'not-acceptable', sipStatus: 488 });
  });

  it('the codec changes with the 200: a SIP caller keeps its one answer and is offered the other one', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const inviting = alice.invite('bob', rtpSdp(41_000, BOTH));
    const invite = await bob.nextInvite();
    bob.peer.reply(invite, 183, { tag: 'one', contact: bob.contact, body: rtpSdp(42_000, PCMU) });
    const first = await alice.peer.wait(isResponse(183, 'INVITE'));
    const b = await bob.accept(invite, rtpSdp(42_000, PCMA), { tag: 'two' });
    const { response, dialog } = await inviting;
    if (dialog === undefined) throw new Error('refused');
    expect(response.body).toBe(first.body);
    dialog.ack();
    const offered = await dialog.next('INVITE');
    expect(offered.body).toMatch(/m=audio \d+ RTP\/AVP 8 101/);
    alice.peer.reply(offered, 200, { contact: alice.contact, body: rtpSdp(41_000, PCMA) });
    await dialog.next('ACK');
    await until(
      () => hall.exchange.media.connects.findLast((each) => each.kind === 'rtp')?.format.codec.name === 'PCMA',
      {
        within: 1_000,
        what: 'the new codec',
      },
    );
    await Promise.all([dialog.bye(), b.awaitBye()]);
  });

  it('a SIP caller that refuses the other codec is hung up, and so is the callee', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const inviting = alice.invite('bob', rtpSdp(41_000, BOTH));
    const invite = await bob.nextInvite();
    bob.peer.reply(invite, 183, { tag: 'one', contact: bob.contact, body: rtpSdp(42_000, PCMU) });
    await alice.peer.wait(isResponse(183, 'INVITE'));
    const b = await bob.accept(invite, rtpSdp(42_000, PCMA), { tag: 'one' });
    const { dialog } = await inviting;
    dialog?.ack();
    alice.peer.reply((await dialog?.next('INVITE')) as PeerMessage, 488);
    await Promise.all([dialog?.awaitBye(), b.awaitBye()]);
    expect(await hall.exchange.nextRecord()).toMatchObject({ endReason: 'not-acceptable' });
  });

  it('the codec changes with the 200: a browser hears nothing of it, the callee is offered the first one again', async () => {
    const [alice, bob] = [await hall.join('alice', 'ws'), await hall.join('bob')];
    const inviting = alice.invite('bob', webSdp({ formats: BOTH }));
    const invite = await bob.nextInvite();
    bob.peer.reply(invite, 183, { tag: 'one', contact: bob.contact, body: rtpSdp(42_000, PCMU) });
    const first = await alice.peer.wait(isResponse(183, 'INVITE'));
    const b = await bob.accept(invite, rtpSdp(42_000, PCMA), { tag: 'one' });
    const { response, dialog } = await inviting;
    expect(response.body).toBe(first.body);
    dialog?.ack();
    const offered = await b.next('INVITE');
    expect(offered.body).toMatch(/m=audio \d+ RTP\/AVP 0 101/);
    bob.peer.reply(offered, 200, { contact: bob.contact, body: rtpSdp(42_000, PCMU) });
    await b.next('ACK');
    expect(alice.peer.count(isRequest('INVITE'))).toBe(0);
    await Promise.all([dialog?.bye(), b.awaitBye()]);
  });
});
