import { describe, expect, it } from 'vitest';
import { isResponse, type PeerMessage } from '../../support/sip-peer.ts';
import { useHall } from './support/hall.ts';
import { type Party, type PartyDialog, rtpSdp } from './support/party.ts';

const hall = useHall();
const BOTH = ['0 PCMU/8000', '8 PCMA/8000'];

/** A call in which we owe alice a re-INVITE: the callee's 183 and 200 differ in codec. Gives our offer. */
async function owing(): Promise<{ alice: Party; bob: Party; a: PartyDialog; b: PartyDialog; offer: PeerMessage }> {
  const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
  const inviting = alice.invite('bob', rtpSdp(41_000, BOTH));
  const invite = await bob.nextInvite();
  bob.peer.reply(invite, 183, { tag: 'one', contact: bob.contact, body: rtpSdp(42_000, ['0 PCMU/8000']) });
  await alice.peer.wait(isResponse(183, 'INVITE'));
  const b = await bob.accept(invite, rtpSdp(42_000, ['8 PCMA/8000']), { tag: 'one' });
  const { dialog: a } = await inviting;
  if (a === undefined) throw new Error('refused');
  a.ack();
  return { alice, bob, a, b, offer: await a.next('INVITE') };
}

describe('two offers at once', () => {
  it('an offer that crosses ours gets 491, whatever its method; ours goes on', async () => {
    const { alice, a, b, offer } = await owing();
    expect((await a.request('INVITE', { body: rtpSdp(41_100, BOTH) })).status).toBe(491);
    a.ack();
    expect((await a.request('UPDATE', { body: rtpSdp(41_100, BOTH) })).status).toBe(491);
    alice.peer.reply(offer, 200, { contact: alice.contact, body: rtpSdp(41_000, ['8 PCMA/8000']) });
    await a.next('ACK');
    expect((await a.request('UPDATE', { body: rtpSdp(41_100, ['8 PCMA/8000']) })).status).toBe(200);
    await Promise.all([a.bye(), b.awaitBye()]);
  });

  it.each([
    ['491', 491, []],
    ['500 with Retry-After', 500, ['Retry-After: 0']],
  ])(
    'ours is sent again after %s, with a CSeq of its own and the same text',
    { timeout: 15_000 },
    async (_, status, headers) => {
      const { alice, a, b, offer } = await owing();
      alice.peer.reply(offer, status, { headers });
      const again = await a.next('INVITE', 4_000);
      expect(Number.parseInt(again.header('CSeq'), 10)).toBeGreaterThan(Number.parseInt(offer.header('CSeq'), 10));
      expect(again.body).toBe(offer.body);
      alice.peer.reply(again, 200, { contact: alice.contact, body: rtpSdp(41_000, ['8 PCMA/8000']) });
      await a.next('ACK');
      await Promise.all([a.bye(), b.awaitBye()]);
    },
  );

  it.each([481, 408])('%i to ours means that there is no dialog any more', async (status) => {
    const { alice, a, b, offer } = await owing();
    alice.peer.reply(offer, status);
    await Promise.all([a.awaitBye(), b.awaitBye()]);
    expect(await hall.exchange.nextRecord()).toMatchObject({ endReason: 'timeout' });
  });

  it('while our offer in a 200 waits for its answer, theirs gets 491; an ACK without the answer changes nothing', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const calling = alice.call('bob', rtpSdp(41_000));
    const b = await bob.accept(await bob.nextInvite(), rtpSdp(42_000));
    const a = await calling;
    const asked = await a.request('INVITE', {});
    expect(asked.body).toContain('m=audio');
    expect((await a.request('UPDATE', { body: rtpSdp(41_100) })).status).toBe(491);
    a.ack('', Number.parseInt(asked.header('CSeq'), 10));
    const answer = await a.request('INVITE', { body: rtpSdp(41_000) });
    a.ack();
    expect([answer.status, answer.body]).toEqual([200, a.sdp]);
    expect(bob.peer.countNew('INVITE')).toBe(1);
    await Promise.all([a.bye(), b.awaitBye()]);
  });
});
