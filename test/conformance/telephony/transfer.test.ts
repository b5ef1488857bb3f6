/** Transfers with a real engine and scripted parties: who is told what, who is joined with whom, and what every failure leaves. */
import { describe, expect, it } from 'vitest';
import { isRequest, type PeerMessage } from '../../support/sip-peer.ts';
import { until } from '../../support/until.ts';
import { phones, trunks } from './support/exchange.ts';
import { useHall } from './support/hall.ts';
import { type Party, type PartyDialog, rtpSdp, webSdp } from './support/party.ts';

const hall = useHall();
const PCMA = ['8 PCMA/8000', '101 telephone-event/8000'];

interface Talk {
  readonly a: PartyDialog;
  readonly b: PartyDialog;
}

async function talk(from: Party, to: Party, formats?: readonly string[]): Promise<Talk> {
  const before = hall.exchange.eventsOf('call-answered').length;
  const calling = from.call(to.user, rtpSdp(41_000, formats));
  const b = await to.accept(await to.nextInvite(), rtpSdp(42_000, formats));
  const a = await calling;
  await until(() => hall.exchange.eventsOf('call-answered').length > before, { within: 1_000, what: 'the answer' });
  return { a, b };
}

const refer = (dialog: PartyDialog, to: string, headers: readonly string[] = []): Promise<PeerMessage> =>
  dialog.request('REFER', { headers: [`Refer-To: ${to}`, ...headers] });

const told = (notify: PeerMessage): string =>
  `${/SIP\/2\.0 (\d+)/.exec(notify.body)?.[1] ?? '?'} ${notify.header('Subscription-State').split(';')[0] ?? ''}`;

async function news(dialog: PartyDialog): Promise<string> {
  return told(await dialog.take('NOTIFY'));
}

const joined = (): readonly string[] => hall.exchange.media.bridges.at(-1) ?? [];
const ringing = (): number => hall.exchange.telephony.activeCalls;

describe('a blind transfer', () => {
  it.each(['caller', 'callee'] as const)('by the %s joins the other two, and lets it go', async (by) => {
    const [alice, bob, carol] = [await hall.join('alice'), await hall.join('bob'), await hall.join('carol')];
    const { a, b } = await talk(alice, bob);
    const [transferor, transferee] = by === 'caller' ? [a, b] : [b, a];
    expect((await refer(transferor, '<sip:carol@exchange.test>')).status).toBe(202);
    expect(await news(transferor)).toBe('100 active');
    const invite = await carol.nextInvite();
    expect(invite.header('From')).toContain(by === 'caller' ? 'sip:bob@' : 'sip:alice@');
    expect(invite.header('Referred-By')).toContain(by === 'caller' ? 'sip:alice@' : 'sip:bob@');
    carol.peer.reply(invite, 180, { tag: 'ct' });
    expect(await news(transferor)).toBe('180 active');
    const c = await carol.accept(invite, rtpSdp(43_000), { tag: 'ct' });
    expect(await news(transferor)).toBe('200 terminated');
    await transferor.awaitBye();
    expect((await hall.exchange.nextRecord()).endReason).toBe('transferred');
    expect(ringing()).toBe(1);
    expect(joined()).toHaveLength(2);
    // The two that remain are one call now: the end of one is the end of the other.
    await Promise.all([transferee.bye(), c.awaitBye()]);
    const record = await hall.exchange.nextRecord();
    expect(record).toMatchObject({
      from: by === 'caller' ? 'sip:bob@exchange.test' : 'sip:alice@exchange.test',
      to: 'sip:carol@exchange.test',
      answeredAt: expect.any(Number),
    });
  });

  it('to somebody who is busy is told so, and the call goes on as it was', async () => {
    const [alice, bob, carol] = [await hall.join('alice'), await hall.join('bob'), await hall.join('carol')];
    const { a, b } = await talk(alice, bob);
    expect((await refer(a, 'sip:carol@exchange.test')).status).toBe(202);
    expect(await news(a)).toBe('100 active');
    const bridges = hall.exchange.media.bridges.length;
    carol.peer.reply(await carol.nextInvite(), 486);
    expect(await news(a)).toBe('486 terminated');
    expect(hall.exchange.media.bridges).toHaveLength(bridges);
    // Another one may follow, and its NOTIFYs name it (RFC 3515 §2.4.6).
    expect((await refer(a, 'sip:nobody@exchange.test')).status).toBe(202);
    const second = await a.take('NOTIFY');
    expect(second.header('Event')).toMatch(/^refer;id=\d+$/);
    expect(await news(a)).toBe('404 terminated');
    await Promise.all([a.bye(), b.awaitBye()]);
  });

  it('without a subscription is carried out in silence (RFC 4488)', async () => {
    const [alice, bob, carol] = [await hall.join('alice'), await hall.join('bob'), await hall.join('carol')];
    const { a, b } = await talk(alice, bob);
    const reply = await refer(a, 'sip:carol@exchange.test', ['Require: norefersub', 'Refer-Sub: false']);
    expect([reply.status, reply.header('Refer-Sub')]).toEqual([202, 'false']);
    const c = await carol.accept(await carol.nextInvite(), rtpSdp(43_000));
    await a.awaitBye();
    expect(alice.peer.count(isRequest('NOTIFY'))).toBe(0);
    await Promise.all([b.bye(), c.awaitBye()]);
  });

  it('goes on when the transferor hangs up at once', async () => {
    const [alice, bob, carol] = [await hall.join('alice'), await hall.join('bob'), await hall.join('carol')];
    const { a, b } = await talk(alice, bob);
    await refer(a, 'sip:carol@exchange.test');
    await news(a);
    const invite = await carol.nextInvite();
    expect(await a.bye()).toBe(200);
    const c = await carol.accept(invite, rtpSdp(43_000));
    await until(() => hall.exchange.eventsOf('call-ended').length === 1, {
      within: 2_000,
      what: 'the first call to end',
    });
    expect(bob.peer.count(isRequest('BYE'))).toBe(0);
    await Promise.all([c.bye(), b.awaitBye()]);
  });

  it('lets the transferee go when the transferor has hung up and the target declines', async () => {
    const [alice, bob, carol] = [await hall.join('alice'), await hall.join('bob'), await hall.join('carol')];
    const { a, b } = await talk(alice, bob);
    await refer(a, 'sip:carol@exchange.test');
    const invite = await carol.nextInvite();
    await a.bye();
    carol.peer.reply(invite, 603);
    await b.awaitBye();
    expect(ringing()).toBe(0);
  });

  it('stops ringing when the transferee hangs up', async () => {
    const [alice, bob, carol] = [await hall.join('alice'), await hall.join('bob'), await hall.join('carol')];
    const { a, b } = await talk(alice, bob);
    await refer(a, 'sip:carol@exchange.test');
    expect(await news(a)).toBe('100 active');
    const invite = await carol.nextInvite();
    carol.peer.reply(invite, 180, { tag: 'ct' });
    expect(await news(a)).toBe('180 active');
    const bye = b.bye();
    const cancel = await carol.peer.wait(isRequest('CANCEL'));
    carol.peer.reply(cancel, 200);
    carol.peer.reply(invite, 487, { tag: 'ct' });
    await Promise.all([bye, a.awaitBye()]);
    expect(ringing()).toBe(0);
  });

  it('offers the transferee another codec when the target has not the one in use', async () => {
    const [alice, bob, carol] = [await hall.join('alice'), await hall.join('bob'), await hall.join('carol')];
    const { a, b } = await talk(alice, bob);
    await refer(a, 'sip:carol@exchange.test');
    const invite = await carol.nextInvite();
    // What bob listed comes first, then what his profile lets us try.
    expect(invite.body).toMatch(/m=audio \d+ RTP\/AVP 0 .*8/);
    const accepting = carol.accept(invite, rtpSdp(43_000, PCMA));
    const reinvite = await b.next('INVITE');
    expect(reinvite.body).toContain('PCMA');
    expect(reinvite.body).not.toContain('PCMU');
    bob.peer.reply(reinvite, 200, { contact: bob.contact, body: rtpSdp(42_000, PCMA) });
    const c = await accepting;
    expect([await news(a), await news(a)]).toEqual(['100 active', '200 terminated']);
    await a.awaitBye();
    await Promise.all([b.bye(), c.awaitBye()]);
  });

  it('fails with 488 when the transferee does not take another codec, and the call goes on', async () => {
    const [alice, bob, carol] = [await hall.join('alice'), await hall.join('bob'), await hall.join('carol')];
    const { a, b } = await talk(alice, bob);
    await refer(a, 'sip:carol@exchange.test');
    const accepting = carol.accept(await carol.nextInvite(), rtpSdp(43_000, PCMA));
    const reinvite = await b.next('INVITE');
    bob.peer.reply(reinvite, 488);
    const c = await accepting;
    await c.awaitBye();
    expect([await news(a), await news(a)]).toEqual(['100 active', '488 terminated']);
    await Promise.all([a.bye(), b.awaitBye()]);
  });

  it('brings a transferee back that accepts another codec and then does not have it', async () => {
    const [alice, bob, carol] = [await hall.join('alice'), await hall.join('bob'), await hall.join('carol')];
    const { a, b } = await talk(alice, bob);
    await refer(a, 'sip:carol@exchange.test');
    const accepting = carol.accept(await carol.nextInvite(), rtpSdp(43_000, PCMA));
    for (const wanted of ['PCMA', 'PCMU']) {
      const reinvite = await b.take('INVITE', 200, { contact: bob.contact, body: rtpSdp(42_000) });
      expect(reinvite.body).toContain(wanted);
    }
    await (await accepting).awaitBye();
    expect([await news(a), await news(a)]).toEqual(['100 active', '488 terminated']);
    await Promise.all([a.bye(), b.awaitBye()]);
  });

  it('to a party that the gateway plays itself', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const { a, b } = await talk(alice, bob);
    await refer(b, 'sip:echo@exchange.test');
    expect([await news(b), await news(b)]).toEqual(['100 active', '200 terminated']);
    await b.awaitBye();
    expect(await a.bye()).toBe(200);
  });

  it('may be followed by another one, of the call that it made', async () => {
    const [alice, bob, carol] = [await hall.join('alice'), await hall.join('bob'), await hall.join('carol')];
    const { a, b } = await talk(alice, bob);
    await refer(a, 'sip:carol@exchange.test');
    const c = await carol.accept(await carol.nextInvite(), rtpSdp(43_000));
    await a.awaitBye();
    await until(() => hall.exchange.eventsOf('call-answered').length === 2, { within: 1_000, what: 'the second call' });
    expect((await refer(c, 'sip:echo@exchange.test')).status).toBe(202);
    expect([await news(c), await news(c)]).toEqual(['100 active', '200 terminated']);
    await c.awaitBye();
    expect(await b.bye()).toBe(200);
  });
});

describe('T16: a transfer is refused', () => {
  it.each([
    ['without Refer-To', [], 400],
    ['with a Refer-To that is no URI we know', ['Refer-To: <mailto:a@b>'], 416],
    ['with two of them', ['Refer-To: <sip:carol@exchange.test>', 'Refer-To: <sip:bob@exchange.test>'], 400],
    ['to another method', ['Refer-To: <sip:carol@exchange.test;method=BYE>'], 501],
    ['that requires what we do not know', ['Refer-To: <sip:carol@exchange.test>', 'Require: multiple-refer'], 420],
    ['with a malformed Replaces', ['Refer-To: <sip:carol@exchange.test?Replaces=nonsense>'], 400],
  ] as const)('%s', async (_what, headers, status) => {
    const { a, b } = await talk(await hall.join('alice'), await hall.join('bob'));
    expect((await a.request('REFER', { headers })).status).toBe(status);
    await Promise.all([a.bye(), b.awaitBye()]);
  });

  it('while another one is under way', async () => {
    const carol = await hall.join('carol');
    const { a, b } = await talk(await hall.join('alice'), await hall.join('bob'));
    await refer(a, 'sip:carol@exchange.test');
    await news(a);
    const invite = await carol.nextInvite();
    expect((await refer(b, 'sip:carol@exchange.test')).status).toBe(491);
    carol.peer.reply(invite, 486);
    expect(await news(a)).toBe('486 terminated');
    await Promise.all([a.bye(), b.awaitBye()]);
  });

  it('to a trunk that may not refer', async () => {
    const bob = await hall.join('bob');
    const { a, b } = await talk(hall.carrier, bob);
    expect((await refer(a, '<sip:+88216000000@exchange.test>')).status).toBe(403);
    // A user may send its own call on: the dialplan lets it call out.
    expect((await refer(b, '<sip:4930123@exchange.test>')).status).toBe(202);
    expect(await news(b)).toBe('100 active');
    const out = await hall.carrier.nextInvite();
    hall.carrier.peer.reply(out, 404);
    expect(await news(b)).toBe('404 terminated');
    await Promise.all([b.bye(), a.awaitBye()]);
  });

  it('to where the transferor may not call', async () => {
    const open = { ...phones, auth: { ...phones.auth, required: false } };
    const { address } = hall.carrier.peer;
    await hall.restart({
      profiles: { browsers: open, phones: open },
      trunks: [
        {
          name: 'carrier',
          addresses: [address],
          target: address,
          transport: 'udp',
          profile: { ...trunks, transfer: { refer: 'bridge' } },
        },
      ],
    });
    const bob = await hall.join('bob');
    const stranger = await hall.open('stranger');
    const { a, b } = await talk(stranger, bob);
    expect((await refer(a, 'sip:carol@exchange.test')).status).toBe(403);
    await Promise.all([a.bye(), b.awaitBye()]);
    // A trunk whose profile allows transfers still reaches nothing that the dialplan does not give it.
    const second = await talk(hall.carrier, bob);
    expect((await refer(second.a, 'sip:4930123@exchange.test')).status).toBe(202);
    expect([await news(second.a), await news(second.a)]).toEqual(['100 active', '404 terminated']);
    await Promise.all([second.a.bye(), second.b.awaitBye()]);
  });
});

describe('an attended transfer', () => {
  const replacing = (user: string, dialog: PartyDialog, more = ''): string =>
    `<sip:${user}@exchange.test?Replaces=${encodeURIComponent(dialog.replaces + more)}>`;

  it('joins the two others inside the gateway', async () => {
    const [alice, bob, carol] = [await hall.join('alice'), await hall.join('bob'), await hall.join('carol')];
    const first = await talk(alice, bob);
    const second = await talk(alice, carol);
    expect((await refer(first.a, replacing('carol', second.a))).status).toBe(202);
    expect([await news(first.a), await news(first.a)]).toEqual(['100 active', '200 terminated']);
    await Promise.all([first.a.awaitBye(), second.a.awaitBye()]);
    expect(carol.peer.countNew('INVITE')).toBe(1);
    const reasons = [await hall.exchange.nextRecord(), await hall.exchange.nextRecord()].map((each) => each.endReason);
    expect(reasons).toEqual(['transferred', 'transferred']);
    // Requests inside the dialogs reach the new call.
    expect((await first.b.request('INVITE', { body: rtpSdp(42_500) })).status).toBe(200);
    first.b.ack();
    await Promise.all([second.b.bye(), first.b.awaitBye()]);
  });

  it('also of a call that came in, with another codec', async () => {
    const [alice, bob, carol] = [await hall.join('alice'), await hall.join('bob'), await hall.join('carol')];
    const first = await talk(bob, alice, PCMA);
    const second = await talk(alice, carol);
    expect((await refer(first.b, replacing('carol', second.a))).status).toBe(202);
    // The codec of the party that is transferred is tried first: she is asked for it.
    const reinvite = await carol.peer.wait(
      (message) => isRequest('INVITE')(message) && message.header('To').includes('tag='),
    );
    expect(reinvite.body).toContain('PCMA');
    carol.peer.reply(reinvite, 200, { contact: carol.contact, body: rtpSdp(42_000, PCMA) });
    expect([await news(first.b), await news(first.b)]).toEqual(['100 active', '200 terminated']);
    await Promise.all([first.b.awaitBye(), second.a.awaitBye()]);
    await Promise.all([second.b.bye(), first.a.awaitBye()]);
  });

  it("T16: is refused for another's dialog", async () => {
    const [alice, bob, carol] = [await hall.join('alice'), await hall.join('bob'), await hall.join('carol')];
    const first = await talk(alice, bob);
    const second = await talk(bob, carol);
    expect((await refer(first.a, replacing('carol', second.a))).status).toBe(403);
    await Promise.all([first.a.bye(), first.b.awaitBye()]);
    await Promise.all([second.a.bye(), second.b.awaitBye()]);
  });

  it('whose dialog is not ours is passed on to the target', async () => {
    const [alice, bob, carol] = [await hall.join('alice'), await hall.join('bob'), await hall.join('carol')];
    const { a, b } = await talk(alice, bob);
    const elsewhere = 'abc@elsewhere;to-tag=1;from-tag=2';
    await refer(a, `<sip:carol@exchange.test?Replaces=${encodeURIComponent(elsewhere)}>`);
    const invite = await carol.nextInvite();
    expect([invite.header('Replaces'), invite.header('Require')]).toEqual([elsewhere, 'replaces']);
    carol.peer.reply(invite, 481);
    expect([await news(a), await news(a)]).toEqual(['100 active', '481 terminated']);
    await Promise.all([a.bye(), b.awaitBye()]);
  });

  it('is undone when the consulted party hangs up just then', async () => {
    const [alice, bob, carol] = [await hall.join('alice'), await hall.join('bob'), await hall.join('carol')];
    const first = await talk(alice, bob, PCMA);
    const second = await talk(alice, carol);
    expect((await refer(first.a, replacing('carol', second.a))).status).toBe(202);
    // Bob is asked for carol's codec; she is gone before he answers.
    const reinvite = await first.b.next('INVITE');
    await Promise.all([second.b.bye(), second.a.awaitBye()]);
    bob.peer.reply(reinvite, 200, { contact: bob.contact, body: rtpSdp(42_000) });
    let back = await first.b.next('INVITE');
    // The first one may have been sent again meanwhile.
    while (back.header('CSeq') === reinvite.header('CSeq')) back = await first.b.next('INVITE');
    expect(back.body).toContain('PCMA');
    bob.peer.reply(back, 200, { contact: bob.contact, body: rtpSdp(42_000, PCMA) });
    expect(await news(first.a)).toBe('100 active');
    expect(await news(first.a)).toMatch(/^4\d\d terminated$/);
    await Promise.all([first.a.bye(), first.b.awaitBye()]);
  });
});

describe('an INVITE with Replaces', () => {
  const inviteReplacing = (party: Party, dialog: PartyDialog, more = '') =>
    party.invite('bob', rtpSdp(44_000), { headers: [`Replaces: ${dialog.replaces}${more}`, 'Require: replaces'] });

  it('takes the place of another phone of the same user', async () => {
    const [alice, bob, desk] = [await hall.join('alice'), await hall.join('bob'), await hall.open('alice')];
    const { a, b } = await talk(alice, bob);
    const { response, dialog } = await inviteReplacing(desk, a);
    expect(response.status).toBe(200);
    dialog?.ack();
    await a.awaitBye();
    expect(bob.peer.countNew('INVITE')).toBe(1);
    await Promise.all([b.bye(), dialog?.awaitBye()]);
  });

  it.each([
    ['T16: of another user', 'carol', '', 403],
    ['for an early dialog only', 'alice', ';early-only', 486],
    ['that is malformed', 'alice', ';to-tag=x', 400],
  ] as const)('is refused %s', async (_what, user, more, status) => {
    const [alice, bob, other] = [await hall.join('alice'), await hall.join('bob'), await hall.open(user)];
    const { a, b } = await talk(alice, bob);
    expect((await inviteReplacing(other, a, more)).response.status).toBe(status);
    await Promise.all([a.bye(), b.awaitBye()]);
  });

  it('T16: with a dialog-id that is guessed is 481', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const { a, b } = await talk(alice, bob);
    const guess = a.replaces.replace(/from-tag=.*/, 'from-tag=guess');
    const { response } = await alice.invite('bob', rtpSdp(44_000), { headers: [`Replaces: ${guess}`] });
    expect(response.status).toBe(481);
    await Promise.all([a.bye(), b.awaitBye()]);
  });

  it('of a browser needs what a browser offers', async () => {
    const [alice, bob, web] = [await hall.join('alice'), await hall.join('bob'), await hall.open('alice', 'ws')];
    const { a, b } = await talk(alice, bob);
    const { response, dialog } = await web.invite('bob', webSdp(), { headers: [`Replaces: ${a.replaces}`] });
    expect(response.status).toBe(200);
    dialog?.ack();
    await a.awaitBye();
    await Promise.all([b.bye(), dialog?.awaitBye()]);
  });
});

describe('REFER towards a peer that takes it', () => {
  async function out(): Promise<Talk> {
    const { address } = hall.carrier.peer;
    await hall.restart({
      trunks: [
        {
          name: 'carrier',
          addresses: [address],
          target: address,
          transport: 'udp',
          profile: { ...trunks, transfer: { refer: 'forward' } },
        },
      ],
    });
    const alice = await hall.join('alice');
    const calling = alice.call('4930123', rtpSdp(41_000));
    const b = await hall.carrier.accept(await hall.carrier.nextInvite(), rtpSdp(42_000));
    const a = await calling;
    await until(() => hall.exchange.eventsOf('call-answered').length === 1, { within: 1_000, what: 'the answer' });
    return { a, b };
  }
  const TEL = '<tel:+49-30-456;phone-context=example.com>;x=1';
  const frag = (dialog: PartyDialog, line: string, state: string): Promise<PeerMessage> =>
    dialog.request('NOTIFY', {
      headers: ['Event: refer', `Subscription-State: ${state}`],
      contentType: 'message/sipfrag',
      body: `SIP/2.0 ${line}\r\n`,
    });

  it('goes on as it came, its NOTIFYs come back, and both legs end', async () => {
    const { a, b } = await out();
    expect((await refer(a, TEL)).status).toBe(202);
    const passed = await b.take('REFER', 202);
    expect(passed.header('Refer-To')).toBe(TEL);
    expect(passed.header('Referred-By')).toContain('sip:alice@exchange.test');
    expect((await frag(b, '100 Trying', 'active')).status).toBe(200);
    expect((await frag(b, '180 Ringing', 'active')).status).toBe(200);
    expect((await frag(b, '200 OK', 'terminated;reason=noresource')).status).toBe(200);
    expect([await news(a), await news(a), await news(a)]).toEqual(['100 active', '180 active', '200 terminated']);
    await Promise.all([a.awaitBye(), b.awaitBye()]);
    expect((await hall.exchange.nextRecord()).endReason).toBe('transferred');
  });

  it('that fails there leaves the call as it was', async () => {
    const { a, b } = await out();
    await refer(a, TEL);
    await b.take('REFER', 202);
    await frag(b, '486 Busy Here', 'terminated;reason=noresource');
    expect([await news(a), await news(a)]).toEqual(['100 active', '486 terminated']);
    expect((await frag(b, '200 OK', 'terminated')).status).toBe(481);
    await Promise.all([a.bye(), b.awaitBye()]);
  });

  it.each([405, 420, 501, 603])('refused there with %i is carried out by the gateway', async (status) => {
    const { a, b } = await out();
    await refer(a, 'sip:4930456@exchange.test');
    await b.take('REFER', status);
    const c = await hall.carrier.accept(await hall.carrier.nextInvite(), rtpSdp(45_000));
    expect([await news(a), await news(a)]).toEqual(['100 active', '200 terminated']);
    await a.awaitBye();
    await Promise.all([b.bye(), c.awaitBye()]);
  });
});
