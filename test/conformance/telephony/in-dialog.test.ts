import { describe, expect, it } from 'vitest';
import { isRequest } from '../../support/sip-peer.ts';
import { until } from '../../support/until.ts';
import { useHall } from './support/hall.ts';
import type { Party, PartyDialog } from './support/party.ts';
import { rtpSdp, webSdp } from './support/party.ts';

const hall = useHall();
const versionOf = (sdp: string): string => /^o=.*/m.exec(sdp)?.[0] ?? '';

interface Pair {
  readonly alice: Party;
  readonly bob: Party;
  readonly a: PartyDialog;
  readonly b: PartyDialog;
}

async function talk(): Promise<Pair> {
  const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
  const calling = alice.call('bob', rtpSdp(41_000));
  const b = await bob.accept(await bob.nextInvite(), rtpSdp(42_000));
  const a = await calling;
  await until(() => hall.exchange.eventsOf('call-answered').length === 1, {
    within: 1_000,
    what: 'the call to be answered',
  });
  return { alice, bob, a, b };
}

async function part({ a, b }: Pair): Promise<void> {
  await Promise.all([a.bye(), b.awaitBye()]);
}

const lastRtp = () => hall.exchange.media.connects.findLast((each) => each.kind === 'rtp');

describe('a re-INVITE is answered on its own leg', () => {
  it('with the same SDP when nothing has changed', async () => {
    const pair = await talk();
    const answer = await pair.a.request('INVITE', { body: rtpSdp(41_000) });
    pair.a.ack();
    expect(answer.status).toBe(200);
    expect(answer.body).toBe(pair.a.sdp);
    expect(pair.bob.peer.countNew('INVITE')).toBe(1);
    await part(pair);
  });

  it.each([
    ['sendonly', 'recvonly'],
    ['inactive', 'inactive'],
    ['recvonly', 'sendonly'],
  ])('hold with a=%s is answered a=%s, and undone by a=sendrecv', async (offered, answered) => {
    const pair = await talk();
    const held = await pair.b.request('INVITE', { body: rtpSdp(42_000, undefined, [`a=${offered}`]) });
    pair.b.ack();
    expect(held.body).toContain(`a=${answered}`);
    expect(versionOf(held.body)).not.toBe(versionOf(pair.b.sdp));
    expect(lastRtp()).toMatchObject({ direction: answered });
    const resumed = await pair.b.request('INVITE', { body: rtpSdp(42_000) });
    pair.b.ack();
    expect(resumed.body).toContain('a=sendrecv');
    expect(lastRtp()).toMatchObject({ direction: 'sendrecv' });
    await part(pair);
  });

  it('that moves the port moves our sender', async () => {
    const pair = await talk();
    await pair.a.request('UPDATE', { body: rtpSdp(41_500) });
    expect(lastRtp()).toMatchObject({ remote: { rtpPort: 41_500 } });
    await part(pair);
  });

  it('that drops the codec in use is refused with 488, and the call goes on', async () => {
    const pair = await talk();
    expect((await pair.a.request('INVITE', { body: rtpSdp(41_000, ['8 PCMA/8000']) })).status).toBe(488);
    pair.a.ack();
    await part(pair);
  });

  it.each(['INVITE', 'UPDATE', 'INFO'])(
    '%s that requires what we do not know is 420, and nothing changes',
    async (method) => {
      const pair = await talk();
      const body = method === 'INFO' ? '' : rtpSdp(41_900);
      const refused = await pair.a.request(method, { headers: ['Require: 100rel, foo'], body });
      if (method === 'INVITE') pair.a.ack();
      expect([refused.status, refused.header('Unsupported')]).toEqual([420, 'foo']);
      expect(JSON.stringify(hall.exchange.media.connects)).not.toContain('41900');
      await part(pair);
    },
  );

  it('without an offer gets ours, and its ACK answers', async () => {
    const pair = await talk();
    const offer = await pair.b.request('INVITE', {});
    expect(offer.body).toContain('m=audio');
    pair.b.ack(rtpSdp(42_700));
    await until(() => lastRtp()?.kind === 'rtp' && JSON.stringify(lastRtp()).includes('42700'), {
      within: 1_000,
      what: 'the new port',
    });
    await part(pair);
  });
});

describe('other requests in a dialog', () => {
  it.each([
    ['INFO', 200],
    ['OPTIONS', 200],
    ['UPDATE', 200],
    ['REFER', 400],
    ['MESSAGE', 405],
  ])('%s is answered %i', async (method, status) => {
    const pair = await talk();
    expect((await pair.a.request(method)).status).toBe(status);
    await part(pair);
  });
});

describe('when things break', () => {
  it('a connect that fails before the answer refuses the caller and hangs up the callee', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const inviting = alice.invite('bob', rtpSdp(41_000));
    const invite = await bob.nextInvite();
    hall.exchange.media.nextConnectFault = new Error('no such luck');
    const b = await bob.accept(invite, rtpSdp(42_000));
    await b.awaitBye();
    expect((await inviting).response.status).toBe(500);
  });

  it('a port that fails ends both sides as media-failed', async () => {
    const pair = await talk();
    const { legs, callId } = (await hall.exchange.telephony.records({ limit: 1 }))[0] ?? { legs: [] };
    const legId = legs[1]?.legId;
    if (legId === undefined || callId === undefined) throw new Error('the call has no record');
    hall.exchange.media.emit({
      kind: 'port-failed',
      portId: `port-${legId}` as never,
      callId,
      legId,
      reason: 'worker',
    });
    await Promise.all([pair.a.awaitBye(), pair.b.awaitBye()]);
    expect(await hall.exchange.nextRecord()).toMatchObject({ endReason: 'media-failed' });
  });

  it('a party that died in silence ends the call: both get BYE and hear why, and the record says so', async () => {
    const pair = await talk();
    const { legs, callId } = (await hall.exchange.telephony.records({ limit: 1 }))[0] ?? { legs: [] };
    const legId = legs[1]?.legId;
    if (legId === undefined || callId === undefined) throw new Error('the call has no record');
    const silence = { kind: 'media-timeout', portId: `port-${legId}` as never, callId, legId } as const;
    // It was silent for longer than the call has stood; and who was never heard ends nothing.
    hall.exchange.media.emit({ ...silence, silentMs: 60_000, wasHeard: true });
    hall.exchange.media.emit({ ...silence, silentMs: 1, wasHeard: false });
    expect((await pair.a.request('OPTIONS')).status).toBe(200);
    hall.exchange.media.emit({ ...silence, silentMs: 1, wasHeard: true });
    for (const bye of await Promise.all([pair.a.awaitBye(), pair.b.awaitBye()]))
      expect(bye.header('Reason')).toBe('Q.850;cause=102;text="Media timeout"');
    expect(await hall.exchange.nextRecord()).toMatchObject({ endReason: 'media-timeout', q850: 102 });
  });

  it('a shutdown says BYE to who talks and 480 to who rings', async () => {
    const pair = await talk();
    const carol = await hall.join('carol');
    const ringing = hall.carrier.invite('carol', rtpSdp(43_000));
    const invite = await carol.nextInvite();
    carol.peer.reply(invite, 180);
    await until(() => hall.exchange.eventsOf('leg-ringing').length > 0, { within: 1_000, what: 'ringing' });
    const closing = hall.exchange.telephony.close();
    const cancel = await carol.peer.wait(isRequest('CANCEL'));
    carol.peer.reply(cancel, 200);
    carol.peer.reply(invite, 487);
    const [bye] = await Promise.all([pair.a.awaitBye(), pair.b.awaitBye()]);
    expect(bye.header('Reason')).toContain('shutting down');
    expect((await ringing).response.status).toBe(480);
    await closing;
    expect((await hall.exchange.nextRecord()).endReason).toBe('gateway-shutdown');
  });

  it('the caller gives up while the callee answers: the callee is hung up or cancelled, never left', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    for (let round = 0; round < 10; round += 1) {
      const inviting = alice.invite('bob', rtpSdp(41_000));
      const invite = await bob.nextInvite();
      const sent = alice.peer.log.findLast((line) => line.startsWith('--> INVITE')) ?? '';
      const head = sent.slice(4).split('\r\nContent-Type')[0] ?? '';
      const cancel = head.replace(/^INVITE/, 'CANCEL').replace(/CSeq: (\d+) INVITE/, 'CSeq: $1 CANCEL');
      bob.peer.reply(invite, 200, { tag: `race${round}`, contact: bob.contact, body: rtpSdp(42_000) });
      alice.peer.sendRaw(`${cancel}\r\nContent-Length: 0\r\n\r\n`);
      const { response, dialog } = await inviting;
      dialog?.ack();
      if (dialog !== undefined) await dialog.bye();
      else expect(response.status).toBe(487);
      await bob.dialogOf(invite, `race${round}`).awaitBye();
      await hall.exchange.nextRecord();
    }
  });

  it('a browser holds and restarts ICE on its own leg; other keys are refused with 488', async () => {
    const [alice, bob] = [await hall.join('alice', 'ws'), await hall.join('bob')];
    const calling = alice.call('bob', webSdp());
    const b = await bob.accept(await bob.nextInvite(), rtpSdp(42_000));
    const a = await calling;
    const held = await a.request('INVITE', { body: webSdp().replace('a=sendrecv', 'a=sendonly') });
    a.ack();
    expect(held.body).toContain('a=recvonly');
    const restarted = await a.request('INVITE', { body: webSdp().replace('a=ice-ufrag:abcd', 'a=ice-ufrag:wxyz') });
    a.ack();
    expect(restarted.status).toBe(200);
    const ufragOf = (sdp: string): string => /a=ice-ufrag:(\S+)/.exec(sdp)?.[1] ?? '';
    expect(ufragOf(restarted.body)).not.toBe(ufragOf(a.sdp));
    expect(/a=fingerprint:.*/.exec(restarted.body)?.[0]).toBe(/a=fingerprint:.*/.exec(a.sdp)?.[0]);
    expect((await a.request('INVITE', { body: webSdp().replaceAll(':AB', ':CD') })).status).toBe(488);
    a.ack();
    expect(bob.peer.countNew('INVITE')).toBe(1);
    await a.bye();
    await b.awaitBye();
  });
});
