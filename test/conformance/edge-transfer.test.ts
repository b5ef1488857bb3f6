/** Ports that change partners, of one thread and of two: who was left hears nothing, who has met hears everything. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { CallId } from '../../src/kernel/index.ts';
import { digitsIn, RtpPeer } from '../support/rtp-peer.ts';
import { until } from '../support/until.ts';
import {
  connectLeg,
  type EdgeRig,
  EVENT_8K,
  formatOf,
  owner,
  payloads,
  portId,
  startTestEdge,
  target,
} from './edge-rig.ts';

/** Calls that live on different threads of two. */
const CALLS = ['a', 'b'] as CallId[];
let rig: EdgeRig;
let peers: RtpPeer[];

beforeEach(async () => {
  rig = await startTestEdge({ threads: 2 });
  peers = [];
});
afterEach(async () => {
  await Promise.all([rig.edge.stop(), ...peers.map((peer) => peer.close())]);
});

interface Phone {
  readonly peer: RtpPeer;
  readonly port: number;
}

async function phone(name: string, callId: CallId | undefined): Promise<Phone> {
  const peer = await RtpPeer.open(0);
  peers.push(peer);
  const { rtp } = await rig.edge.openPort({ kind: 'rtp', ...owner(name), callId: callId ?? ('a' as CallId) });
  await connectLeg(rig.edge, name, { remotePort: peer.port, format: formatOf('PCMU', EVENT_8K) });
  return { peer, port: rtp.rtpPort };
}

/** What `to` hears of 20 packets that `from` says. */
async function heard(from: Phone, to: Phone, tag: number): Promise<number> {
  const isAudio = ({ payloadType }: { readonly payloadType: number }): boolean => payloadType !== EVENT_8K.payloadType;
  const before = to.peer.heard.filter(isAudio).length;
  for (const payload of payloads(20, tag)) {
    from.peer.send(payload, target(from.port, { ssrc: 0x1000 + tag }));
    await sleep(2);
  }
  await sleep(40);
  return to.peer.heard.filter(isAudio).length - before;
}

it('ports of two threads hear each other, digits too, and part again', async () => {
  const { edge } = rig;
  const [a, b, c] = [await phone('pa', CALLS[0]), await phone('pb', CALLS[1]), await phone('pc', CALLS[0])];
  await edge.bridge(portId('pa'), portId('pb'));
  expect(await heard(a, b, 1)).toBe(20);
  expect(await heard(b, a, 2)).toBe(20);
  expect(b.peer.heard.at(-1)?.payload).toEqual(payloads(20, 1).at(-1));
  await edge.sendDigit({ portId: portId('pb'), digit: '7', durationMs: 100, form: 'events' });
  await until(() => digitsIn(b.peer.heard, 101).length === 1, { within: 1_000, what: 'the digit' });
  await edge.bridge(portId('pa'), portId('pc'));
  expect(await heard(a, b, 3)).toBe(0);
  expect(await heard(b, a, 4)).toBe(0);
  expect(await heard(a, c, 5)).toBe(20);
  expect(await heard(c, a, 6)).toBe(20);
});

it('a codec changed later is carried across the threads', async () => {
  const { edge } = rig;
  const [a, b] = [await phone('pa', CALLS[0]), await phone('pb', CALLS[1])];
  await edge.bridge(portId('pa'), portId('pb'));
  for (const [name, { peer }] of [
    ['pa', a],
    ['pb', b],
  ] as const)
    await connectLeg(edge, name, { remotePort: peer.port, format: formatOf('PCMA', EVENT_8K) });
  a.peer.send(Buffer.alloc(160, 1), target(a.port, { payloadType: 8 }));
  await until(() => b.peer.heard.some(({ payloadType }) => payloadType === 8), { within: 1_000, what: 'PCMA' });
});

it('several pairs across the same two threads do not hear one another, and closing leaves nothing', async () => {
  const { edge } = rig;
  const [a, b] = [await phone('pa', CALLS[0]), await phone('pb', CALLS[1])];
  const [c, d] = [await phone('pc', CALLS[0]), await phone('pd', CALLS[1])];
  await Promise.all([edge.bridge(portId('pa'), portId('pb')), edge.bridge(portId('pc'), portId('pd'))]);
  expect(await heard(a, b, 1)).toBe(20);
  expect(await heard(c, d, 2)).toBe(20);
  expect(d.peer.heard.every(({ payload }) => payload.at(-1) === 2)).toBe(true);
  expect(b.peer.heard.every(({ payload }) => payload.at(-1) === 1)).toBe(true);
  await edge.close(portId('pa'));
  expect(await heard(b, a, 3)).toBe(0);
  await Promise.all(['pb', 'pc', 'pd'].map((name) => edge.close(portId(name))));
  expect((await edge.counters()).portsOpen).toBe(0);
});
