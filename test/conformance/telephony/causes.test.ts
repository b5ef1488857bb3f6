import { describe, expect, it } from 'vitest';
import { isRequest, isResponse } from '../../support/sip-peer.ts';
import { useHall } from './support/hall.ts';
import { type Party, type PartyDialog, rtpSdp } from './support/party.ts';

const hall = useHall();

async function talk(): Promise<{ alice: Party; bob: Party; a: PartyDialog; b: PartyDialog }> {
  const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
  const calling = alice.call('bob', rtpSdp(41_000));
  const b = await bob.accept(await bob.nextInvite(), rtpSdp(42_000));
  return { alice, bob, a: await calling, b };
}

describe('why a call was not answered', () => {
  it.each([
    [486, 'Q.850 ;cause=17 ;text="User busy"', 486, 'Q.850;cause=17;text="User busy"', 17],
    [404, 'SIP;cause=404;text="x\\"y", q.850;cause=1', 404, 'Q.850;cause=1, SIP;cause=404;text="xy"', 1],
    [480, '', 480, '', 18],
    [603, 'preemption;cause=5', 603, '', 21],
    [503, 'Q.850;cause=34', 500, 'Q.850;cause=34, SIP;cause=503', 34],
    [302, '', 480, 'SIP;cause=302', 18],
    [401, '', 403, 'SIP;cause=401', 21],
    [484, 'Q.850;cause=999', 484, '', 28],
  ])('the callee says %i (%s), the caller hears %i (%s)', async (...[said, reason, status, heard, q850]) => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const inviting = alice.invite('bob', rtpSdp(41_000));
    bob.peer.reply(await bob.nextInvite(), said, { headers: reason === '' ? [] : [`Reason: ${reason}`] });
    const { response } = await inviting;
    expect([response.status, response.header('Reason')]).toEqual([status, heard]);
    const record = await hall.exchange.nextRecord();
    expect(record).toMatchObject({ sipStatus: status, q850 });
    expect(record.legs[1]).toMatchObject({ sipStatus: said });
  });
});

describe('why a call ended', () => {
  it.each([
    ['Q.850;cause=31 ; text="Normal, unspecified"', 'Q.850;cause=31;text="Normal unspecified"', 31],
    ['SIP;cause=200;text="Call completed elsewhere"', 'SIP;cause=200;text="Call completed elsewhere"', 16],
    ['nonsense', '', 16],
  ])('BYE with %s', async (said, heard, q850) => {
    const { a, b } = await talk();
    const hungUp = a.request('BYE', { headers: [`Reason: ${said}`] });
    const bye = await b.awaitBye();
    expect((await hungUp).status).toBe(200);
    expect(bye.header('Reason')).toBe(heard);
    expect(await hall.exchange.nextRecord()).toMatchObject({ endReason: 'hangup-caller', q850 });
  });

  it('a BYE in the early dialog cancels the callee and the INVITE gets its 487', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const inviting = alice.invite('bob', rtpSdp(41_000));
    const invite = await bob.nextInvite();
    bob.peer.reply(invite, 180);
    const ringing = await alice.peer.wait(isResponse(180, 'INVITE'));
    alice.peer.request('BYE', {
      uri: /<([^>]+)>/.exec(ringing.header('Contact'))?.[1] ?? '',
      from: ringing.header('From'),
      to: ringing.header('To'),
      callId: ringing.header('Call-ID'),
      cseq: 50,
      headers: ['Reason: Q.850;cause=16'],
    });
    expect((await alice.peer.wait((message) => message.header('CSeq') === '50 BYE')).status).toBe(200);
    const cancel = await bob.peer.wait(isRequest('CANCEL'));
    expect(cancel.header('Reason')).toBe('Q.850;cause=16');
    bob.peer.reply(cancel, 200);
    bob.peer.reply(invite, 487);
    expect((await inviting).response.status).toBe(487);
    expect(await hall.exchange.nextRecord()).toMatchObject({ endReason: 'cancelled', sipStatus: 487 });
  });

  it('a caller that never sends its ACK is given up, and so is the callee', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const inviting = alice.invite('bob', rtpSdp(41_000));
    const b = await bob.accept(await bob.nextInvite(), rtpSdp(42_000));
    await inviting;
    const bye = await alice.peer.wait(isRequest('BYE'), 8_000);
    expect(bye.header('Reason')).toContain('ACK timeout');
    alice.peer.reply(bye, 200);
    await b.awaitBye();
    expect(await hall.exchange.nextRecord()).toMatchObject({ endReason: 'timeout' });
  });

  it('a BYE that nobody answers ends the call all the same', async () => {
    const { a, b } = await talk();
    expect(await a.bye()).toBe(200);
    await b.next('BYE');
    expect(await hall.exchange.nextRecord()).toMatchObject({ endReason: 'hangup-caller', q850: 16 });
    await hall.exchange.expectPortsClosed();
  });

  it('a 200 that crosses the CANCEL is acknowledged and hung up; the record says cancelled', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const inviting = alice.invite('bob', rtpSdp(41_000));
    const invite = await bob.nextInvite();
    bob.peer.reply(invite, 180);
    await alice.peer.wait(isResponse(180, 'INVITE'));
    const sent = alice.peer.log.findLast((line) => line.startsWith('--> INVITE')) ?? '';
    const head = sent.slice(4).split('\r\nContent-Type')[0] ?? '';
    const cancel = head.replace(/^INVITE/, 'CANCEL').replace(/CSeq: (\d+) INVITE/, 'CSeq: $1 CANCEL');
    alice.peer.sendRaw(`${cancel}\r\nContent-Length: 0\r\n\r\n`);
    const cancelled = await bob.peer.wait(isRequest('CANCEL'));
    bob.peer.reply(cancelled, 200);
    const b = await bob.accept(invite, rtpSdp(42_000), { tag: 'peertag' });
    await b.awaitBye();
    expect((await inviting).response.status).toBe(487);
    expect(await hall.exchange.nextRecord()).toMatchObject({ endReason: 'cancelled', sipStatus: 487 });
  });
});
