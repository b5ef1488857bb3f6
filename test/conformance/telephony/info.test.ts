/** INFO inside dialogs: digits go on to the other party, what we do not know is refused precisely. */
import { describe, expect, it } from 'vitest';
import { isRequest } from '../../support/sip-peer.ts';
import { until } from '../../support/until.ts';
import { phones } from './support/exchange.ts';
import { useHall } from './support/hall.ts';
import { type PartyDialog, rtpSdp } from './support/party.ts';

const hall = useHall();

async function talk(formats?: readonly string[]): Promise<{ a: PartyDialog; b: PartyDialog }> {
  const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
  const calling = alice.call('bob', rtpSdp(41_000, formats));
  const b = await bob.accept(await bob.nextInvite(), rtpSdp(42_000, formats));
  const a = await calling;
  await until(() => hall.exchange.eventsOf('call-answered').length === 1, { within: 2_000, what: 'the answer' });
  return { a, b };
}

describe('INFO', () => {
  it.each([
    ['application/dtmf-relay', 'Signal=5\r\nDuration=240\r\n', '5', 240],
    ['application/dtmf-relay', 'Signal= 11\r\n', '#', 160],
    ['application/dtmf', '*', '*', 160],
  ])('%s is played to the other party as RTP events', async (contentType, body, digit, durationMs) => {
    const { a, b } = await talk();
    expect((await a.request('INFO', { contentType, body })).status).toBe(200);
    const [inbound, outbound] = hall.exchange.media.bridges.at(-1) ?? [];
    expect(hall.exchange.media.digits).toEqual([{ portId: outbound, digit, durationMs, form: 'events' }]);
    expect(hall.exchange.eventsOf('digit')).toHaveLength(1);
    expect(inbound).not.toBe(outbound);
    await Promise.all([a.bye(), b.awaitBye()]);
  });

  it.each([
    ['application/dtmf-relay', 'Signal=flash\r\n', 400],
    ['application/media_control+xml', '<media_control/>', 200],
    ['application/x-unknown', 'x', 415],
  ])('%s with %j is answered %i', async (contentType, body, status) => {
    const { a, b } = await talk();
    expect((await a.request('INFO', { contentType, body })).status).toBe(status);
    expect(hall.exchange.media.digits).toEqual([]);
    await Promise.all([a.bye(), b.awaitBye()]);
  });

  it('for a keyframe is counted, and says that there is no video', async () => {
    const { a, b } = await talk();
    const body =
      '<media_control><vc_primitive><to_encoder><picture_fast_update/></to_encoder></vc_primitive></media_control>';
    expect((await a.request('INFO', { contentType: 'application/media_control+xml', body })).status).toBe(200);
    await until(() => hall.exchange.eventsOf('keyframe-requested').length === 1, { within: 2_000, what: 'the event' });
    expect(hall.exchange.eventsOf('keyframe-requested')).toMatchObject([{ result: 'no-video' }]);
    await Promise.all([a.bye(), b.awaitBye()]);
  });

  it('of a package that we have not offered is refused, with those we take', async () => {
    const { a, b } = await talk();
    const reply = await a.request('INFO', { headers: ['Info-Package: foo'] });
    // 469 (RFC 6086 §4.2.2); drachtio-srf knows it not and says its class.
    expect([400, 469]).toContain(reply.status);
    expect(reply.headers('Recv-Info')).toHaveLength(1);
    await Promise.all([a.bye(), b.awaitBye()]);
  });

  describe('that the other party holds', () => {
    const asks = { headers: ['Recv-Info: other, viaduct-hold'] };
    const takeNotice = async (dialog: PartyDialog, isHeld: boolean): Promise<void> => {
      const notice = await dialog.take('INFO');
      expect(notice.header('Info-Package')).toBe('viaduct-hold');
      expect(JSON.parse(notice.body)).toEqual({ isHeld });
    };
    const offer = async (dialog: PartyDialog, direction: string): Promise<void> => {
      const body = rtpSdp(42_000, undefined, [`a=${direction}`]);
      expect((await dialog.request('INVITE', { body })).status).toBe(200);
      dialog.ack();
    };

    it('is told to whoever asks, each time that it changes, and to nobody else', async () => {
      const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
      const calling = alice.invite('bob', rtpSdp(41_000), asks);
      const b = await bob.accept(await bob.nextInvite(), rtpSdp(42_000));
      const { response, dialog: a } = await calling;
      expect(response.headers('Recv-Info')).toEqual(['']);
      if (a === undefined) throw new Error('refused');
      a.ack();
      await offer(b, 'sendonly');
      await takeNotice(a, true);
      await offer(b, 'inactive');
      await offer(b, 'sendrecv');
      await takeNotice(a, false);
      await offer(a, 'inactive');
      await offer(a, 'sendrecv');
      await Promise.all([a.bye(), b.awaitBye()]);
      expect(bob.peer.count(isRequest('INFO'))).toBe(0);
      expect(alice.peer.count(isRequest('INVITE'))).toBe(0);
      // One that was sent again because our answer came late is not another one.
      const notices = new Set<string>();
      alice.peer.count((message) => isRequest('INFO')(message) && notices.add(message.header('CSeq')).size > 0);
      expect(notices.size).toBe(2);
    });

    it('is told to a callee that asks in its 200, also of a caller that never listened', async () => {
      const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
      const calling = alice.call('bob', rtpSdp(41_000, undefined, ['a=inactive']), asks);
      const b = await bob.accept(await bob.nextInvite(), rtpSdp(42_000), asks);
      const a = await calling;
      await takeNotice(b, true);
      await offer(a, 'sendrecv');
      await takeNotice(b, false);
      await Promise.all([a.bye(), b.awaitBye()]);
      expect(alice.peer.count(isRequest('INFO'))).toBe(0);
    });
  });

  it('goes on as INFO to a party without RTP events whose profile wants it so', async () => {
    const profile = { ...phones, dtmf: 'info' as const };
    await hall.restart({ profiles: { browsers: profile, phones: profile } });
    const { a, b } = await talk(['0 PCMU/8000']);
    const pressing = a.request('INFO', { contentType: 'application/dtmf-relay', body: 'Signal=7\r\nDuration=100\r\n' });
    const passed = await b.take('INFO');
    expect(passed.body).toBe('Signal=7\r\nDuration=100\r\n');
    expect(passed.header('Content-Type')).toBe('application/dtmf-relay');
    expect((await pressing).status).toBe(200);
    await Promise.all([a.bye(), b.awaitBye()]);
  });
});
