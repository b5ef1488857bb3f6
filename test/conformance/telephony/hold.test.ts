import { afterEach, describe, expect, it } from 'vitest';
import { RtpPeer } from '../../support/rtp-peer.ts';
import type { PeerMessage } from '../../support/sip-peer.ts';
import { until } from '../../support/until.ts';
import { useHall } from './support/hall.ts';
import { type Party, type PartyDialog, rtpPortIn, rtpSdp } from './support/party.ts';

const hall = useHall();

const PCMU = { payloadType: 0, step: 160 };
const FORMATS = ['0 PCMU/8000', '101 telephone-event/8000'];
/** Longer than what may still be on its way, and several packets long. */
const WINDOW_MS = 160;
const GRACE_MS = 60;

/** A phone with a mouth and an ear: it talks without end. */
interface Talker {
  readonly party: Party;
  readonly dialog: PartyDialog;
  readonly rtp: RtpPeer;
}

const open: RtpPeer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map(async (rtp) => rtp.close()));
});

async function ear(): Promise<RtpPeer> {
  const rtp = await RtpPeer.open();
  open.push(rtp);
  return rtp;
}

async function talk(): Promise<{ caller: Talker; callee: Talker }> {
  const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
  const [a, b] = [await ear(), await ear()];
  const calling = alice.call('bob', rtpSdp(a.port));
  const invite = await bob.nextInvite();
  const answered = await bob.accept(invite, rtpSdp(b.port));
  const dialog = await calling;
  a.play([Buffer.alloc(160, 0xaa)], { ...PCMU, ssrc: 0xa, port: rtpPortIn(dialog.sdp) });
  b.play([Buffer.alloc(160, 0xbb)], { ...PCMU, ssrc: 0xb, port: rtpPortIn(invite.body) });
  const pair = { caller: { party: alice, dialog, rtp: a }, callee: { party: bob, dialog: answered, rtp: b } };
  await hears(pair.caller);
  await hears(pair.callee);
  return pair;
}

async function hears({ rtp }: Talker): Promise<void> {
  const before = rtp.heard.length;
  await until(() => rtp.heard.length > before + 2, { within: 2_000, what: 'RTP' });
}

async function hearsNothing({ rtp }: Talker): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, GRACE_MS));
  const before = rtp.heard.length;
  await new Promise((resolve) => setTimeout(resolve, WINDOW_MS));
  expect(rtp.heard.length - before).toBe(0);
}

const versionIn = (sdp: string): number => Number(/^o=\S+ \d+ (\d+)/m.exec(sdp)?.[1]);
const directionIn = (sdp: string): string => /^a=(sendrecv|sendonly|recvonly|inactive)\r$/m.exec(sdp)?.[1] ?? '';

/** A re-INVITE with this SDP, acknowledged; its answer. */
async function reinvite({ dialog }: Talker, sdp: string): Promise<string> {
  const answer = await dialog.request('INVITE', { body: sdp });
  dialog.ack();
  expect(answer.status).toBe(200);
  return answer.body;
}

interface Hold {
  readonly name: string;
  readonly lines: readonly string[];
  readonly isNull: boolean;
  readonly answered: string;
  /** What still flows. */
  readonly toHolder: boolean;
  readonly fromHolder: boolean;
}

const HOLDS: readonly Hold[] = [
  { name: 'sendonly', lines: ['a=sendonly'], isNull: false, answered: 'recvonly', toHolder: false, fromHolder: true },
  { name: 'inactive', lines: ['a=inactive'], isNull: false, answered: 'inactive', toHolder: false, fromHolder: false },
  { name: 'recvonly', lines: ['a=recvonly'], isNull: false, answered: 'sendonly', toHolder: true, fromHolder: false },
  { name: '0.0.0.0', lines: [], isNull: true, answered: 'recvonly', toHolder: false, fromHolder: true },
  {
    name: '0.0.0.0 sendonly',
    lines: ['a=sendonly'],
    isNull: true,
    answered: 'recvonly',
    toHolder: false,
    fromHolder: true,
  },
  {
    name: '0.0.0.0 inactive',
    lines: ['a=inactive'],
    isNull: true,
    answered: 'inactive',
    toHolder: false,
    fromHolder: false,
  },
];

function held(port: number, hold: Hold): string {
  const sdp = rtpSdp(port, FORMATS, hold.lines);
  return hold.isNull ? sdp.replace('c=IN IP4 127.0.0.1', 'c=IN IP4 0.0.0.0') : sdp;
}

describe('hold, and what is heard meanwhile', () => {
  it.each(['caller', 'callee'] as const)(
    'every form, by the %s, each undone again',
    { timeout: 30_000 },
    async (who) => {
      const pair = await talk();
      const holder = pair[who];
      const other = who === 'caller' ? pair.callee : pair.caller;
      let version = versionIn(who === 'caller' ? holder.dialog.sdp : '') || 0;
      for (const hold of HOLDS) {
        const answer = await reinvite(holder, held(holder.rtp.port, hold));
        expect([hold.name, directionIn(answer)]).toEqual([hold.name, hold.answered]);
        expect(versionIn(answer)).toBeGreaterThan(version);
        version = versionIn(answer);
        await Promise.all([
          hold.toHolder ? hears(holder) : hearsNothing(holder),
          hold.fromHolder ? hears(other) : hearsNothing(other),
        ]);
        const again = await reinvite(holder, held(holder.rtp.port, hold));
        expect(versionIn(again)).toBe(version);
        const resumed = await reinvite(holder, rtpSdp(holder.rtp.port));
        expect(directionIn(resumed)).toBe('sendrecv');
        version = versionIn(resumed);
        await Promise.all([hears(holder), hears(other)]);
      }
      // The other side was never asked anything.
      const isOffer = (message: PeerMessage): boolean =>
        ['INVITE', 'UPDATE'].includes(message.method) && message.header('To').includes('tag=');
      expect(other.party.peer.count(isOffer)).toBe(0);
      await Promise.all([pair.caller.dialog.bye(), pair.callee.dialog.awaitBye()]);
    },
  );

  it('of both sides at once ends for each when it resumes', { timeout: 15_000 }, async () => {
    const { caller, callee } = await talk();
    const [sendonly, inactive] = [HOLDS[0], HOLDS[1]];
    if (sendonly === undefined || inactive === undefined) throw new Error('no holds');
    await reinvite(caller, held(caller.rtp.port, sendonly));
    await reinvite(callee, held(callee.rtp.port, inactive));
    await Promise.all([hearsNothing(caller), hearsNothing(callee)]);
    expect(directionIn(await reinvite(callee, rtpSdp(callee.rtp.port)))).toBe('sendrecv');
    await Promise.all([hearsNothing(caller), hears(callee)]);
    expect(directionIn(await reinvite(caller, rtpSdp(caller.rtp.port)))).toBe('sendrecv');
    await Promise.all([hears(caller), hears(callee)]);
    await Promise.all([callee.dialog.bye(), caller.dialog.awaitBye()]);
  });

  it('a resume to another port and payload type is followed at once, and the stream goes on without a seam', {
    timeout: 15_000,
  }, async () => {
    const { caller, callee } = await talk();
    const [, inactive] = HOLDS;
    if (inactive === undefined) throw new Error('no holds');
    await reinvite(caller, held(caller.rtp.port, inactive));
    caller.rtp.pause();
    const moved = await ear();
    const answer = await reinvite(caller, rtpSdp(moved.port, ['0 PCMU/8000', '97 telephone-event/8000']));
    expect(answer).toContain('a=rtpmap:97 telephone-event/8000');
    await hears({ ...caller, rtp: moved });
    const [last, next] = [caller.rtp.heard.at(-1), moved.heard[0]];
    expect(next?.ssrc).toBe(last?.ssrc);
    expect(((next?.sequence ?? 0) - (last?.sequence ?? 0)) & 0xffff).toBe(1);
    moved.play([Buffer.alloc(160, 0xcc)], { ...PCMU, ssrc: 0xc, port: rtpPortIn(answer) });
    await Promise.all([hearsNothing(caller), hears({ ...caller, rtp: moved }), hears(callee)]);
    expect(callee.rtp.heard.at(-1)?.payload[0]).toBe(0xcc);
    await Promise.all([callee.dialog.bye(), caller.dialog.awaitBye()]);
  });

  it('an UPDATE holds as a re-INVITE does', { timeout: 15_000 }, async () => {
    const { caller, callee } = await talk();
    const answer = await callee.dialog.request('UPDATE', { body: rtpSdp(callee.rtp.port, FORMATS, ['a=sendonly']) });
    expect([answer.status, directionIn(answer.body)]).toEqual([200, 'recvonly']);
    await Promise.all([hearsNothing(callee), hears(caller)]);
    await Promise.all([callee.dialog.bye(), caller.dialog.awaitBye()]);
  });

  it('a re-INVITE that is refused leaves everything as it was', { timeout: 15_000 }, async () => {
    const { caller, callee } = await talk();
    const refused = await caller.dialog.request('INVITE', {
      body: rtpSdp(caller.rtp.port, ['8 PCMA/8000'], ['a=inactive']),
    });
    caller.dialog.ack();
    expect(refused.status).toBe(488);
    expect(refused.header('Warning')).toMatch(/^305 /);
    await Promise.all([hears(caller), hears(callee)]);
    expect(await reinvite(caller, rtpSdp(caller.rtp.port))).toBe(caller.dialog.sdp);
    await Promise.all([callee.dialog.bye(), caller.dialog.awaitBye()]);
  });
});
