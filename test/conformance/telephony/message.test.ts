/** MESSAGE and what we do not serve: who may write to whom, and what everybody else is told. */
import { describe, expect, it } from 'vitest';
import { isRequest, type PeerMessage } from '../../support/sip-peer.ts';
import { hasRealFaults } from '../../support/test-engine.ts';
import { DOMAIN } from './support/exchange.ts';
import { useHall } from './support/hall.ts';
import type { Party } from './support/party.ts';

const hall = useHall();

function write(from: Party, to: string, body = 'Hello', uri = `sip:${to}@${DOMAIN}`): Promise<PeerMessage> {
  return from.ask('MESSAGE', { uri, to: `<${uri}>`, body, contentType: 'text/plain;charset=utf-8' });
}

describe('MESSAGE', () => {
  it.each(['udp', 'tcp', 'ws'] as const)('reaches a user over %s as it is', async (transport) => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob', transport)];
    const writing = write(alice, 'bob', 'Grüße\r\nfrom alice');
    const message = await bob.peer.wait(isRequest('MESSAGE'));
    expect(message.body).toBe('Grüße\r\nfrom alice');
    expect(message.header('Content-Type')).toBe('text/plain;charset=utf-8');
    expect(message.header('From')).toContain(`sip:alice@${DOMAIN}`);
    bob.peer.reply(message, 200);
    expect((await writing).status).toBe(200);
  });

  it('to somebody unknown is 404, to somebody who is not there 480', async () => {
    const alice = await hall.join('alice');
    expect((await write(alice, 'nobody')).status).toBe(404);
    expect((await write(alice, 'bob')).status).toBe(480);
  });

  it('that the other phone does not take is told so', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const writing = write(alice, 'bob');
    bob.peer.reply(await bob.peer.wait(isRequest('MESSAGE')), 405);
    expect((await writing).status).toBe(405);
  });

  it('T10: is challenged, and refused under another name or from a trunk', async () => {
    const mallory = await hall.open('alice');
    const uri = `sip:bob@${DOMAIN}`;
    mallory.peer.request('MESSAGE', {
      uri,
      from: `<sip:alice@${DOMAIN}>;tag=x`,
      to: `<${uri}>`,
      callId: 'one',
      cseq: 1,
      body: 'x',
      contentType: 'text/plain',
    });
    expect((await mallory.peer.wait((message) => message.status >= 200)).status).toBe(407);
    const bob = await hall.open('bob');
    const asAlice = await bob.ask('MESSAGE', { uri, from: `<sip:alice@${DOMAIN}>;tag=y`, to: `<${uri}>`, body: 'x' });
    expect(asAlice.status).toBe(403);
    expect((await write(hall.carrier, 'bob')).status).toBe(403);
  });

  it('is bounded in size and in rate', async () => {
    const alice = await hall.open('alice');
    expect((await write(alice, 'bob', 'x'.repeat(1_301))).status).toBe(413);
    let last: PeerMessage | undefined;
    for (let count = 0; count < 31; count += 1) last = await write(alice, 'bob');
    expect(last?.status).toBe(503);
    expect(last?.header('Retry-After')).toBe('60');
  });
});

describe('outside dialogs', () => {
  it.each<readonly [method: string, status: number]>([
    ['SUBSCRIBE', 489],
    // drachtio-server discards it (drachtio-protocol §6.3).
    ...(hasRealFaults ? [] : [['REFER', 405] as const]),
    ['INFO', 405],
    ['NOTIFY', 405],
    ['OPTIONS', 200],
  ])('%s is answered %i, with what we allow', async (method, status) => {
    const alice = await hall.open('alice');
    const reply = await alice.ask(method, {
      uri: `sip:${DOMAIN}`,
      to: `<sip:${DOMAIN}>`,
      headers: ['Event: presence'],
    });
    expect(reply.status).toBe(status);
    if (status === 405 || status === 200) expect(reply.header('Allow')).toContain('MESSAGE');
  });
});
