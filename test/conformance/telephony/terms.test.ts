import { describe, expect, it } from 'vitest';
import { isRequest, isResponse, type PeerMessage } from '../../support/sip-peer.ts';
import { until } from '../../support/until.ts';
import { browsers, phones } from './support/exchange.ts';
import { useHall } from './support/hall.ts';
import { type Party, rtpPortIn, rtpSdp } from './support/party.ts';

const hall = useHall();
const RELIABLE = ['Supported: 100rel'];

/** Acknowledges a reliable provisional response. */
async function prack(party: Party, response: PeerMessage, cseq: number, body = ''): Promise<PeerMessage> {
  party.peer.request('PRACK', {
    uri: /<([^>]+)>/.exec(response.header('Contact'))?.[1] ?? '',
    from: response.header('From'),
    to: response.header('To'),
    callId: response.header('Call-ID'),
    cseq,
    headers: [`RAck: ${response.header('RSeq')} ${response.header('CSeq')}`],
    body,
  });
  return party.peer.wait((message) => message.header('CSeq') === `${cseq} PRACK`);
}

describe('100rel (RFC 3262) with the caller', () => {
  it('who supports it gets its ringing reliably, and its answer in an early dialog that an UPDATE may change', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const inviting = alice.invite('bob', rtpSdp(41_000), { headers: RELIABLE });
    const invite = await bob.nextInvite();
    bob.peer.reply(invite, 183, { body: rtpSdp(42_000) });
    const early = await alice.peer.wait(isResponse(183, 'INVITE'));
    expect(early.header('Require')).toBe('100rel');
    expect(early.header('Allow')).toContain('UPDATE');
    expect((await prack(alice, early, 50)).status).toBe(200);
    alice.peer.request('UPDATE', {
      uri: /<([^>]+)>/.exec(early.header('Contact'))?.[1] ?? '',
      from: early.header('From'),
      to: early.header('To'),
      callId: early.header('Call-ID'),
      cseq: 51,
      body: rtpSdp(41_500),
    });
    const updated = await alice.peer.wait((message) => message.header('CSeq') === '51 UPDATE');
    expect([updated.status, rtpPortIn(updated.body)]).toEqual([200, rtpPortIn(early.body)]);
    expect(hall.exchange.media.connects.findLast((each) => each.kind === 'rtp')).toMatchObject({
      remote: { rtpPort: 41_500 },
    });
    const b = await bob.accept(invite, rtpSdp(42_000));
    const { response, dialog } = await inviting;
    expect(rtpPortIn(response.body)).toBe(rtpPortIn(early.body));
    dialog?.ack();
    expect(hall.exchange.media.connects.at(-1)).toMatchObject({ remote: { rtpPort: 41_500 } });
    await Promise.all([b.bye(), dialog?.awaitBye()]);
  });

  it('who makes no offer gets ours with the early media, answers in the PRACK, and the 200 says nothing more', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const inviting = alice.invite('bob', '', { headers: RELIABLE });
    const invite = await bob.nextInvite();
    bob.peer.reply(invite, 183, { body: rtpSdp(42_000, ['0 PCMU/8000', '8 PCMA/8000']) });
    const early = await alice.peer.wait(isResponse(183, 'INVITE'));
    expect(early.body).toMatch(/m=audio \d+ RTP\/AVP 0/);
    // The callee answers before the PRACK: the 200 waits for it.
    const accepted = bob.accept(invite, rtpSdp(42_000, ['0 PCMU/8000', '8 PCMA/8000']));
    await alice.peer.expectNone(isResponse(200, 'INVITE'), 100);
    expect((await prack(alice, early, 50, rtpSdp(41_000, ['0 PCMU/8000']))).status).toBe(200);
    const [b, { response, dialog }] = [await accepted, await inviting];
    expect(response.body).toBe('');
    dialog?.ack();
    const answered = await until(() => hall.exchange.eventsOf('call-answered')[0], {
      within: 1_000,
      what: 'the answer',
    });
    expect(answered.codec).toBe('PCMU');
    expect(hall.exchange.media.bridges).toHaveLength(1);
    await Promise.all([b.bye(), dialog?.awaitBye()]);
  });

  it('who supports it not gets plain responses', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const inviting = alice.invite('bob', rtpSdp(41_000));
    bob.peer.reply(await bob.nextInvite(), 180);
    expect((await alice.peer.wait(isResponse(180, 'INVITE'))).header('Require')).toBe('');
    const sent = bob.peer.received.findLast(isRequest('INVITE'));
    if (sent !== undefined) bob.peer.reply(sent, 486);
    expect((await inviting).response.status).toBe(486);
  });

  it.each([
    ['off', ['Require: 100rel'], 420, 'Unsupported'],
    ['required', [], 421, 'Require'],
  ] as const)('profile %s with %j: %i', async (reliableProvisional, headers, status, name) => {
    await hall.restart({ profiles: { browsers, phones: { ...phones, reliableProvisional } } });
    const alice = await hall.join('alice');
    const { response } = await alice.invite('bob', rtpSdp(41_000), { headers });
    expect([response.status, response.header(name)]).toEqual([status, '100rel']);
  });
});

describe('100rel with the callee', () => {
  it.each([
    ['off', /^timer, /, ''],
    ['supported', /^100rel, timer, /, ''],
    ['required', /^100rel, timer, /, '100rel'],
  ] as const)('profile %s', async (reliableProvisional, supported, required) => {
    await hall.restart({ profiles: { browsers, phones: { ...phones, reliableProvisional } } });
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const inviting = alice.invite('bob', rtpSdp(41_000), { headers: RELIABLE });
    const invite = await bob.nextInvite();
    expect(invite.header('Supported')).toMatch(supported);
    expect(invite.header('Require')).toBe(required);
    bob.peer.reply(invite, 486);
    await inviting;
  });

  it('its reliable 183 is acknowledged, and its early UPDATE answered from its own leg', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const calling = alice.call('bob', rtpSdp(41_000));
    const invite = await bob.nextInvite();
    bob.peer.reply(invite, 183, { tag: 'one', headers: ['Require: 100rel', 'RSeq: 7'], body: rtpSdp(42_000) });
    const acknowledged = await bob.peer.wait(isRequest('PRACK'));
    expect(acknowledged.header('RAck')).toBe(`7 ${invite.header('CSeq')}`);
    bob.peer.reply(acknowledged, 200, { contact: false });
    await alice.peer.wait(isResponse(183, 'INVITE'));
    bob.peer.request('UPDATE', {
      uri: /<([^>]+)>/.exec(invite.header('Contact'))?.[1] ?? '',
      from: `${invite.header('To')};tag=one`,
      to: invite.header('From'),
      callId: invite.header('Call-ID'),
      cseq: 1,
      body: rtpSdp(42_600),
    });
    const answer = await bob.peer.wait(isResponse(200, 'UPDATE'));
    expect(rtpPortIn(answer.body)).toBe(rtpPortIn(invite.body));
    expect(hall.exchange.media.connects.findLast((each) => each.kind === 'rtp')).toMatchObject({
      remote: { rtpPort: 42_600 },
    });
    const b = await bob.accept(invite, '', { tag: 'one' });
    const a = await calling;
    expect(alice.peer.count(isRequest('UPDATE')) + alice.peer.count(isRequest('INVITE'))).toBe(0);
    expect(
      hall.exchange.media.connects.findLast((each) => each.kind === 'rtp' && each.remote.rtpPort !== 41_000),
    ).toMatchObject({
      remote: { rtpPort: 42_600 },
    });
    await Promise.all([a.bye(), b.awaitBye()]);
  });
});

/** By what it asks for, which no retransmission of the INVITE before does. */
const inviteAsking = async (party: Party, minSe: number): Promise<PeerMessage> =>
  party.peer.wait((message) => message.method === 'INVITE' && message.header('Min-SE') === String(minSe));

describe('session timers (RFC 4028), as headers', () => {
  const timed = { ...phones, sessionTimer: { expiresSec: 1800, minSec: 120, refresher: 'auto' as const } };

  it('the caller is told the interval and that it refreshes', async () => {
    await hall.restart({ profiles: { browsers, phones: timed } });
    const alice = await hall.join('alice');
    const { response, dialog } = await alice.invite('echo', rtpSdp(41_000), {
      headers: ['Supported: timer', 'Session-Expires: 600'],
    });
    expect(response.header('Session-Expires')).toBe('600;refresher=uac');
    expect(response.header('Require')).toBe('timer');
    dialog?.ack();
    await dialog?.bye();
  });

  it('a caller that asks for too little gets 422 with Min-SE', async () => {
    await hall.restart({ profiles: { browsers, phones: timed } });
    const alice = await hall.join('alice');
    const { response } = await alice.invite('echo', rtpSdp(41_000), {
      headers: ['Supported: timer', 'Session-Expires: 100', 'Min-SE: 90'],
    });
    expect([response.status, response.header('Min-SE')]).toEqual([422, '120']);
  });

  it('a callee that answers 422 is called again with its Min-SE, and the caller hears nothing of it', async () => {
    await hall.restart({ profiles: { browsers, phones: timed } });
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const calling = alice.call('bob', rtpSdp(41_000));
    const invite = await bob.nextInvite();
    expect([invite.header('Session-Expires'), invite.header('Min-SE')]).toEqual(['1800', '120']);
    bob.peer.reply(invite, 422, { headers: ['Min-SE: 2400'] });
    const again = await inviteAsking(bob, 2400);
    expect([again.header('Session-Expires'), again.header('Min-SE')]).toEqual(['2400', '2400']);
    const b = await bob.accept(again, rtpSdp(42_000), { headers: ['Session-Expires: 2400;refresher=uas'] });
    const a = await calling;
    await Promise.all([a.bye(), b.awaitBye()]);
  });

  it('a 422 without end is a failure', async () => {
    await hall.restart({ profiles: { browsers, phones: timed } });
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const inviting = alice.invite('bob', rtpSdp(41_000));
    for (const [asked, min] of [
      [120, 2400],
      [2400, 3000],
      [3000, 3600],
    ] as const)
      bob.peer.reply(await inviteAsking(bob, asked), 422, { headers: [`Min-SE: ${min}`] });
    expect((await inviting).response.status).toBe(422);
  });
});
