/**
 * What goes wrong with an agent that is a SIP URI, and callers that hang up at every stage: each call ends in a defined
 * way with its cause in the record, nothing is left behind, and the call beside notices nothing.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { CallRecord } from '../../src/calls/index.ts';
import { type Beside, phoneOf, talkBeside } from '../support/beside.ts';
import { Gateway } from '../support/gateway.ts';
import { areBack, type Holdings, holdings } from '../support/holdings.ts';
import { RtpPeer } from '../support/rtp-peer.ts';
import { isRequest, openUdpPeer, type PeerMessage, type SipPeer, unique } from '../support/sip-peer.ts';
import { audioSdp, CallRefused, type PhoneDialog, rtpPortOf, type SipPhone } from '../support/sip-phone.ts';
import { until } from '../support/until.ts';

const BASE = 26_700;
const PCMU = ['0 PCMU/8000', '101 telephone-event/8000'];
const WORD = Buffer.alloc(160, 0x21);
const MEDIA_TIMEOUT_SEC = 2;
const FLOOD = { packets: 5_000, parts: 50 } as const;

let agent: SipPeer;
let gateway: Gateway;
let carol: SipPhone;
let beside: Beside;
let before: Holdings;
let open: RtpPeer[] = [];

beforeAll(async () => {
  agent = await openUdpPeer({ port: BASE + 2 });
  const names = ['scripted', 'silent'];
  gateway = await Gateway.start({
    base: BASE,
    settings: {
      agents: names.map((name) => ({
        name,
        protocol: 'sip',
        uri: `sip:${name}@${agent.address}`,
        connectTimeoutSec: name === 'silent' ? 1 : 5,
      })),
    },
    profiles: { trunks: { mediaTimeoutSec: MEDIA_TIMEOUT_SEC } },
  });
  carol = await phoneOf(gateway, 'carol');
  beside = await talkBeside(gateway);
  before = await holdings(gateway);
});
afterEach(async () => {
  await Promise.all(open.map(async (rtp) => rtp.close()));
  open = [];
});
afterAll(async () => {
  await beside?.stop();
  await carol?.close();
  await gateway?.stop();
  await agent?.close();
});

async function rtpPeer(): Promise<RtpPeer> {
  const rtp = await RtpPeer.open();
  open.push(rtp);
  return rtp;
}

/** The agent's side of a call. */
interface Taken {
  readonly invite: PeerMessage;
  readonly rtp: RtpPeer;
  readonly tag: string;
  speak(): void;
  bye(): void;
}

/** What the agent is sent in that call. */
const inCall =
  (method: string, invite: PeerMessage) =>
  (message: PeerMessage): boolean =>
    isRequest(method)(message) && message.header('Call-ID') === invite.header('Call-ID');

async function invited(): Promise<PeerMessage> {
  const known = new Set(agent.received.filter(isRequest('INVITE')).map((message) => message.header('Call-ID')));
  const isNew = (message: PeerMessage): boolean =>
    isRequest('INVITE')(message) && !known.has(message.header('Call-ID'));
  return agent.wait(isNew, 5_000);
}

async function take(invite: PeerMessage, sdp?: string): Promise<Taken> {
  const rtp = await rtpPeer();
  const tag = unique('agent');
  agent.reply(invite, 200, { tag, body: sdp ?? audioSdp(rtp.port, PCMU) });
  await agent.wait(inCall('ACK', invite), 5_000);
  return {
    invite,
    rtp,
    tag,
    speak: () => rtp.play([WORD], { port: rtpPortOf(invite.body), payloadType: 0, ssrc: 21, step: 160 }),
    bye: () => {
      const uri = /<([^>]+)>/.exec(invite.header('Contact'))?.[1] ?? '';
      const from = `${invite.header('To')};tag=${tag}`;
      agent.request('BYE', { uri, from, to: invite.header('From'), callId: invite.header('Call-ID'), cseq: 1 });
    },
  };
}

interface Talk {
  readonly dialog: PhoneDialog;
  readonly taken: Taken;
  readonly rtp: RtpPeer;
  readonly words: () => number;
}

async function talk(): Promise<Talk> {
  const rtp = await rtpPeer();
  const coming = invited();
  const calling = carol.call('scripted', audioSdp(rtp.port, PCMU));
  const taken = await take(await coming);
  const words = (): number => rtp.heard.filter(({ payload }) => payload.equals(WORD)).length;
  const dialog = await calling;
  taken.speak();
  await until(() => words() > 10, { within: 5_000, what: 'words of the agent' });
  return { dialog, taken, rtp, words };
}

/** Hangs up, and the agent is told. */
async function hangUp({ dialog, taken: { invite } }: Talk): Promise<void> {
  const told = agent.wait(inCall('BYE', invite), 5_000);
  expect(await dialog.bye()).toBe(200);
  agent.reply(await told, 200);
}

async function lastRecord(): Promise<CallRecord> {
  return until(
    async () => {
      const [last] = await gateway.calls();
      return last?.endedAt === undefined ? undefined : last;
    },
    { within: 5_000, what: 'the record' },
  );
}

const refusalOf = async (calling: Promise<unknown>): Promise<number> =>
  calling.then(
    () => 200,
    (error: unknown) => (error instanceof CallRefused ? error.status : 0),
  );

describe('a SIP agent', () => {
  test.each([
    [480, 480, 'unavailable'],
    [486, 486, 'busy'],
    // Its 503 speaks of its own service and not of ours (RFC 3261 §16.7).
    [503, 500, 'error'],
    [603, 603, 'declined'],
  ])('that refuses with %i: the caller is told %i', async (said, heard, endReason) => {
    const coming = invited();
    const refused = refusalOf(carol.call('scripted', audioSdp(9, PCMU)));
    agent.reply(await coming, said);
    expect(await refused).toBe(heard);
    expect(await lastRecord()).toMatchObject({ endReason, sipStatus: heard });
  });

  test('that never answers is one that is not there, after its connectTimeoutSec', async () => {
    const begin = performance.now();
    expect(await refusalOf(carol.call('silent', audioSdp(9, PCMU)))).toBe(408);
    expect(performance.now() - begin).toBeLessThan(5_000);
    expect(await lastRecord()).toMatchObject({ endReason: 'no-answer', sipStatus: 408 });
  });

  test('that hangs up in the middle of a sentence ends the call', async () => {
    const { dialog, taken } = await talk();
    const told = dialog.awaitBye();
    taken.bye();
    await told;
    expect(await lastRecord()).toMatchObject({ endReason: 'hangup-callee', q850: 16 });
  });

  test('that dies in the middle of a sentence ends the call when nothing has come for so long', async () => {
    const { dialog, taken } = await talk();
    taken.rtp.pause();
    await dialog.awaitBye(1_000 * MEDIA_TIMEOUT_SEC + 8_000);
    expect(await lastRecord()).toMatchObject({ endReason: 'media-timeout' });
  });

  test.each([
    ['no session description', 'nonsense'],
    ['none that can be heard', audioSdp(9, ['96 speex/8000'])],
  ])('that answers with %s is let go, and the caller told', async (_what, sdp) => {
    const coming = invited();
    const refused = refusalOf(carol.call('scripted', audioSdp(9, PCMU)));
    const invite = await coming;
    const gone = agent.wait(inCall('BYE', invite), 5_000);
    await take(invite, sdp);
    agent.reply(await gone, 200);
    expect(await refused).toBe(488);
    expect(await lastRecord()).toMatchObject({ endReason: 'not-acceptable', sipStatus: 488 });
  });

  test('that talks nonsense is heard when it talks sense', async () => {
    const call = await talk();
    const port = rtpPortOf(call.taken.invite.body);
    for (const length of [0, 1, 11, 12, 13, 200, 1_400]) {
      for (let i = 0; i < 20; i++) call.taken.rtp.sendRaw(randomBytes(length), port);
      agent.sendRaw(`SIP/2.0 ${randomBytes(length).toString('latin1')}\r\n\r\n`);
      agent.sendRaw(`INFO sip:x SIP/2.0\r\nCall-ID: ${call.taken.invite.header('Call-ID')}\r\n\r\n`);
    }
    const said = call.words();
    await until(() => call.words() > said + 20, { within: 5_000, what: 'its words' });
    await hangUp(call);
    expect(await lastRecord()).toMatchObject({ endReason: 'hangup-caller', q850: 16 });
  });

  test('that floods does not keep its caller from hanging up', async () => {
    const call = await talk();
    const target = { port: rtpPortOf(call.taken.invite.body), payloadType: 0, ssrc: 21, step: 160 };
    for (let part = 0; part < FLOOD.parts; part++) {
      for (let i = 0; i < FLOOD.packets / FLOOD.parts; i++) call.taken.rtp.send(WORD, target);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await hangUp(call);
    expect(await lastRecord()).toMatchObject({ endReason: 'hangup-caller', q850: 16 });
  });

  test('that does not listen any more does not keep the call', async () => {
    const { dialog } = await talk();
    expect(await dialog.bye()).toBe(200);
    expect(await lastRecord()).toMatchObject({ endReason: 'hangup-caller', q850: 16 });
  });
});

describe('a caller that hangs up', () => {
  test('while the agent has not said anything', async () => {
    const coming = invited();
    const refused = refusalOf(
      carol.call(
        'scripted',
        audioSdp(9, PCMU),
        coming.then((invite) => void invite),
      ),
    );
    expect(await refused).toBe(487);
    expect(await lastRecord()).toMatchObject({ endReason: 'cancelled', sipStatus: 487 });
    // It may not be told before it has said something (RFC 3261 §9.1).
    const invite = await coming;
    const told = agent.wait(inCall('CANCEL', invite), 5_000);
    agent.reply(invite, 100);
    agent.reply(await told, 200);
    agent.reply(invite, 487);
  });

  test('while it rings', async () => {
    const coming = invited();
    const refused = refusalOf(
      carol.call(
        'scripted',
        audioSdp(9, PCMU),
        coming.then((invite) => void agent.reply(invite, 180)),
      ),
    );
    const invite = await coming;
    agent.reply(await agent.wait(inCall('CANCEL', invite), 5_000), 200);
    agent.reply(invite, 487);
    expect(await refused).toBe(487);
    expect(await lastRecord()).toMatchObject({ endReason: 'cancelled', sipStatus: 487 });
  });

  test('just when it answers', async () => {
    const coming = invited();
    const rang = coming.then((invite) => void agent.reply(invite, 180));
    const refused = refusalOf(carol.call('scripted', audioSdp(9, PCMU), rang));
    const invite = await coming;
    agent.reply(await agent.wait(inCall('CANCEL', invite), 5_000), 200);
    const gone = agent.wait(inCall('BYE', invite), 5_000);
    await take(invite);
    agent.reply(await gone, 200);
    expect(await refused).toBe(487);
    expect(await lastRecord()).toMatchObject({ endReason: 'cancelled', sipStatus: 487 });
  });

  test('at once', async () => {
    const coming = invited();
    const calling = carol.call('scripted', audioSdp((await rtpPeer()).port, PCMU));
    const taken = await take(await coming);
    await hangUp({ dialog: await calling, taken, rtp: taken.rtp, words: () => 0 });
    expect(await lastRecord()).toMatchObject({ endReason: 'hangup-caller', q850: 16 });
  });

  test('while both talk', async () => {
    const call = await talk();
    const target = { port: rtpPortOf(call.dialog.remoteSdp), payloadType: 0, ssrc: 8, step: 160 };
    call.rtp.play([Buffer.alloc(160, 1)], target);
    await until(() => call.taken.rtp.heard.length > 20, { within: 5_000, what: 'the caller, at the agent' });
    await hangUp(call);
    expect(await lastRecord()).toMatchObject({ endReason: 'hangup-caller', q850: 16 });
  });
});

describe('afterwards', () => {
  // An agent that is silent is asked again for 32 s (RFC 3261 §17.1.2.2).
  test('nothing is left: no socket, no thread, no port, no call', async () => areBack(gateway, before, 45_000));

  test('the call beside has heard every frame, in its order and in its time', () => beside.heardAll());
});
