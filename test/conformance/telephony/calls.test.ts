import { describe, expect, it } from 'vitest';
import { isRequest, isResponse, type SipPeer } from '../../support/sip-peer.ts';
import { until } from '../../support/until.ts';
import { DOMAIN, trunks } from './support/exchange.ts';
import { useHall } from './support/hall.ts';
import { rtpPortIn, rtpSdp, webSdp } from './support/party.ts';

const hall = useHall();

describe('a call', () => {
  it('between two phones: ringing, answer, BYE from the caller', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const calling = alice.call('bob', rtpSdp(41_000), {});
    const invite = await bob.nextInvite();
    expect(invite.header('From')).toMatch(new RegExp(`<sip:alice@${DOMAIN}>;tag=`));
    expect(invite.header('To')).toBe(`<sip:bob@${DOMAIN}>`);
    expect(invite.header('Max-Forwards')).toBe('69');
    expect(rtpPortIn(invite.body)).toBeGreaterThanOrEqual(44_650);
    bob.peer.reply(invite, 180);
    await alice.peer.wait(isResponse(180, 'INVITE'));
    const b = await bob.accept(invite, rtpSdp(42_000));
    const a = await calling;
    expect(rtpPortIn(a.sdp)).not.toBe(rtpPortIn(invite.body));
    expect(hall.exchange.telephony.activeCalls).toBe(1);
    const hungUpAt = performance.now();
    expect(await a.bye()).toBe(200);
    await b.awaitBye();
    expect(performance.now() - hungUpAt).toBeLessThan(500);
    const record = await hall.exchange.nextRecord();
    expect(record).toMatchObject({
      from: `sip:alice@${DOMAIN}`,
      route: 'user',
      endReason: 'hangup-caller',
      legs: [{ codec: 'PCMU' }, { codec: 'PCMU' }],
    });
    expect(hall.exchange.telephony.activeCalls).toBe(0);
    expect(hall.exchange.events.map(({ kind }) => kind).filter((kind) => kind !== 'registered')).toEqual([
      'call-started',
      'leg-invited',
      'leg-ringing',
      'leg-answered',
      'leg-answered',
      'call-answered',
      'call-ended',
    ]);
    expect(await hall.exchange.telephony.record(record.callId)).toEqual(JSON.parse(JSON.stringify(record)));
  });

  it('ends from the callee too', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const calling = alice.call('bob', rtpSdp(41_000));
    const b = await bob.accept(await bob.nextInvite(), rtpSdp(42_000));
    const a = await calling;
    expect(await b.bye()).toBe(200);
    await a.awaitBye();
    expect(await hall.exchange.nextRecord()).toMatchObject({ endReason: 'hangup-callee' });
  });

  it('rings every contact at once; the first answer wins and the others are cancelled with a Reason', async () => {
    const [alice, desk, mobile] = [await hall.join('alice'), await hall.join('bob'), await hall.join('bob', 'ws')];
    const calling = alice.call('bob', rtpSdp(41_000));
    const [atDesk, atMobile] = [await desk.nextInvite(), await mobile.nextInvite()];
    desk.peer.reply(atDesk, 180);
    mobile.peer.reply(atMobile, 180);
    await mobile.accept(atMobile, webSdp({ setup: 'active', formats: ['0 PCMU/8000', '101 telephone-event/8000'] }));
    const cancel = await desk.peer.wait(isRequest('CANCEL'));
    expect(cancel.header('Reason')).toContain('Call completed elsewhere');
    desk.peer.reply(cancel, 200);
    desk.peer.reply(atDesk, 487);
    const a = await calling;
    expect(alice.peer.count(isResponse(180, 'INVITE'))).toBe(1);
    await a.bye();
    mobile.peer.reply(await mobile.peer.wait(isRequest('BYE')), 200);
    const { legs } = await hall.exchange.nextRecord();
    expect(legs.map(({ sipStatus }) => sipStatus).toSorted((x = 0, y = 0) => x - y)).toEqual([200, 200, 487]);
  });

  it('CANCEL from the caller reaches the callee with its Reason, and the caller gets 487', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const inviting = alice.invite('bob', rtpSdp(41_000));
    const invite = await bob.nextInvite();
    bob.peer.reply(invite, 180);
    await alice.peer.wait(isResponse(180, 'INVITE'));
    const sent = alice.peer.log.findLast((line) => line.startsWith('--> INVITE')) ?? '';
    alice.peer.sendRaw(
      `${sent
        .slice(4)
        .replace(/^INVITE/, 'CANCEL')
        .replace(/CSeq: (\d+) INVITE/, 'CSeq: $1 CANCEL')
        .replace(/\r\nContent-Type:[^]*$/, '')}\r\nReason: Q.850;cause=16\r\nContent-Length: 0\r\n\r\n`,
    );
    const cancel = await bob.peer.wait(isRequest('CANCEL'));
    expect(cancel.header('Reason')).toBe('Q.850;cause=16');
    bob.peer.reply(cancel, 200);
    bob.peer.reply(invite, 487);
    expect((await inviting).response.status).toBe(487);
    expect(await hall.exchange.nextRecord()).toMatchObject({ endReason: 'cancelled', sipStatus: 487 });
  });

  it.each([
    [486, 486, 'busy'],
    [480, 480, 'unavailable'],
    [404, 404, 'not-found'],
    [408, 408, 'no-answer'],
    [603, 603, 'declined'],
    [302, 480, 'unavailable'],
    [401, 403, 'forbidden'],
    [499, 400, 'error'],
  ])('the callee says %i, the caller hears %i', async (said, heard, endReason) => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const inviting = alice.invite('bob', rtpSdp(41_000));
    bob.peer.reply(await bob.nextInvite(), said, {
      headers: said === 302 ? ['Contact: <sip:90012345@127.0.0.1:9>'] : [],
    });
    expect((await inviting).response.status).toBe(heard);
    expect(await hall.exchange.nextRecord()).toMatchObject({ endReason });
  });

  it('an unknown user is 404, a user without contact 480, an exhausted Max-Forwards 483', async () => {
    const alice = await hall.join('alice');
    expect((await alice.invite('nobody', rtpSdp(41_000))).response.status).toBe(404);
    expect((await alice.invite('bob', rtpSdp(41_000))).response.status).toBe(480);
    const text = alice.peer.compose('INVITE', { body: rtpSdp(41_000) }).replace('Max-Forwards: 70', 'Max-Forwards: 0');
    alice.peer.sendRaw(text);
    await alice.peer.wait(isResponse(483));
  });

  it('nobody answers in time: the phone is cancelled and the caller hears 480', async () => {
    await hall.restart({ timers: { noAnswerMs: 200 } });
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const inviting = alice.invite('bob', rtpSdp(41_000));
    const invite = await bob.nextInvite();
    bob.peer.reply(invite, 180);
    const cancel = await bob.peer.wait(isRequest('CANCEL'));
    bob.peer.reply(cancel, 200);
    bob.peer.reply(invite, 487);
    expect((await inviting).response.status).toBe(480);
    expect(await hall.exchange.nextRecord()).toMatchObject({ endReason: 'no-answer' });
  });

  it('hands early media of a single target to the caller, and answers with the same SDP', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const inviting = alice.invite('bob', rtpSdp(41_000));
    const invite = await bob.nextInvite();
    bob.peer.reply(invite, 183, { body: rtpSdp(42_000) });
    const early = await alice.peer.wait(isResponse(183, 'INVITE'));
    expect(rtpPortIn(early.body)).toBeGreaterThan(0);
    expect(hall.exchange.media.bridges).toHaveLength(1);
    await bob.accept(invite, rtpSdp(42_000), { tag: 'peertag' });
    const { response, dialog } = await inviting;
    expect(response.body).toBe(early.body);
    expect(hall.exchange.media.connects).toHaveLength(2);
    dialog?.ack();
    await dialog?.bye();
    bob.peer.reply(await bob.peer.wait(isRequest('BYE')), 200);
  });

  it('follows a callee whose 200 names another address than its 183', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const calling = alice.call('bob', rtpSdp(41_000));
    const invite = await bob.nextInvite();
    bob.peer.reply(invite, 183, { body: rtpSdp(42_000) });
    const early = await alice.peer.wait(isResponse(183, 'INVITE'));
    const b = await bob.accept(invite, rtpSdp(42_500), { tag: 'peertag' });
    const a = await calling;
    expect(a.sdp).toBe(early.body);
    expect(
      hall.exchange.media.connects.findLast((each) => each.kind === 'rtp' && each.remote.rtpPort === 42_500),
    ).toBeDefined();
    await b.bye();
    await a.awaitBye();
  });
});

describe('offer and answer', () => {
  it('the caller makes no offer: ours goes in the 200, its answer comes in the ACK, and the callee is aligned', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const inviting = alice.invite('bob', '');
    const invite = await bob.nextInvite();
    expect(invite.body).toContain('m=audio');
    const accepted = bob.accept(invite, rtpSdp(42_000, ['0 PCMU/8000', '8 PCMA/8000']));
    const { response, dialog } = await inviting;
    expect(response.body).toMatch(/m=audio \d+ RTP\/AVP 0 8/);
    const b = await accepted;
    dialog?.ack(rtpSdp(41_000, ['8 PCMA/8000']));
    const reinvite = await b.next('INVITE');
    expect(reinvite.body).toMatch(/m=audio \d+ RTP\/AVP 8/);
    bob.peer.reply(reinvite, 200, { contact: bob.contact, body: rtpSdp(42_000, ['8 PCMA/8000']) });
    await b.next('ACK');
    expect(hall.exchange.eventsOf('call-answered')[0]?.codec).toBe('PCMA');
    await dialog?.bye();
    await b.awaitBye();
  });

  it('a phone that makes no offer calls a browser', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob', 'ws')];
    const inviting = alice.invite('bob', '');
    const invite = await bob.nextInvite();
    expect(invite.body).toMatch(/m=audio \d+ UDP\/TLS\/RTP\/SAVPF 0 /);
    const accepted = bob.accept(invite, webSdp({ setup: 'active', formats: ['0 PCMU/8000', '111 opus/48000/2'] }));
    const { response, dialog } = await inviting;
    expect(response.body).toMatch(/m=audio \d+ RTP\/AVP 0 /);
    const b = await accepted;
    dialog?.ack(rtpSdp(41_000, ['0 PCMU/8000']));
    await until(() => hall.exchange.media.bridges.length === 1, { within: 2_000, what: 'the bridge' });
    expect(bob.peer.countNew('INVITE')).toBe(1);
    await Promise.all([dialog?.bye(), b.awaitBye()]);
  });

  it('a browser that makes no offer calls a phone', async () => {
    const [alice, bob] = [await hall.join('alice', 'ws'), await hall.join('bob')];
    const inviting = alice.invite('bob', '');
    const accepted = bob.accept(await bob.nextInvite(), rtpSdp(42_000));
    const { response, dialog } = await inviting;
    expect(response.body).toMatch(/m=audio \d+ UDP\/TLS\/RTP\/SAVPF 0 /);
    expect(response.body).toContain('a=setup:actpass');
    const b = await accepted;
    dialog?.ack(webSdp({ setup: 'active', formats: ['0 PCMU/8000'] }));
    const answered = await until(() => hall.exchange.eventsOf('call-answered')[0], {
      within: 2_000,
      what: 'the answer',
    });
    expect(answered.codec).toBe('PCMU');
    await Promise.all([dialog?.bye(), b.awaitBye()]);
  });

  it('an ACK that owes an answer and brings none ends the call', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const inviting = alice.invite('bob', '');
    const accepted = bob.accept(await bob.nextInvite(), rtpSdp(42_000));
    const { dialog } = await inviting;
    const b = await accepted;
    dialog?.ack();
    await Promise.all([dialog?.awaitBye(), b.awaitBye()]);
  });

  it.each([
    ['nothing in common', rtpSdp(41_000, ['18 G729/8000']), 488, /^305 /],
    [
      'a video call',
      'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 4000 RTP/AVP 96\r\n',
      488,
      /^304 /,
    ],
    ['no SDP at all', 'this is no session description', 400, /^$/],
    ['a browser offer from a phone', webSdp(), 488, /^302 /],
  ])('refuses an offer with %s', async (_, offer, status, warning) => {
    const alice = await hall.join('alice');
    await hall.join('bob');
    const { response } = await alice.invite('bob', offer);
    expect(response.status).toBe(status);
    expect(response.header('Warning')).toMatch(warning);
    expect(hall.exchange.media.opened).toEqual([]);
  });

  it('a callee that answers with what was not offered is hung up, and the caller hears 488', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const inviting = alice.invite('bob', rtpSdp(41_000));
    const b = await bob.accept(await bob.nextInvite(), rtpSdp(42_000, ['8 PCMA/8000']));
    await b.awaitBye();
    expect((await inviting).response.status).toBe(488);
  });
});

describe('browsers', () => {
  it('a browser calls a phone: WebRTC towards it, plain RTP beyond', async () => {
    const [alice, bob] = [await hall.join('alice', 'ws'), await hall.join('bob')];
    const calling = alice.call('bob', webSdp());
    const invite = await bob.nextInvite();
    expect(invite.body).toMatch(/m=audio \d+ RTP\/AVP 111 0/);
    const b = await bob.accept(invite, rtpSdp(42_000, ['0 PCMU/8000', '101 telephone-event/8000']));
    const a = await calling;
    expect(a.sdp).toContain('UDP/TLS/RTP/SAVPF 0');
    expect(a.sdp).toContain('a=setup:passive');
    expect(a.sdp).toContain('a=ice-lite');
    expect(await a.bye()).toBe(200);
    await b.awaitBye();
    expect((await hall.exchange.nextRecord()).legs).toMatchObject([{ kind: 'webrtc' }, { kind: 'sip' }]);
  });

  it('a phone calls a browser', async () => {
    const [alice, bob] = [await hall.join('alice', 'ws'), await hall.join('bob')];
    const calling = bob.call('alice', rtpSdp(42_000));
    const invite = await alice.nextInvite();
    expect(invite.body).toContain('UDP/TLS/RTP/SAVPF 0');
    expect(Buffer.byteLength(invite.raw)).toBeLessThan(4_000);
    const a = await alice.accept(
      invite,
      webSdp({ setup: 'active', formats: ['0 PCMU/8000', '101 telephone-event/8000'] }),
    );
    const b = await calling;
    await a.bye();
    await b.awaitBye();
  });

  it('S06: a browser offer without a fingerprint is refused with 488', async () => {
    const alice = await hall.join('alice', 'ws');
    const { response } = await alice.invite('echo', webSdp({ fingerprint: false }));
    expect(response.status).toBe(488);
    expect(response.header('Warning')).toContain('fingerprint');
  });

  it('two browsers call each other', async () => {
    const [alice, bob] = [await hall.join('alice', 'ws'), await hall.join('bob', 'ws')];
    const calling = alice.call('bob', webSdp());
    const b = await bob.accept(await bob.nextInvite(), webSdp({ setup: 'active' }));
    const a = await calling;
    const answered = await until(() => hall.exchange.eventsOf('call-answered')[0], {
      within: 1_000,
      what: 'the call to be answered',
    });
    expect(answered.codec).toBe('opus');
    await a.bye();
    await b.awaitBye();
  });
});

describe('built-in endpoints', () => {
  it.each(['echo', 'tone'])('%s answers at once', async (name) => {
    const alice = await hall.join('alice');
    const a = await alice.call(name, rtpSdp(41_000));
    expect(a.sdp).toContain('PCMU');
    await a.bye();
    expect((await hall.exchange.nextRecord()).legs).toMatchObject([{ kind: 'sip' }, { kind: 'agent', codec: 'PCMU' }]);
  });

  it('echo takes a delayed offer', async () => {
    const alice = await hall.join('alice');
    const { response, dialog } = await alice.invite('echo', '');
    expect(response.body).toContain('m=audio');
    dialog?.ack(rtpSdp(41_000));
    await dialog?.bye();
    expect(await hall.exchange.nextRecord()).toMatchObject({ endReason: 'hangup-caller' });
  });

  it('tone speaks Opus, too', async () => {
    const alice = await hall.join('alice');
    const { response, dialog } = await alice.invite('tone', rtpSdp(41_000, ['111 opus/48000/2']));
    expect(response.status).toBe(200);
    dialog?.ack();
    await dialog?.bye();
  });
});

describe('trunks', () => {
  it('a user calls out', async () => {
    const alice = await hall.join('alice');
    const calling = alice.call('49301234', rtpSdp(41_000));
    const invite = await hall.carrier.nextInvite();
    expect(invite.uri).toBe(`sip:49301234@${hall.carrier.peer.address}`);
    const c = await hall.carrier.accept(invite, rtpSdp(42_000), { contact: hall.carrier.peer.contact });
    const a = await calling;
    await a.bye();
    await c.awaitBye();
    expect(
      hall.exchange.media.connects.find((each) => each.kind === 'rtp' && each.remote.rtpPort === 42_000),
    ).toMatchObject({ sourcePolicy: 'sdp' });
  });

  it('a call from the trunk is not challenged', async () => {
    const bob = await hall.join('bob');
    const calling = hall.carrier.call('bob', rtpSdp(42_000), {
      from: '"Ann \\"Q\\" Other" <sip:+4930999@carrier.example>;tag=c1',
    });
    const invite = await bob.nextInvite();
    expect(invite.header('From')).toMatch(new RegExp(`^"Ann \\\\"Q\\\\" Other" <sip:\\+4930999@${DOMAIN}>;tag=`));
    const b = await bob.accept(invite, rtpSdp(41_000));
    const c = await calling;
    await b.bye();
    await c.awaitBye();
    expect(await hall.exchange.nextRecord()).toMatchObject({ trunk: 'carrier' });
  });

  it('media: bypass hands SDP through unchanged both ways, in re-INVITEs too, and opens no port', async () => {
    const pbx = await hall.open('pbx');
    const bypass = { ...trunks, media: 'bypass' as const };
    const trunk = (name: string, { address }: SipPeer) => ({
      name,
      addresses: [address],
      target: address,
      transport: 'udp' as const,
      profile: bypass,
    });
    await hall.restart({ trunks: [trunk('pbx', pbx.peer), trunk('carrier', hall.carrier.peer)] });
    const [offer, answer, hold] = [
      rtpSdp(41_000, ['18 G729/8000']),
      rtpSdp(42_000, ['18 G729/8000']),
      rtpSdp(41_000, ['18 G729/8000'], ['a=sendonly']),
    ];
    const calling = pbx.call('94930', offer);
    const invite = await hall.carrier.nextInvite();
    expect(invite.body).toBe(offer);
    const c = await hall.carrier.accept(invite, answer, { contact: hall.carrier.peer.contact });
    const p = await calling;
    expect(p.sdp).toBe(answer);
    const holding = p.request('INVITE', { body: hold });
    const reinvite = await c.next('INVITE');
    expect(reinvite.body).toBe(hold);
    hall.carrier.peer.reply(reinvite, 200, { body: answer });
    expect((await holding).body).toBe(answer);
    p.ack();
    await p.bye();
    await c.awaitBye();
    expect(hall.exchange.media.opened).toEqual([]);
    expect(await hall.exchange.nextRecord()).toMatchObject({ endReason: 'hangup-caller' });
  });
});
