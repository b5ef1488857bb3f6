/** Parties without a common codec, and parties that come to have one: S77, and what follows from leg isolation. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { CallRecord } from '../../../src/calls/index.ts';
import { isRequest, isResponse, type PeerMessage } from '../../support/sip-peer.ts';
import { until } from '../../support/until.ts';
import { browsers, type Exchange, phones } from './support/exchange.ts';
import { useHall } from './support/hall.ts';
import { type Party, type PartyDialog, rtpSdp, webSdp } from './support/party.ts';

const hall = useHall();
const able = (): void => {
  hall.exchange.media.transcodable = ['opus', 'G722', 'PCMU', 'PCMA', 'L16'];
};
beforeEach(able);

const EVENT = '101 telephone-event/8000';
const PCMU = ['0 PCMU/8000', EVENT];
const PCMA = ['8 PCMA/8000', EVENT];
const G722 = ['9 G722/8000', EVENT];
const OPUS = ['111 opus/48000/2', EVENT];
const BOTH = ['0 PCMU/8000', '8 PCMA/8000', EVENT];

const payloadTypesIn = (sdp: string): string => /^m=audio \d+ RTP\/AVP (.*)$/mu.exec(sdp)?.[1] ?? '';

interface Pair {
  readonly alice: Party;
  readonly bob: Party;
  readonly a: PartyDialog;
  readonly b: PartyDialog;
  readonly invite: PeerMessage;
}

async function talk(offer: readonly string[], answer: readonly string[]): Promise<Pair> {
  const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
  const calling = alice.call('bob', rtpSdp(41_000, offer));
  const invite = await bob.nextInvite();
  const b = await bob.accept(invite, rtpSdp(42_000, answer));
  return { alice, bob, a: await calling, b, invite };
}

async function part({ a, b }: Pick<Pair, 'a' | 'b'>): Promise<CallRecord> {
  await Promise.all([a.bye(), b.awaitBye()]);
  return hall.exchange.nextRecord();
}

async function current(exchange: Exchange): Promise<CallRecord> {
  const [call] = await exchange.telephony.records({ isActive: true, limit: 1 });
  const record = call === undefined ? undefined : await exchange.telephony.record(call.callId);
  if (record === undefined) throw new Error('no call is running');
  return record;
}

const changes = (): readonly boolean[] =>
  hall.exchange.eventsOf('codecs-changed').map(({ isTranscoding }) => isTranscoding);

/** Answers the gateway's re-INVITE. */
async function take(party: Party, dialog: PartyDialog, formats: readonly string[], port: number): Promise<string> {
  const offered = await dialog.next('INVITE');
  party.peer.reply(offered, 200, { contact: party.contact, body: rtpSdp(port, formats) });
  await dialog.next('ACK');
  return payloadTypesIn(offered.body);
}

describe('S77 a call whose parties share no codec', () => {
  it('is offered on with what can be made of the caller’s codecs, and transcoded', async () => {
    const pair = await talk(PCMA, OPUS);
    expect(payloadTypesIn(pair.invite.body)).toBe('8 0 9 111 101');
    expect(payloadTypesIn(pair.a.sdp)).toBe('8 101');
    expect(pair.invite.body).toContain('maxplaybackrate=8000');
    const talking = await current(hall.exchange);
    expect(talking.codecs).toMatchObject({ isTranscoding: true, replans: 0 });
    expect(talking.codecs?.transcodingSince).toBeGreaterThan(talking.startedAt);
    expect(talking.codecs?.reason).toContain('PCMA of the first party becomes opus for the second');
    expect(talking.legs).toMatchObject([
      { codec: 'PCMA', ptimeMs: 20, telephoneEvent: { payloadType: 101, clockRate: 8000 } },
      { codec: 'opus', ptimeMs: 20, telephoneEvent: { payloadType: 101, clockRate: 8000 } },
    ]);
    const { codecs } = await part(pair);
    expect(codecs).toMatchObject({ isTranscoding: false, transcodingSince: undefined });
    expect(codecs?.transcodedSec).toBeGreaterThan(0);
    // Nobody was asked for anything: there was nothing to be had.
    expect(pair.alice.peer.count(isRequest('INVITE')) + pair.bob.peer.count(isRequest('INVITE'))).toBe(1);
  });

  it('may be one whose caller delays its offer', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const inviting = alice.invite('bob', '');
    const b = await bob.accept(await bob.nextInvite(), rtpSdp(42_000, OPUS));
    const { response, dialog } = await inviting;
    expect(payloadTypesIn(response.body)).toBe('111 0 8 9 101');
    dialog?.ack(rtpSdp(41_000, G722));
    await until(() => hall.exchange.eventsOf('call-answered').length === 1, { within: 1_000, what: 'the answer' });
    expect((await current(hall.exchange)).legs).toMatchObject([{ codec: 'G722' }, { codec: 'opus' }]);
    if (dialog !== undefined) await part({ a: dialog, b });
  });

  it('ends with 488 and a Warning that says why, when a profile forbids it', async () => {
    const strict = { ...phones, transcoding: false };
    const { address } = hall.carrier.peer;
    const trunk = { name: 'carrier', addresses: [address], target: address, transport: 'udp' as const };
    await hall.restart({
      profiles: { browsers, phones: strict },
      trunks: [{ ...trunk, profile: { ...strict, codecs: ['opus'] } }],
    });
    able();
    const why = '305 exchange.test "Incompatible media format: no common audio codec, and transcoding is not allowed"';
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    // Nothing can be offered to the trunk.
    const { response: unoffered } = await alice.invite('4711', rtpSdp(41_000, PCMA));
    expect([unoffered.status, unoffered.header('Warning')]).toEqual([488, why]);
    // And a phone answers with what it was not asked for.
    const inviting = alice.invite('bob', rtpSdp(41_000, PCMA));
    const invite = await bob.nextInvite();
    expect(payloadTypesIn(invite.body)).toBe('8 101');
    const b = await bob.accept(invite, rtpSdp(42_000, OPUS));
    await b.awaitBye();
    const { response } = await inviting;
    expect([response.status, response.header('Warning')]).toEqual([488, why]);
  });
});

describe('a re-INVITE of one side', () => {
  it('that drops the codec in use is taken, and the other side hears of nothing', async () => {
    const pair = await talk(PCMU, PCMU);
    const answer = await pair.a.request('INVITE', { body: rtpSdp(41_000, PCMA) });
    pair.a.ack();
    expect([answer.status, payloadTypesIn(answer.body)]).toEqual([200, '8 101']);
    expect((await current(hall.exchange)).codecs).toMatchObject({ isTranscoding: true, replans: 1 });
    const back = await pair.a.request('INVITE', { body: rtpSdp(41_000, BOTH) });
    pair.a.ack();
    expect([back.status, payloadTypesIn(back.body)]).toEqual([200, '0 101']);
    expect((await current(hall.exchange)).codecs).toMatchObject({ isTranscoding: false, replans: 2 });
    expect(changes()).toEqual([true, false]);
    expect(pair.bob.peer.count(isRequest('INVITE'))).toBe(1);
    await part(pair);
  });

  it('without an offer is told all that could be joined, and may choose', async () => {
    const pair = await talk(PCMU, PCMU);
    const offer = await pair.b.request('INVITE', {});
    expect(payloadTypesIn(offer.body)).toBe('0 111 9 8 101');
    pair.b.ack(rtpSdp(42_000, G722));
    await until(() => changes().length === 1, { within: 1_000, what: 'the other codec' });
    expect((await current(hall.exchange)).legs).toMatchObject([{ codec: 'PCMU' }, { codec: 'G722' }]);
    await part(pair);
  });

  it('is followed by one of ours, when the other side has named the new codec, too: nothing is transcoded then', async () => {
    const pair = await talk(BOTH, PCMU);
    const answering = pair.b.request('INVITE', { body: rtpSdp(42_000, PCMA) });
    expect((await answering).status).toBe(200);
    pair.b.ack();
    expect(await take(pair.alice, pair.a, PCMA, 41_000)).toBe('8 101');
    await until(() => changes().length === 2, { within: 1_000, what: 'the way back' });
    expect(changes()).toEqual([true, false]);
    const record = await part(pair);
    expect(record.codecs).toMatchObject({ isTranscoding: false, replans: 2 });
    expect(record.codecs?.reason).toContain('PCMA passes through');
    expect(record.legs).toMatchObject([{ codec: 'PCMA' }, { codec: 'PCMA' }]);
  });

  it.each([
    ['refuses', 488, BOTH],
    ['accepts it with its old one', 200, PCMU],
    ['accepts it with what nobody knows, and is told again what is in use', 200, ['18 G729/8000']],
  ])('leaves the call transcoded when the other side %s', async (_, status, formats) => {
    const pair = await talk(BOTH, PCMU);
    expect((await pair.b.request('INVITE', { body: rtpSdp(42_000, PCMA) })).status).toBe(200);
    pair.b.ack();
    const offered = await pair.a.next('INVITE');
    pair.alice.peer.reply(offered, status, { contact: pair.alice.contact, body: rtpSdp(41_000, formats) });
    if (status === 200) await pair.a.next('ACK');
    const isBroughtBack = formats.includes('18 G729/8000');
    if (isBroughtBack) expect(await take(pair.alice, pair.a, PCMU, 41_000)).toBe('0 101');
    // It is not asked again when something else happens.
    const hold = await pair.b.request('INVITE', { body: rtpSdp(42_000, PCMA, ['a=sendonly']) });
    pair.b.ack();
    expect(hold.status).toBe(200);
    expect((await current(hall.exchange)).codecs).toMatchObject({ isTranscoding: true, replans: 1 });
    await part(pair);
    expect(pair.alice.peer.count(isRequest('INVITE'))).toBe(isBroughtBack ? 2 : 1);
  });
});

describe('early media', () => {
  it('of one codec and an answer with another: the caller keeps its answer, is heard at once, and then is asked', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const inviting = alice.invite('bob', rtpSdp(41_000, BOTH));
    const invite = await bob.nextInvite();
    bob.peer.reply(invite, 183, { tag: 'one', contact: bob.contact, body: rtpSdp(42_000, PCMU) });
    await alice.peer.wait(isResponse(183, 'INVITE'));
    const b = await bob.accept(invite, rtpSdp(42_000, PCMA), { tag: 'two' });
    const { response, dialog: a } = await inviting;
    if (a === undefined) throw new Error('refused');
    expect(payloadTypesIn(response.body)).toBe('0 101');
    a.ack();
    expect(await take(alice, a, PCMA, 41_000)).toBe('8 101');
    await until(() => changes().length === 1, { within: 1_000, what: 'the same codec' });
    expect((await part({ a, b })).codecs).toMatchObject({ isTranscoding: false, replans: 1 });
  });
});

describe('a transfer', () => {
  it('to a party without the transferee’s codec is transcoded, when the transferee takes no other one', async () => {
    const carol = await hall.join('carol');
    const pair = await talk(PCMU, PCMU);
    const refer = await pair.a.request('REFER', { headers: ['Refer-To: <sip:carol@exchange.test>'] });
    expect(refer.status).toBe(202);
    const accepting = carol.accept(await carol.nextInvite(), rtpSdp(43_000, PCMA));
    pair.bob.peer.reply(await pair.b.next('INVITE'), 488);
    const c = await accepting;
    await pair.a.awaitBye();
    await until(() => hall.exchange.eventsOf('call-answered').length === 2, { within: 1_000, what: 'the second call' });
    await hall.exchange.nextRecord();
    expect((await current(hall.exchange)).codecs).toMatchObject({ isTranscoding: true });
    await Promise.all([pair.b.bye(), c.awaitBye()]);
    expect((await hall.exchange.nextRecord()).legs).toMatchObject([{ codec: 'PCMU' }, { codec: 'PCMA' }]);
  });
});

describe('a browser that loses packets', () => {
  it('is asked for Opus when its profile says so, and asked back when the network is well again', async () => {
    const lossy = { ...browsers, opus: { preferAboveLossPercent: 5 } };
    await hall.restart({ profiles: { browsers: lossy, phones }, timers: { lossCheckMs: 30 } });
    able();
    const loss = hall.exchange.media.fakeLoss();
    const [alice, bob] = [await hall.join('alice', 'ws'), await hall.join('bob')];
    const inviting = alice.invite('bob', webSdp());
    const b = await bob.accept(await bob.nextInvite(), rtpSdp(42_000, PCMU));
    const { dialog: a } = await inviting;
    if (a === undefined) throw new Error('refused');
    a.ack();
    loss.percent = 8;
    const asked = await a.next('INVITE');
    expect(asked.body).toMatch(/m=audio \d+ UDP\/TLS\/RTP\/SAVPF 111 /);
    alice.peer.reply(asked, 200, { contact: alice.contact, body: webSdp({ formats: ['111 opus/48000/2', EVENT] }) });
    await until(() => changes().length === 1, { within: 2_000, what: 'Opus' });
    const { codecs } = await current(hall.exchange);
    expect(codecs?.isTranscoding).toBe(true);
    expect(codecs?.reason).toContain('loses 8 % of its packets');
    loss.percent = 0;
    const askedBack = await a.next('INVITE');
    expect(askedBack.body).toMatch(/m=audio \d+ UDP\/TLS\/RTP\/SAVPF 0 /);
    alice.peer.reply(askedBack, 200, { contact: alice.contact, body: webSdp({ formats: PCMU }) });
    await until(() => changes().length === 2, { within: 2_000, what: 'PCMU' });
    expect(changes()).toEqual([true, false]);
    expect(bob.peer.count(isRequest('INVITE'))).toBe(1);
    await Promise.all([a.bye(), b.awaitBye()]);
  });
});
