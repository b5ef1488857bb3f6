/** Music for whoever is held by a party that plays none itself. */
import { afterEach, describe, expect, it } from 'vitest';
import { decodeG711, findGaps } from '../../../src/audio/index.ts';
import { type HeardPacket, RtpPeer } from '../../support/rtp-peer.ts';
import { until } from '../../support/until.ts';
import { useHall } from './support/hall.ts';
import { type PartyDialog, rtpPortIn, rtpSdp } from './support/party.ts';

const hall = useHall({ musicOnHold: 'melody' });
const FORMATS = ['0 PCMU/8000', '101 telephone-event/8000'];

const open: RtpPeer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map(async (rtp) => rtp.close()));
});

async function talk() {
  const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
  const [a, b] = [await RtpPeer.open(), await RtpPeer.open()];
  open.push(a, b);
  const calling = alice.call('bob', rtpSdp(a.port));
  const invite = await bob.nextInvite();
  const callee = await bob.accept(invite, rtpSdp(b.port));
  const caller = await calling;
  await until(() => hall.exchange.eventsOf('call-answered').length === 1, { within: 2_000, what: 'the answer' });
  return { caller, callee, a, b, toCallee: rtpPortIn(invite.body) };
}

async function direct(dialog: PartyDialog, port: number, direction: string): Promise<void> {
  const answer = await dialog.request('INVITE', { body: rtpSdp(port, FORMATS, [`a=${direction}`]) });
  dialog.ack();
  expect(answer.status).toBe(200);
}

const isSound = (heard: readonly HeardPacket[]): boolean => {
  const pcm = heard.flatMap(({ payload }) => [...decodeG711('PCMU', payload)]);
  return findGaps(Int16Array.from(pcm), 8000, { thresholdDb: -50, minMs: 200 }).length === 0;
};

describe('music on hold', () => {
  it.each(['sendonly', 'inactive'])('%s: is heard until the call goes on, and by nobody else', async (direction) => {
    const { caller, callee, a, b, toCallee } = await talk();
    await direct(callee, b.port, direction);
    await until(() => a.heard.length > 50 && isSound(a.heard.slice(-40)), { within: 5_000, what: 'music' });
    expect(b.heard).toEqual([]);
    await direct(callee, b.port, 'sendrecv');
    b.play([Buffer.alloc(160, 0x33)], { payloadType: 0, ssrc: 5, step: 160, port: toCallee });
    const isBob = ({ payload }: HeardPacket): boolean => payload.every((byte) => byte === 0x33);
    await until(() => a.heard.slice(-10).every(isBob), { within: 3_000, what: 'bob' });
    expect(new Set(a.heard.map(({ ssrc }) => ssrc)).size).toBe(1);
    await Promise.all([caller.bye(), callee.awaitBye()]);
  });

  it('of the holder itself is preferred', async () => {
    const { caller, callee, a, b, toCallee } = await talk();
    b.play([Buffer.alloc(160, 0x33)], { payloadType: 0, ssrc: 5, step: 160, port: toCallee });
    await direct(callee, b.port, 'sendonly');
    await until(() => a.heard.length > 60, { within: 3_000, what: 'sound' });
    expect(a.heard.slice(-20).every(({ payload }) => payload.every((byte) => byte === 0x33))).toBe(true);
    await Promise.all([caller.bye(), callee.awaitBye()]);
  });
});
