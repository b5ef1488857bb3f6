/** What strangers send to the ports of calls: nothing of it is heard, and nothing of the call reaches them. */
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SRTP_SUITES, Srtp, type SrtpKeyPair, type SrtpKeys, type SrtpSuiteName } from '../../src/rtp/index.ts';
import { RtpPeer } from '../support/rtp-peer.ts';
import { RtpSprayer, SPRAYED } from '../support/rtp-sprayer.ts';
import { until } from '../support/until.ts';
import {
  connectLeg,
  type EdgeRig,
  formatOf,
  openBuiltIn,
  openLeg,
  owner,
  payloads,
  portId,
  type RtpLeg,
  startTestEdge,
  target,
} from './edge-rig.ts';

const PORTS = { min: 30_900, max: 30_939 };
const PEER = '127.0.0.1';
const STRANGERS = ['127.0.0.66', '127.0.0.67'];

let rig: EdgeRig;
const closing: (() => unknown)[] = [];

beforeEach(async () => {
  rig = await startTestEdge({ portRange: PORTS, quarantineMs: 200 });
});
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
  await rig.edge.stop();
});

async function openPeer(): Promise<RtpPeer> {
  const peer = await RtpPeer.open();
  closing.push(() => peer.close());
  return peer;
}

async function openSprayer(addresses = STRANGERS): Promise<RtpSprayer> {
  const sprayer = await RtpSprayer.open({ ports: PORTS, addresses });
  closing.push(() => sprayer.close());
  return sprayer;
}

const injected = (peer: RtpPeer): number => peer.heard.filter(({ payload }) => payload[159] === SPRAYED).length;

describe.each<[string, Pick<RtpLeg, 'sourcePolicy' | 'signalingAddress'>]>([
  ['sdp', { sourcePolicy: 'sdp' }],
  ['latch, signaling from the address of the SDP', { sourcePolicy: 'latch', signalingAddress: PEER }],
  ['latch, signaling from a NAT', { sourcePolicy: 'latch', signalingAddress: '127.0.0.5' }],
])('T18: a sprayer over the whole range, policy %s', (_policy, source) => {
  it('gets and says nothing: before the 200, in the first 500 ms, in the call, at hold, after the BYE', async () => {
    const { edge } = rig;
    const [alice, bob, sprayer] = [await openPeer(), await openPeer(), await openSprayer()];
    sprayer.start();
    const { rtp: a } = await edge.openPort({ kind: 'rtp', ...owner('a') });
    const { rtp: b } = await edge.openPort({ kind: 'rtp', ...owner('b') });
    await edge.bridge(portId('a'), portId('b'));
    await sleep(150);
    const legs = { a: { remotePort: alice.port, ...source }, b: { remotePort: bob.port, ...source } };
    await Promise.all([connectLeg(edge, 'a', legs.a), connectLeg(edge, 'b', legs.b)]);
    // One side speaks at once, the other after a while: until then it only listens.
    alice.play(payloads(50, 1), target(a.rtpPort));
    await sleep(500);
    bob.play(payloads(50, 2), target(b.rtpPort));
    await sleep(400);
    await connectLeg(edge, 'a', { ...legs.a, direction: 'inactive' });
    alice.pause();
    await sleep(SILENT_MS);
    await connectLeg(edge, 'a', legs.a);
    alice.play(payloads(50, 1), target(a.rtpPort));
    await sleep(200);
    await Promise.all([edge.close(portId('a')), edge.close(portId('b'))]);
    await sleep(150);
    expect(sprayer.sent).toBeGreaterThan(1000);
    expect([sprayer.leaked, injected(alice), injected(bob)]).toEqual([0, 0, 0]);
    expect(bob.heard.length).toBeGreaterThan(20);
    expect(alice.heard.length).toBeGreaterThan(10);
  });
});

/** Longer than the latch waits before it considers others. */
const SILENT_MS = 1300;

describe('T18: a peer behind NAT', () => {
  it('is followed to the address of its signaling, and no sprayer of another address is', async () => {
    const { edge } = rig;
    const [nat, bob, sprayer] = [await openPeer(), await openPeer(), await openSprayer()];
    sprayer.start();
    // Its SDP tells an address of its own network.
    const { rtp } = await edge.openPort({ kind: 'rtp', ...owner('a') });
    await edge.connect({
      kind: 'rtp',
      portId: portId('a'),
      remote: { address: '10.255.255.1', rtpPort: 4000, rtcpPort: 4001 },
      rtcpMux: false,
      sourcePolicy: 'latch',
      signalingAddress: PEER,
      format: formatOf('PCMU'),
      direction: 'sendrecv',
    });
    await openLeg(edge, 'b', { remotePort: bob.port });
    await edge.bridge(portId('a'), portId('b'));
    await sleep(400);
    nat.play(payloads(50, 1), target(rtp.rtpPort));
    await until(() => bob.heard.length > 20, { within: 5_000, what: 'the peer to be heard' });
    await sleep(300);
    expect([sprayer.leaked, injected(bob)]).toEqual([0, 0]);
  });

  it('loses, at most, what is sent before it speaks: the bound, told where strangers share its address', async () => {
    const { edge } = rig;
    const [alice, bob, sprayer] = [await openPeer(), await openPeer(), await openSprayer([PEER])];
    const a = await openLeg(edge, 'a', { remotePort: alice.port, sourcePolicy: 'latch', signalingAddress: PEER });
    const b = await openLeg(edge, 'b', { remotePort: bob.port });
    await edge.bridge(portId('a'), portId('b'));
    bob.play(payloads(50, 2), target(b));
    sprayer.start();
    await until(() => sprayer.leaked > 0, { within: 5_000, what: 'the stranger to come first' });
    await sleep(50);
    const { length } = alice.heard;
    // Its quorum wins the true peer back, within 100 ms and for the rest of the call.
    alice.play(payloads(50, 1), target(a));
    await until(() => alice.heard.length > length, { within: 5_000, what: 'the peer to win back' });
    // Packets that were on their way then.
    await sleep(100);
    const before = [sprayer.leaked, injected(bob)];
    await sleep(400);
    expect([sprayer.leaked, injected(bob)]).toEqual(before);
  });
});

describe('SRTP', () => {
  const suites = Object.keys(SRTP_SUITES) as SrtpSuiteName[];

  function newKeys(suite: SrtpSuiteName): SrtpKeys {
    const { keyBytes, saltBytes } = SRTP_SUITES[suite];
    return { suite, key: randomBytes(keyBytes), salt: randomBytes(saltBytes) };
  }

  const newPair = (suite: SrtpSuiteName): SrtpKeyPair => ({ send: newKeys(suite), receive: newKeys(suite) });
  const mirrored = ({ send, receive }: SrtpKeyPair): SrtpKeyPair => ({ send: receive, receive: send });

  /** A phone with SRTP: sends tagged packets, and keeps the tags of what it can read. */
  class ProtectedPeer {
    readonly heard: number[] = [];
    unreadable = 0;
    sequence = 100;
    readonly #socket: Socket;
    #srtp: Srtp;
    constructor(socket: Socket, keys: SrtpKeyPair) {
      this.#socket = socket;
      this.#srtp = new Srtp(mirrored(keys));
      socket.on('message', (data) => {
        if (data[1] === 200 || data[1] === 201) return;
        const packet = this.#srtp.openRtp(data, 0);
        if (packet === undefined) this.unreadable++;
        else this.heard.push(packet[100] ?? -1);
      });
    }
    static async open(keys: SrtpKeyPair, address = PEER): Promise<ProtectedPeer> {
      const socket = createSocket('udp4').bind(0, address);
      await once(socket, 'listening');
      closing.push(() => socket.close());
      return new ProtectedPeer(socket, keys);
    }
    get port(): number {
      return this.#socket.address().port;
    }
    /** Both directions under other keys from now on. */
    rekey(keys: SrtpKeyPair): void {
      this.#srtp = new Srtp(mirrored(keys));
    }
    packet(tag: number): Buffer {
      const packet = Buffer.alloc(172, tag);
      packet.writeUInt16BE(0x8000);
      packet.writeUInt16BE(this.sequence, 2);
      packet.writeUInt32BE(this.sequence * 160, 4);
      packet.writeUInt32BE(0x1000, 8);
      this.sequence++;
      return this.#srtp.sealRtp(packet) ?? Buffer.alloc(0);
    }
    async send(tag: number, count: number, port: number): Promise<void> {
      for (let i = 0; i < count; i++) {
        this.raw(this.packet(tag), port);
        await sleep(5);
      }
    }
    raw(packet: Buffer, port: number): void {
      this.#socket.send(packet, port, PEER);
    }
  }

  it.each(suites)('%s: is spoken to each side under its own keys, digits and reports too', async (suite) => {
    const { edge } = rig;
    const keys = newPair(suite);
    const [alice, bob] = [await ProtectedPeer.open(keys), await openPeer()];
    const a = await openLeg(edge, 'a', { remotePort: alice.port, srtp: keys });
    const b = await openLeg(edge, 'b', { remotePort: bob.port });
    await edge.bridge(portId('a'), portId('b'));
    await Promise.all([alice.send(7, 30, a), bob.fill(Buffer.alloc(160, 9), 30, target(b))]);
    await edge.sendDigit({ portId: portId('a'), digit: '5', durationMs: 60, form: 'events' });
    await until(() => bob.heard.length === 30 && alice.heard.length > 33, { within: 3_000, what: 'all packets' });
    expect(bob.heard.every(({ payload }) => payload.equals(Buffer.alloc(160, 7)))).toBe(true);
    expect(alice.heard.filter((tag) => tag === 9)).toHaveLength(30);
    expect(alice.unreadable).toBe(0);
    expect((await edge.counters()).srtpPacketsFailed).toBe(0);
  });

  it('loses nothing when the peer changes its key: packets on their way are still read', async () => {
    const { edge } = rig;
    const first = newPair('AES_CM_128_HMAC_SHA1_80');
    const next = { send: first.send, receive: newKeys('AES_CM_128_HMAC_SHA1_80') };
    const [alice, bob] = [await ProtectedPeer.open(first), await openPeer()];
    const leg = { remotePort: alice.port };
    const a = await openLeg(edge, 'a', { ...leg, srtp: first });
    await openLeg(edge, 'b', { remotePort: bob.port });
    await edge.bridge(portId('a'), portId('b'));
    await alice.send(1, 10, a);
    const late = [alice.packet(2), alice.packet(2)];
    await connectLeg(edge, 'a', { ...leg, srtp: next });
    alice.rekey(next);
    await alice.send(3, 5, a);
    for (const packet of late) alice.raw(packet, a);
    await alice.send(3, 5, a);
    await until(() => bob.heard.length === 22, { within: 3_000, what: 'all packets' });
    expect((await edge.counters()).srtpPacketsFailed).toBe(0);
  });

  it('takes plain RTP for nothing, and sends none', async () => {
    const { edge } = rig;
    const [alice, bob] = [await openPeer(), await openPeer()];
    const a = await openLeg(edge, 'a', { remotePort: alice.port, srtp: newPair('AEAD_AES_128_GCM') });
    const b = await openLeg(edge, 'b', { remotePort: bob.port });
    await edge.bridge(portId('a'), portId('b'));
    await Promise.all([alice.fill(Buffer.alloc(160, 7), 20, target(a)), bob.fill(Buffer.alloc(160, 9), 20, target(b))]);
    await until(() => alice.heard.length === 20, { within: 3_000, what: 'what bob says' });
    expect(bob.heard).toEqual([]);
    expect(alice.heard.some(({ payload }) => payload.includes(Buffer.alloc(8, 9)))).toBe(false);
  });

  it('T19: learns nothing from packets that are not authentic, nor from repeated ones', async () => {
    const { edge } = rig;
    const keys = newPair('AES_CM_128_HMAC_SHA1_80');
    const [alice, bob, thief] = [
      await ProtectedPeer.open(keys),
      await openPeer(),
      await ProtectedPeer.open(newPair('AES_CM_128_HMAC_SHA1_80')),
    ];
    const a = await openLeg(edge, 'a', { remotePort: 9, sourcePolicy: 'latch', srtp: keys });
    const b = await openLeg(edge, 'b', { remotePort: bob.port });
    await edge.bridge(portId('a'), portId('b'));
    bob.play(payloads(50, 2), target(b));
    await thief.send(SPRAYED, 60, a);
    const recorded = Array.from({ length: 30 }, () => alice.packet(1));
    for (const packet of recorded) {
      alice.raw(packet, a);
      await sleep(5);
    }
    for (const packet of recorded) {
      thief.raw(packet, a);
      await sleep(2);
    }
    await until(() => alice.heard.length > 5, { within: 3_000, what: 'the peer to be heard and answered' });
    expect([thief.heard.length, thief.unreadable]).toEqual([0, 0]);
    expect(bob.heard).toHaveLength(recorded.length - 4);
    expect(injected(bob)).toBe(0);
  });

  it('T21: 10,000 packets a second with wrong tags hurt no call, and the log hardly', async () => {
    const { edge, events } = rig;
    const keys = newPair('AEAD_AES_256_GCM');
    const [alice, bob] = [await ProtectedPeer.open(keys), await openPeer()];
    const a = await openLeg(edge, 'a', { remotePort: alice.port, srtp: keys });
    await openLeg(edge, 'b', { remotePort: bob.port });
    await edge.bridge(portId('a'), portId('b'));
    let sent = 0;
    const flood = setInterval(() => {
      // From the very address and SSRC of the peer: the worst case.
      for (let i = 0; i < 100; i++, sent++) {
        const packet = Buffer.alloc(188, SPRAYED);
        packet.writeUInt16BE(0x8000);
        packet.writeUInt16BE((alice.sequence + i) & 0xffff, 2);
        packet.writeUInt32BE(0x1000, 8);
        alice.raw(packet, a);
      }
    }, 10);
    for (let i = 0; i < 100; i++) {
      await alice.send(1, 1, a);
      await sleep(15);
    }
    clearInterval(flood);
    await sleep(200);
    expect(sent).toBeGreaterThan(5_000);
    expect(injected(bob)).toBe(0);
    // What the socket's buffer had no room for is lost; all else got through.
    expect(bob.heard.length).toBeGreaterThan(80);
    expect((await edge.counters()).srtpPacketsFailed).toBeGreaterThan(sent / 2);
    expect(events.filter(({ kind }) => kind === 'srtp-failed')).toHaveLength(1);
    const { length } = bob.heard;
    await alice.send(1, 20, a);
    await until(() => bob.heard.length === length + 20, { within: 2_000, what: 'the call to go on' });
  });
});

it('T24: reports and goodbyes of strangers change nothing', async () => {
  const { edge } = rig;
  const [alice, sprayer] = [await openPeer(), await openSprayer()];
  const a = await openLeg(edge, 'a', { remotePort: alice.port });
  await openBuiltIn(edge, 'tone', 'tone', formatOf('PCMU'));
  await edge.bridge(portId('a'), portId('tone'));
  alice.play(payloads(50, 1), target(a));
  sprayer.start();
  await sleep(500);
  const before = alice.heard.length;
  expect(before).toBeGreaterThan(10);
  expect(await edge.counters()).toMatchObject({ rtcpPacketsReceived: 0 });
  await until(() => alice.heard.length > before + 10, { within: 3_000, what: 'the tone to go on' });
});
