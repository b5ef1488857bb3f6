/** Transfers with consultation, with a real engine and media plane: who hears whom at each step, and what comes of it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeG711, findGaps } from '../../../src/audio/index.ts';
import { type HeardPacket, RtpPeer } from '../../support/rtp-peer.ts';
import { until } from '../../support/until.ts';
import { trunks } from './support/exchange.ts';
import { useHall } from './support/hall.ts';
import { IdleAgentDesk } from './support/idle-agent-desk.ts';
import { type PartyDialog, rtpPortIn, rtpSdp } from './support/party.ts';

const hall = useHall({ musicOnHold: 'melody' });

let desk: IdleAgentDesk;
const open: RtpPeer[] = [];
beforeEach(async () => {
  desk = new IdleAgentDesk();
  const { address } = hall.carrier.peer;
  await hall.restart({
    agents: desk,
    trunks: [{ name: 'carrier', addresses: [address], target: address, transport: 'udp', profile: trunks }],
  });
});
afterEach(async () => {
  await Promise.all(open.splice(0).map(async (peer) => peer.close()));
});

async function rtp(): Promise<RtpPeer> {
  const peer = await RtpPeer.open();
  open.push(peer);
  return peer;
}

const [A, B, C] = [0x44, 0x33, 0x22];
const say = (peer: RtpPeer, port: number, byte: number): void =>
  peer.play([Buffer.alloc(160, byte)], { payloadType: 0, ssrc: byte, step: 160, port });
const isOf =
  (byte: number) =>
  ({ payload }: HeardPacket): boolean =>
    payload.every((each) => each === byte);
const hears = async (ear: RtpPeer, byte: number, who: string): Promise<unknown> =>
  until(() => ear.heard.length > 10 && ear.heard.slice(-10).every(isOf(byte)), {
    within: 4_000,
    what: `${who} to be heard`,
  });
const isMusic = (heard: readonly HeardPacket[]): boolean => {
  const pcm = heard.flatMap(({ payload }) => [...decodeG711('PCMU', payload)]);
  return heard.length > 20 && findGaps(Int16Array.from(pcm), 8000, { thresholdDb: -50, minMs: 200 }).length === 0;
};
const hearsMusic = async (ear: RtpPeer): Promise<unknown> =>
  until(
    () => {
      const last = ear.heard.slice(-30);
      return isMusic(last) && ![A, B, C].some((byte) => last.some(isOf(byte)));
    },
    { within: 5_000, what: 'music and no other' },
  );
/** Nothing of a party reaches this ear any more. */
async function isDeafTo(ear: RtpPeer, bytes: readonly number[], clockEar: RtpPeer): Promise<void> {
  const [before, clock] = [ear.heard.length, clockEar.heard.length];
  await until(() => clockEar.heard.length > clock + 25, { within: 3_000, what: 'half a second' });
  // What was on its way may still have arrived.
  for (const byte of bytes) expect(ear.heard.slice(before + 3).filter(isOf(byte))).toEqual([]);
}

/** Alice (the transferor) talks with Bob. */
async function talk() {
  const [alice, bob, carol] = [await hall.join('alice'), await hall.join('bob'), await hall.join('carol')];
  const [a, b] = [await rtp(), await rtp()];
  const calling = alice.call('bob', rtpSdp(a.port));
  const invite = await bob.nextInvite();
  const callee = await bob.accept(invite, rtpSdp(b.port));
  const caller = await calling;
  const { callId } = await until(() => hall.exchange.eventsOf('call-answered')[0], {
    within: 2_000,
    what: 'the answer',
  });
  say(a, rtpPortIn(caller.sdp), A);
  say(b, rtpPortIn(invite.body), B);
  await Promise.all([hears(a, B, 'bob'), hears(b, A, 'alice')]);
  const verbs = hall.exchange.telephony.control.verbs(callId, 'callee');
  if (verbs === undefined) throw new Error('no such party');
  return { carol, caller, callee, a, b, callId, verbs };
}

type Talk = Awaited<ReturnType<typeof talk>>;

/** Alice consults Carol about Bob. */
async function consult({ carol, verbs, a, b }: Talk) {
  const c = await rtp();
  const consulting = verbs.consult('carol');
  const invite = await carol.nextInvite();
  carol.peer.reply(invite, 180, { tag: 'ct' });
  await hearsMusic(b);
  const target = await carol.accept(invite, rtpSdp(c.port), { tag: 'ct' });
  say(c, rtpPortIn(invite.body), C);
  expect(await consulting).toEqual({ isDone: true });
  await Promise.all([hears(a, C, 'carol'), hears(c, A, 'alice')]);
  return { c, target, invite };
}

const news = () => hall.exchange.eventsOf('consultation').map((event) => event.news);
const endReasons = async (count: number) => {
  const records = [];
  for (let each = 0; each < count; each += 1) records.push(await hall.exchange.nextRecord());
  return records.map(({ endReason = '' }) => endReason).toSorted((one, other) => one.localeCompare(other));
};
const talkAgain = async ({ a, b }: Talk): Promise<unknown> => Promise.all([hears(a, B, 'bob'), hears(b, A, 'alice')]);
const hangUp = async (first: PartyDialog, ...others: readonly PartyDialog[]): Promise<unknown> =>
  Promise.all([first.bye(), ...others.map(async (each) => each.awaitBye())]);

describe('a consultation', () => {
  it('lets the transferor and the target talk, and is completed', async () => {
    const call = await talk();
    const { c, target, invite } = await consult(call);
    expect(invite.header('From')).toContain('sip:alice@');
    await hearsMusic(call.b);
    await isDeafTo(c, [B], call.a);
    expect(await call.verbs.transfer('carol')).toMatchObject({ code: 'VERB_BUSY' });
    expect(await call.verbs.resume()).toMatchObject({ code: 'VERB_BUSY' });
    const gone = call.caller.awaitBye();
    expect(await call.verbs.completeConsultation()).toEqual({ isDone: true });
    await gone;
    await Promise.all([hears(call.b, C, 'carol'), hears(c, B, 'bob')]);
    expect(await endReasons(2)).toEqual(['transferred', 'transferred']);
    expect(news()).toEqual(['started', 'answered', 'completed']);
    await hangUp(call.callee, target);
    expect(await hall.exchange.nextRecord()).toMatchObject({
      endReason: 'hangup-caller',
      from: 'sip:bob@exchange.test',
    });
  });

  it('is cancelled: the first two talk again', async () => {
    const call = await talk();
    const { target } = await consult(call);
    const gone = target.awaitBye();
    expect(await call.verbs.cancelConsultation()).toEqual({ isDone: true });
    await gone;
    await talkAgain(call);
    expect(await call.verbs.cancelConsultation()).toMatchObject({ code: 'NO_CONSULTATION' });
    expect(await call.verbs.completeConsultation()).toMatchObject({ code: 'NO_CONSULTATION' });
    expect(news()).toEqual(['started', 'answered', 'cancelled']);
    await consult(call).then(async (again) => hangUp(call.callee, call.caller, again.target));
  });

  it('is cancelled while the target rings', async () => {
    const call = await talk();
    const consulting = call.verbs.consult('carol');
    const invite = await call.carol.nextInvite();
    call.carol.peer.reply(invite, 180, { tag: 'ct' });
    expect(await call.verbs.completeConsultation()).toMatchObject({ code: 'TARGET_RINGING' });
    await hearsMusic(call.b);
    expect(await call.verbs.cancelConsultation()).toEqual({ isDone: true });
    await call.carol.peer.wait((message) => message.method === 'CANCEL');
    call.carol.peer.reply(invite, 487, { tag: 'ct' });
    expect(await consulting).toMatchObject({ code: 'TARGET_FAILED', sipStatus: 487 });
    await talkAgain(call);
    await hangUp(call.caller, call.callee);
  });

  it('is refused: the first two talk again', async () => {
    const call = await talk();
    const consulting = call.verbs.consult('carol');
    call.carol.peer.reply(await call.carol.nextInvite(), 486);
    expect(await consulting).toMatchObject({ code: 'TARGET_FAILED', sipStatus: 486 });
    await talkAgain(call);
    expect(await call.verbs.consult('nobody')).toMatchObject({ code: 'TARGET_FAILED', sipStatus: 404 });
    const agent = call.verbs.consult('robot');
    const robot = await until(() => desk.started.at(-1), { within: 2_000, what: 'the agent to be called' });
    robot.events.onReady();
    // It cannot go to another call.
    expect(await agent).toMatchObject({ code: 'TARGET_FAILED', sipStatus: 488 });
    await until(() => robot.isOver, { within: 2_000, what: 'the agent to be let go' });
    expect(await call.verbs.consult('a b c@@')).toMatchObject({ code: 'VERB_INVALID' });
    await talkAgain(call);
    expect(news()).toEqual(['started', 'failed', 'started', 'failed']);
    expect(await hall.exchange.nextRecord()).toMatchObject({ endReason: 'busy', sipStatus: 486 });
    await hangUp(call.caller, call.callee);
  });

  it('is not answered in time: the first two talk again', async () => {
    const { address } = hall.carrier.peer;
    const carrier = { name: 'carrier', addresses: [address], target: address, transport: 'udp' as const };
    await hall.restart({ timers: { noAnswerMs: 700 }, trunks: [{ ...carrier, profile: trunks }] });
    const call = await talk();
    const consulting = call.verbs.consult('carol');
    const invite = await call.carol.nextInvite();
    call.carol.peer.reply(invite, 180, { tag: 'ct' });
    await call.carol.peer.wait((message) => message.method === 'CANCEL');
    call.carol.peer.reply(invite, 487, { tag: 'ct' });
    expect(await consulting).toMatchObject({ code: 'TARGET_FAILED' });
    expect(await hall.exchange.nextRecord()).toMatchObject({ endReason: 'no-answer' });
    await talkAgain(call);
    await hangUp(call.caller, call.callee);
  });

  it('with a number no trunk may be called for', async () => {
    const calling = (await hall.join('alice')).call('robot', rtpSdp((await rtp()).port));
    const robot = await until(() => desk.started.at(-1), { within: 2_000, what: 'the agent to be called' });
    robot.events.onReady();
    const dialog = await calling;
    await until(() => hall.exchange.eventsOf('call-answered').length > 0, { within: 2_000, what: 'the answer' });
    expect(await robot.verbs.consult('882 99 1234567')).toMatchObject({ code: 'VERB_FORBIDDEN', sipStatus: 403 });
    expect(robot.isOver).toBe(false);
    await dialog.bye();
  });
});

describe('whoever hangs up while the target rings', () => {
  it.each(['transferor', 'held'] as const)('the %s: all is over', async (who) => {
    const call = await talk();
    const consulting = call.verbs.consult('carol');
    const invite = await call.carol.nextInvite();
    call.carol.peer.reply(invite, 180, { tag: 'ct' });
    const [first, other] = who === 'transferor' ? [call.caller, call.callee] : [call.callee, call.caller];
    await hangUp(first, other);
    await call.carol.peer.wait((message) => message.method === 'CANCEL');
    call.carol.peer.reply(invite, 487, { tag: 'ct' });
    expect(await consulting).toMatchObject({ code: 'CALL_OVER' });
    const reason = who === 'transferor' ? 'hangup-caller' : 'hangup-callee';
    expect(await endReasons(2)).toEqual(['cancelled', reason]);
    expect(news()).toEqual(['started', 'ended']);
  });
});

describe('whoever hangs up while they talk', () => {
  it('the transferor: the held party and the target talk', async () => {
    const call = await talk();
    const { c, target } = await consult(call);
    expect(await call.caller.bye()).toBe(200);
    await Promise.all([hears(call.b, C, 'carol'), hears(c, B, 'bob')]);
    expect(await endReasons(2)).toEqual(['transferred', 'transferred']);
    expect(news()).toEqual(['started', 'answered', 'completed']);
    await hangUp(target, call.callee);
  });

  it('the held party: both others are let go', async () => {
    const call = await talk();
    const { target } = await consult(call);
    await hangUp(call.callee, call.caller, target);
    expect(await endReasons(2)).toEqual(['hangup-callee', 'hangup-caller']);
    expect(news()).toEqual(['started', 'answered', 'ended']);
  });

  it('the target: the first two talk again', async () => {
    const call = await talk();
    const { target } = await consult(call);
    expect(await target.bye()).toBe(200);
    await talkAgain(call);
    expect(news()).toEqual(['started', 'answered', 'failed']);
    await hangUp(call.caller, call.callee);
  });

  it('an operator: all three are let go', async () => {
    const call = await talk();
    const { target } = await consult(call);
    const byes = Promise.all([call.caller, call.callee, target].map(async (each) => each.awaitBye()));
    await call.verbs.hangUp();
    await byes;
    expect(await endReasons(2)).toEqual(['api', 'hangup-caller']);
  });
});

describe('the joining', () => {
  it('fails: the consultation goes on, and can be cancelled', async () => {
    const call = await talk();
    const { c, target } = await consult(call);
    hall.exchange.media.nextConnectFault = new Error('no port');
    expect(await call.verbs.completeConsultation()).toMatchObject({ code: 'TARGET_FAILED', sipStatus: 500 });
    await Promise.all([hears(call.a, C, 'carol'), hears(c, A, 'alice'), hearsMusic(call.b)]);
    expect(news()).toEqual(['started', 'answered', 'not-joined']);
    const gone = target.awaitBye();
    expect(await call.verbs.cancelConsultation()).toEqual({ isDone: true });
    await gone;
    await talkAgain(call);
    await hangUp(call.caller, call.callee);
  });

  /** Bob has to change his codec for it, and takes his time. */
  async function joining() {
    hall.exchange.media.transcodable = ['PCMU', 'PCMA'];
    const [alice, bob, carol] = [await hall.join('alice'), await hall.join('bob'), await hall.join('carol')];
    const ports = [await rtp(), await rtp(), await rtp()].map(({ port }) => port);
    const both = ['8 PCMA/8000', '0 PCMU/8000'];
    const calling = alice.call('bob', rtpSdp(ports[0] ?? 0, both));
    const callee = await bob.accept(await bob.nextInvite(), rtpSdp(ports[1] ?? 0, both));
    const caller = await calling;
    const { callId } = await until(() => hall.exchange.eventsOf('call-answered')[0], {
      within: 2_000,
      what: 'the answer',
    });
    const verbs = hall.exchange.telephony.control.verbs(callId, 'callee');
    const consulting = verbs?.consult('carol');
    const target = await carol.accept(await carol.nextInvite(), rtpSdp(ports[2] ?? 0, ['0 PCMU/8000']));
    expect(await consulting).toEqual({ isDone: true });
    const completing = verbs?.completeConsultation();
    const reinvite = await callee.next('INVITE');
    expect(await verbs?.cancelConsultation()).toMatchObject({ code: 'VERB_BUSY' });
    const { contact } = bob;
    const answer = (): void => {
      bob.peer.reply(reinvite, 200, { contact, body: rtpSdp(ports[1] ?? 0, ['0 PCMU/8000']) });
    };
    return { caller, callee, target, completing, answer, contact };
  }

  it('comes about though the transferor does not wait for it', async () => {
    const { caller, callee, target, completing, answer } = await joining();
    expect(await caller.bye()).toBe(200);
    answer();
    expect(await completing).toEqual({ isDone: true });
    await hangUp(callee, target);
  });

  it('ends with the held party: both others are let go', async () => {
    const { caller, callee, target, completing } = await joining();
    await hangUp(callee, caller, target);
    expect(await completing).toMatchObject({ code: 'CALL_OVER' });
    expect(news()).toEqual(['started', 'answered', 'ended']);
  });

  it('ends with the target: the first two talk again', async () => {
    const { caller, callee, target, completing, answer, contact } = await joining();
    expect(await target.bye()).toBe(200);
    answer();
    // Brought back to the codec it had.
    await callee.take('INVITE', 200, { contact, body: rtpSdp(43_000, ['8 PCMA/8000']) });
    expect((await completing)?.isDone).toBe(false);
    expect(news()).toEqual(['started', 'answered', 'not-joined']);
    await hangUp(caller, callee);
  });
});

describe('an agent', () => {
  async function toRobot() {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const [a, b] = [await rtp(), await rtp()];
    const calling = alice.call('robot', rtpSdp(a.port));
    const robot = await until(() => desk.started.at(-1), { within: 2_000, what: 'the agent to be called' });
    robot.events.onReady();
    const dialog = await calling;
    await until(() => hall.exchange.eventsOf('call-answered').length > 0, { within: 2_000, what: 'the answer' });
    say(a, rtpPortIn(dialog.sdp), A);
    const consulting = robot.verbs.consult('bob');
    const invite = await bob.nextInvite();
    expect(invite.header('From')).toContain('sip:robot@');
    const target = await bob.accept(invite, rtpSdp(b.port));
    say(b, rtpPortIn(invite.body), B);
    expect(await consulting).toEqual({ isDone: true });
    hall.exchange.media.agentAudio.speak(robot.call.portId, { utterance: 'u', audio: Buffer.alloc(8000, 0x55) });
    await until(() => b.heard.some(isOf(0x55)), { within: 3_000, what: 'the agent at the target' });
    await hearsMusic(a);
    expect(a.heard.some(isOf(0x55))).toBe(false);
    expect(b.heard.some(isOf(A))).toBe(false);
    return { robot, dialog, target, a, b };
  }

  it('asks somebody first, and joins its caller with that one', async () => {
    const { robot, dialog, target, a, b } = await toRobot();
    expect(await robot.verbs.completeConsultation()).toEqual({ isDone: true });
    await Promise.all([hears(a, B, 'bob'), hears(b, A, 'alice')]);
    expect(robot.isOver).toBe(true);
    await hangUp(dialog, target);
  });

  it('or goes back to its caller', async () => {
    const { robot, dialog, target, a } = await toRobot();
    const gone = target.awaitBye();
    expect(await robot.verbs.cancelConsultation()).toEqual({ isDone: true });
    await gone;
    hall.exchange.media.agentAudio.speak(robot.call.portId, { utterance: 'v', audio: Buffer.alloc(1600, 0x56) });
    await until(() => a.heard.some(isOf(0x56)), { within: 3_000, what: 'the agent at its caller' });
    await dialog.bye();
  });

  it('or hangs up, which completes it', async () => {
    const { robot, dialog, target, a, b } = await toRobot();
    expect(await robot.verbs.hangUp()).toEqual({ isDone: true });
    await Promise.all([hears(a, B, 'bob'), hears(b, A, 'alice')]);
    await hangUp(dialog, target);
  });
});
