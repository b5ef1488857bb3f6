/** INFO inside dialogs: digits go on to the other party, what we do not know is refused precisely. */
import { describe, expect, it } from 'vitest';
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
    expect(hall.exchange.media.digits).toEqual([{ portId: outbound, digit, durationMs }]);
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

  it('of a package that we have not offered is refused, with those we take', async () => {
    const { a, b } = await talk();
    const reply = await a.request('INFO', { headers: ['Info-Package: foo'] });
    // 469 (RFC 6086 §4.2.2); drachtio-srf knows it not and says its class.
    expect([400, 469]).toContain(reply.status);
    expect(reply.headers('Recv-Info')).toHaveLength(1);
    await Promise.all([a.bye(), b.awaitBye()]);
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
