/** What agents and the API may do with a call, with a real engine and media plane: who hears what, and what comes of it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeG711, findGaps } from '../../../src/audio/index.ts';
import type { AgentCallVerbs } from '../../../src/calls/index.ts';
import { type HeardPacket, RtpPeer } from '../../support/rtp-peer.ts';
import { until } from '../../support/until.ts';
import { trunks } from './support/exchange.ts';
import { useHall } from './support/hall.ts';
import { IdleAgentDesk } from './support/idle-agent-desk.ts';
import { rtpPortIn, rtpSdp } from './support/party.ts';

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

async function toRobot() {
  const party = await hall.join('alice');
  const ear = await rtp();
  const calling = party.call('robot', rtpSdp(ear.port));
  const robot = await until(() => desk.started.at(-1), { within: 2_000, what: 'the agent to be called' });
  robot.events.onReady();
  const dialog = await calling;
  await until(() => hall.exchange.eventsOf('call-answered').length > 0, { within: 2_000, what: 'the answer' });
  return { party, dialog, robot, ear };
}

async function talk() {
  const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
  const [a, b] = [await rtp(), await rtp()];
  const calling = alice.call('bob', rtpSdp(a.port));
  const invite = await bob.nextInvite();
  const callee = await bob.accept(invite, rtpSdp(b.port));
  const caller = await calling;
  const answered = await until(() => hall.exchange.eventsOf('call-answered')[0], { within: 2_000, what: 'the answer' });
  return { caller, callee, a, b, toCallee: rtpPortIn(invite.body), callId: answered.callId };
}

const say = (peer: RtpPeer, port: number, byte: number): void =>
  peer.play([Buffer.alloc(160, byte)], { payloadType: 0, ssrc: byte, step: 160, port });
const isOf =
  (byte: number) =>
  ({ payload }: HeardPacket): boolean =>
    payload.every((each) => each === byte);
const allOf = (heard: readonly HeardPacket[], byte: number): boolean => heard.length > 8 && heard.every(isOf(byte));
const isMusic = (heard: readonly HeardPacket[]): boolean => {
  const pcm = heard.flatMap(({ payload }) => [...decodeG711('PCMU', payload)]);
  return heard.length > 20 && findGaps(Int16Array.from(pcm), 8000, { thresholdDb: -50, minMs: 200 }).length === 0;
};
const onApi = (callId: string, party: string): AgentCallVerbs => {
  const verbs = hall.exchange.telephony.control.verbs(callId, party);
  if (verbs === undefined) throw new Error('no such party');
  return verbs;
};

describe('an agent', () => {
  it('hangs up with a cause', async () => {
    const { dialog, robot } = await toRobot();
    expect(await robot.verbs.hangUp(0)).toMatchObject({ code: 'VERB_INVALID' });
    const bye = dialog.awaitBye();
    expect(await robot.verbs.hangUp(31)).toEqual({ isDone: true });
    expect((await bye).header('Reason')).toContain('Q.850;cause=31');
    expect(await hall.exchange.nextRecord()).toMatchObject({ endReason: 'hangup-callee', q850: 31 });
    expect(robot.isOver).toBe(true);
    expect(await robot.verbs.hangUp()).toMatchObject({ isDone: false, code: 'CALL_OVER' });
  });

  it('that does not take a call says why', async () => {
    const alice = await hall.join('alice');
    const inviting = alice.invite('robot', rtpSdp((await rtp()).port));
    const robot = await until(() => desk.started.at(-1), { within: 2_000, what: 'the agent to be called' });
    expect(await robot.verbs.sendDigits('1')).toMatchObject({ code: 'CALL_NOT_TALKING' });
    await robot.verbs.hangUp(17);
    expect((await inviting).response.status).toBe(486);
  });

  it('transfers its caller to a user, and is let go', async () => {
    const bob = await hall.join('bob');
    const { dialog, robot } = await toRobot();
    const transferring = robot.verbs.transfer('bob');
    const invite = await bob.nextInvite();
    expect(invite.header('From')).toContain('sip:alice@');
    expect(invite.header('Referred-By')).toContain('sip:robot@');
    expect(await robot.verbs.transfer('carol')).toMatchObject({ code: 'VERB_BUSY' });
    expect(robot.isOver).toBe(false);
    const b = await bob.accept(invite, rtpSdp(43_000));
    expect(await transferring).toEqual({ isDone: true });
    await until(() => robot.isOver, { within: 2_000, what: 'the agent to be let go' });
    expect((await hall.exchange.nextRecord()).endReason).toBe('transferred');
    await Promise.all([b.bye(), dialog.awaitBye()]);
  });

  it('learns why a transfer failed, and keeps its caller', async () => {
    const bob = await hall.join('bob');
    const { dialog, robot } = await toRobot();
    const transferring = robot.verbs.transfer('sip:bob@exchange.test');
    bob.peer.reply(await bob.nextInvite(), 486);
    expect(await transferring).toMatchObject({ isDone: false, code: 'TARGET_FAILED', sipStatus: 486 });
    expect(await robot.verbs.transfer('nobody')).toMatchObject({ code: 'TARGET_FAILED', sipStatus: 404 });
    expect(await robot.verbs.transfer('a b c@@')).toMatchObject({ code: 'VERB_INVALID' });
    expect(robot.isOver).toBe(false);
    await dialog.bye();
  });

  it('may leave while the target rings', async () => {
    const bob = await hall.join('bob');
    const { dialog, robot } = await toRobot();
    const transferring = robot.verbs.transfer('bob');
    const invite = await bob.nextInvite();
    robot.events.onHangUp();
    const b = await bob.accept(invite, rtpSdp(43_000));
    expect((await transferring).isDone).toBe(false);
    await until(() => hall.exchange.eventsOf('call-ended').length === 1, { within: 2_000, what: 'the first call' });
    await Promise.all([b.bye(), dialog.awaitBye()]);
  });

  it('T14: reaches through trunks only the numbers it may', async () => {
    const { dialog, robot } = await toRobot();
    expect(await robot.verbs.transfer('882 99 1234567')).toMatchObject({ code: 'VERB_FORBIDDEN', sipStatus: 403 });
    const transferring = robot.verbs.transfer('49 30 123456');
    const invite = await hall.carrier.nextInvite();
    expect(invite.startLine).toContain('4930123456');
    const c = await hall.carrier.accept(invite, rtpSdp(43_000));
    expect(await transferring).toEqual({ isDone: true });
    await Promise.all([c.bye(), dialog.awaitBye()]);
  });

  it('presses keys for its caller, one after another', async () => {
    const { dialog, robot, ear } = await toRobot();
    expect(await robot.verbs.sendDigits('12x')).toMatchObject({ code: 'VERB_INVALID' });
    const [first, second] = await Promise.all([robot.verbs.sendDigits('1w#'), robot.verbs.sendDigits('A')]);
    expect([first, second]).toEqual([{ isDone: true }, { isDone: true }]);
    const events = () => ear.heard.filter(({ payloadType }) => payloadType === 101).map(({ payload }) => payload[0]);
    await until(() => events().includes(12), { within: 2_000, what: 'the last key' });
    expect([...new Set(events())]).toEqual([1, 11, 12]);
    await dialog.bye();
  });

  it('holds its caller, who hears music until it goes on', async () => {
    const { dialog, robot, ear } = await toRobot();
    expect(await robot.verbs.hold()).toEqual({ isDone: true });
    expect(await robot.verbs.hold()).toEqual({ isDone: true });
    await until(() => isMusic(ear.heard.slice(-40)), { within: 5_000, what: 'music' });
    expect(await robot.verbs.resume()).toEqual({ isDone: true });
    await until(() => allOf(ear.heard.slice(-10), 0xff), { within: 3_000, what: 'rest' });
    await dialog.bye();
  });
});

describe('the API', () => {
  it('holds a party: it hears music, and neither hears the other', async () => {
    const { caller, callee, a, b, toCallee, callId } = await talk();
    say(b, toCallee, 0x33);
    say(a, rtpPortIn(caller.sdp), 0x44);
    await until(() => a.heard.some(isOf(0x33)) && b.heard.some(isOf(0x44)), {
      within: 3_000,
      what: 'both to be heard',
    });
    expect(await onApi(callId, 'caller').hold()).toEqual({ isDone: true });
    const before = b.heard.length;
    await until(() => isMusic(a.heard.slice(-60)) && !a.heard.slice(-60).some(isOf(0x33)), {
      within: 5_000,
      what: 'music and no other',
    });
    // What was on its way may still have arrived.
    expect(b.heard.slice(before + 3).filter(isOf(0x44))).toEqual([]);
    expect(await onApi(callId, 'caller').resume()).toEqual({ isDone: true });
    await until(() => allOf(a.heard.slice(-10), 0x33) && allOf(b.heard.slice(-10), 0x44), {
      within: 3_000,
      what: 'both to be heard again',
    });
    await Promise.all([caller.bye(), callee.awaitBye()]);
  });

  it('mutes one party, and not the other', async () => {
    const { caller, callee, a, b, toCallee, callId } = await talk();
    say(b, toCallee, 0x33);
    say(a, rtpPortIn(caller.sdp), 0x44);
    await until(() => a.heard.some(isOf(0x33)) && b.heard.some(isOf(0x44)), {
      within: 3_000,
      what: 'both to be heard',
    });
    await onApi(callId, 'caller').mute(true);
    const [heardByA, heardByB] = [a.heard.length, b.heard.length];
    await until(() => a.heard.length > heardByA + 30, { within: 3_000, what: 'the other one to be heard on' });
    expect(b.heard.slice(heardByB + 3).filter(isOf(0x44))).toEqual([]);
    await onApi(callId, 'caller').mute(false);
    await until(() => allOf(b.heard.slice(-10), 0x44), { within: 3_000, what: 'it to be heard again' });
    await Promise.all([caller.bye(), callee.awaitBye()]);
  });

  it('transfers either party, whoever it talks with', async () => {
    const carol = await hall.join('carol');
    const { caller, callee, callId } = await talk();
    const transferring = onApi(callId, 'callee').transfer('carol');
    const c = await carol.accept(await carol.nextInvite(), rtpSdp(43_000));
    expect(await transferring).toEqual({ isDone: true });
    await caller.awaitBye();
    await Promise.all([c.bye(), callee.awaitBye()]);
  });

  it('ends a call that rings, and one that talks', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const inviting = alice.invite('bob', rtpSdp((await rtp()).port));
    const invite = await bob.nextInvite();
    const { callId } = await until(() => hall.exchange.eventsOf('call-started')[0], { within: 1_000, what: 'a call' });
    expect(await onApi(callId, 'caller').hangUp()).toEqual({ isDone: true });
    expect((await inviting).response.status).toBe(480);
    bob.peer.reply(invite, 487);
    expect(await hall.exchange.nextRecord()).toMatchObject({ endReason: 'api' });
    expect(hall.exchange.telephony.control.verbs(callId, 'caller')).toBeUndefined();
    const { caller, callee, callId: second } = await talk();
    const byes = Promise.all([caller.awaitBye(), callee.awaitBye()]);
    await onApi(second, 'callee').hangUp(21);
    expect((await byes).map((bye) => bye.header('Reason'))).toEqual(['Q.850;cause=21', 'Q.850;cause=21']);
  });
});

const control = () => hall.exchange.telephony.control;

describe('a call that is asked for', () => {
  it('rings somebody, and brings in an agent', async () => {
    const bob = await hall.join('bob');
    const [b, metadata] = [await rtp(), { order: '17' }];
    const asked = control().originate({
      to: 'bob',
      connect: { kind: 'agent', name: 'robot' },
      from: '4930555',
      displayName: 'Robot',
      metadata,
    });
    const invite = await bob.nextInvite();
    expect(invite.header('From')).toMatch(/^"?Robot"? <sip:4930555@/);
    const result = await asked;
    expect(result.isDone).toBe(true);
    expect(desk.started).toHaveLength(0);
    const dialog = await bob.accept(invite, rtpSdp(b.port));
    const robot = await until(() => desk.started[0], { within: 2_000, what: 'the agent to be brought in' });
    expect(robot.call).toMatchObject({ from: '4930555', to: 'bob' });
    hall.exchange.media.agentAudio.speak(robot.call.portId, { utterance: 'u', audio: Buffer.alloc(1600, 0x55) });
    await until(() => b.heard.some(isOf(0x55)), { within: 3_000, what: 'its words' });
    await until(() => hall.exchange.eventsOf('call-answered').length === 1, { within: 2_000, what: 'the answer' });
    expect(await robot.verbs.sendDigits('7')).toEqual({ isDone: true });
    const bye = dialog.awaitBye();
    await robot.verbs.hangUp();
    await bye;
    expect(await hall.exchange.nextRecord()).toMatchObject({ endReason: 'hangup-caller', metadata, q850: 16 });
    expect(robot.isOver).toBe(true);
  });

  it('tells how it failed, and who is nobody', async () => {
    const bob = await hall.join('bob');
    const asked = control().originate({ to: 'bob', connect: { kind: 'agent', name: 'robot' } });
    bob.peer.reply(await bob.nextInvite(), 486);
    expect((await asked).isDone).toBe(true);
    expect(await hall.exchange.nextRecord()).toMatchObject({ endReason: 'busy', sipStatus: 486, q850: 17 });
    const unknown = { to: 'bob', connect: { kind: 'agent' as const, name: 'nobody' } };
    expect(await control().originate(unknown)).toMatchObject({ code: 'VERB_INVALID' });
    const nowhere = { to: 'nobody', connect: { kind: 'agent' as const, name: 'robot' } };
    expect(await control().originate(nowhere)).toMatchObject({ code: 'TARGET_FAILED', sipStatus: 404 });
    expect(desk.started).toHaveLength(0);
  });

  it('rings no longer than it may, and sends no header that nobody allows', async () => {
    const bob = await hall.join('bob');
    const connect = { kind: 'agent' as const, name: 'robot' };
    await control().originate({ to: 'bob', connect, ringMs: 300, headers: { 'X-Acme': 'a\r\nEvil: b', Via: 'x' } });
    const invite = await bob.nextInvite();
    bob.peer.reply(invite, 180, { tag: 'bt' });
    expect(invite.header('X-Acme')).toBe('');
    expect(invite.header('Evil')).toBe('');
    await bob.peer.wait((message) => message.method === 'CANCEL');
    bob.peer.reply(invite, 487, { tag: 'bt' });
    expect(await hall.exchange.nextRecord()).toMatchObject({ endReason: 'no-answer' });
  });

  it('rings a user first, and connects it then', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const [a, b] = [await rtp(), await rtp()];
    await control().originate({ to: 'bob', connect: { kind: 'user', name: 'alice' }, metadata: { order: '18' } });
    const first = await alice.nextInvite();
    expect(first.header('From')).toContain('sip:bob@');
    const aliceDialog = await alice.accept(first, rtpSdp(a.port));
    const second = await bob.nextInvite();
    expect(second.header('From')).toContain('sip:alice@');
    await until(() => a.heard.some(({ payload }) => !payload.every((byte) => byte === 0xff)), {
      within: 4_000,
      what: 'a ringing tone',
    });
    const bobDialog = await bob.accept(second, rtpSdp(b.port));
    await until(() => hall.exchange.eventsOf('call-ended').length === 1, { within: 3_000, what: 'the first call' });
    say(b, rtpPortIn(second.body), 0x33);
    await until(() => allOf(a.heard.slice(-10), 0x33), { within: 3_000, what: 'bob to be heard' });
    await Promise.all([aliceDialog.bye(), bobDialog.awaitBye()]);
    await hall.exchange.nextRecord();
    expect(await hall.exchange.nextRecord()).toMatchObject({ metadata: { order: '18' }, endReason: 'hangup-caller' });
  });

  it('lets the user go when the other one is not there', async () => {
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    await control().originate({ to: 'bob', connect: { kind: 'user', name: 'alice' } });
    const dialog = await alice.accept(await alice.nextInvite(), rtpSdp((await rtp()).port));
    const bye = dialog.awaitBye();
    bob.peer.reply(await bob.nextInvite(), 486);
    expect((await bye).header('Reason')).toContain('cause=486');
  });
});
