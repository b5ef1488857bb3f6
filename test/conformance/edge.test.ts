/** The carrying edge on real sockets: what goes in at one end comes out at the other, and nothing else does. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeG711, findGaps, G722Decoder, measureTone } from '../../src/audio/index.ts';
import { buildRtcp, parseRtcp, type RtcpPacket } from '../../src/rtp/index.ts';
import { digitsIn, type HeardPacket, RtpPeer } from '../support/rtp-peer.ts';
import {
  connectLeg,
  type EdgeRig,
  EVENT_8K,
  EVENT_48K,
  formatOf,
  openBuiltIn,
  openLeg,
  owner,
  PORTS,
  payloads,
  portId,
  startTestEdge,
  target,
} from './edge-rig.ts';

let rig: EdgeRig;
let peers: RtpPeer[];

beforeEach(async () => {
  rig = await startTestEdge();
  peers = [];
});
afterEach(async () => {
  await Promise.all([rig.edge.stop(), ...peers.map((peer) => peer.close())]);
});

async function openPeer(port = 0): Promise<RtpPeer> {
  const peer = await RtpPeer.open(port);
  peers.push(peer);
  return peer;
}

/** Sends every payload once, in pairs of sender and target, one round per 5 ms. */
async function sendAll(...streams: [RtpPeer, Buffer[], ReturnType<typeof target>][]): Promise<void> {
  const rounds = Math.max(...streams.map(([, sounds]) => sounds.length));
  for (let i = 0; i < rounds; i++) {
    for (const [peer, sounds, to] of streams) if (sounds[i]) peer.send(sounds[i] ?? Buffer.alloc(0), to);
    await sleep(5);
  }
  await sleep(50);
}

function expectContinuous(heard: readonly HeardPacket[]): void {
  expect(new Set(heard.map(({ ssrc }) => ssrc)).size).toBe(1);
  for (const [i, packet] of heard.entries()) {
    expect(packet.sequence).toBe(((heard[0]?.sequence ?? 0) + i) & 0xffff);
  }
}

it('opens ports of either family, and knows an IPv6 peer however its address is written', async () => {
  const both = await startTestEdge({ listen: [{ address: '127.0.0.1' }, { address: '::1', announced: 'fd00::9' }] });
  try {
    const six = await both.edge.openPort({ kind: 'rtp', ...owner('six'), family: 6 });
    expect(six.rtp.address).toBe('fd00::9');
    expect((await both.edge.openPort({ kind: 'rtp', ...owner('any') })).rtp.address).toBe('127.0.0.1');
    const peer = createSocket('udp6');
    peer.bind(0, '::1');
    await once(peer, 'listening');
    const heard: number[] = [];
    peer.on('message', (data) => heard.push(data.length));
    const format = formatOf('PCMU');
    const at = { address: '0:0:0:0:0:0:0:1', rtpPort: peer.address().port, rtcpPort: peer.address().port };
    const common = { rtcpMux: true, sourcePolicy: 'sdp', format, direction: 'sendrecv' } as const;
    await both.edge.connect({ kind: 'rtp', portId: portId('six'), remote: at, ...common });
    await openBuiltIn(both.edge, 'echo', 'echo', format);
    await both.edge.bridge(portId('six'), portId('echo'));
    for (let sequence = 0; sequence < 10; sequence++) {
      const packet = Buffer.alloc(172, 0xd5);
      packet.writeUInt16BE(0x8000, 0);
      packet.writeUInt16BE(sequence, 2);
      packet.writeUInt32BE(sequence * 160, 4);
      packet.writeUInt32BE(7, 8);
      peer.send(packet, six.rtp.rtpPort, '::1');
      await sleep(20);
    }
    peer.close();
    expect(heard.filter((length) => length === 172).length).toBeGreaterThan(5);
    const wrong = { kind: 'rtp', portId: portId('any'), remote: at, ...common } as const;
    await expect(both.edge.connect(wrong)).rejects.toMatchObject({ code: 'MEDIA_BAD_ADDRESS' });
    await expect(rig.edge.openPort({ kind: 'rtp', ...owner('none'), family: 6 })).rejects.toMatchObject({
      code: 'MEDIA_NO_FAMILY',
      sip: 488,
    });
  } finally {
    await both.edge.stop();
  }
});

describe('relaying', () => {
  it('S3: carries payloads byte for byte both ways between SIP peers, under the payload types of each', async () => {
    const { edge, events } = rig;
    const [alice, bob] = [await openPeer(), await openPeer()];
    const a = await openLeg(edge, 'a', { remotePort: alice.port });
    const bobFormat = { ...formatOf('PCMU'), codec: { ...formatOf('PCMU').codec, payloadType: 96 } };
    const b = await openLeg(edge, 'b', { remotePort: bob.port, format: bobFormat });
    await edge.bridge(portId('a'), portId('b'));
    const [said, answered] = [payloads(100, 1), payloads(100, 2)];
    await sendAll([alice, said, target(a)], [bob, answered, target(b, { payloadType: 96, ssrc: 0x2000 })]);
    expect(bob.heard.map(({ payload }) => payload)).toEqual(said);
    expect(alice.heard.map(({ payload }) => payload)).toEqual(answered);
    expect(new Set(bob.heard.map(({ payloadType }) => payloadType))).toEqual(new Set([96]));
    expect(new Set(alice.heard.map(({ payloadType }) => payloadType))).toEqual(new Set([0]));
    expect(bob.heard.every(({ fromPort }) => fromPort === b)).toBe(true);
    expectContinuous(bob.heard);
    expectContinuous(alice.heard);
    expect(events.filter(({ kind }) => kind === 'port-up').map((event) => event.portId)).toEqual(
      expect.arrayContaining(['a', 'b']),
    );
    expect(await edge.close(portId('a'))).toMatchObject({
      portId: 'a',
      packetsReceived: 100,
      packetsSent: 100,
      bytesReceived: 17_200,
      packetsLost: 0,
    });
  });

  it('keeps the stream continuous when the source changes SSRC, sequence and clock', async () => {
    const { edge } = rig;
    const [alice, bob] = [await openPeer(), await openPeer()];
    const a = await openLeg(edge, 'a', { remotePort: alice.port });
    await openLeg(edge, 'b', { remotePort: bob.port });
    await edge.bridge(portId('a'), portId('b'));
    await sendAll([alice, payloads(20, 1), target(a)]);
    await sendAll([alice, payloads(20, 2), target(a, { ssrc: 0x3000 })]);
    expect(bob.heard).toHaveLength(40);
    expectContinuous(bob.heard);
    expect(bob.heard.filter(({ hasMarker }) => hasMarker)).toHaveLength(2);
  });

  it('speaks to PlainTransports that share its socket, each with its own SSRC', async () => {
    const { edge } = rig;
    const calls = await Promise.all(
      [0, 1, 2].map(async (index) => {
        const [phone, plainTransport] = [await openPeer(), await openPeer()];
        const sip = await openLeg(edge, `sip${index}`, { remotePort: phone.port });
        const inner = await edge.openInner({ ...owner(`web${index}`) });
        const format = formatOf('PCMU', EVENT_8K);
        await edge.connectInner({ portId: portId(`web${index}`), remotePort: plainTransport.port, format });
        await edge.bridge(portId(`sip${index}`), portId(`web${index}`));
        return { index, phone, plainTransport, sip, inner };
      }),
    );
    expect(new Set(calls.map(({ inner }) => inner.port)).size).toBe(1);
    await sendAll(
      ...calls.flatMap(
        ({ index, phone, plainTransport, sip, inner }): Parameters<typeof sendAll> => [
          [phone, payloads(30, 10 + index), target(sip)],
          [plainTransport, payloads(30, 20 + index), target(inner.port)],
        ],
      ),
    );
    for (const { index, phone, plainTransport, inner } of calls) {
      expect(plainTransport.heard.map(({ payload }) => payload)).toEqual(payloads(30, 10 + index));
      expect(phone.heard.map(({ payload }) => payload)).toEqual(payloads(30, 20 + index));
      expect(plainTransport.heard.every(({ ssrc }) => ssrc === inner.ssrc)).toBe(true);
    }
  });

  it('obeys the direction', async () => {
    const { edge } = rig;
    const [alice, bob] = [await openPeer(), await openPeer()];
    const a = await openLeg(edge, 'a', { remotePort: alice.port });
    const b = await openLeg(edge, 'b', { remotePort: bob.port });
    await edge.bridge(portId('a'), portId('b'));
    const both = () => sendAll([alice, payloads(10, 1), target(a)], [bob, payloads(10, 2), target(b, { ssrc: 2 })]);
    await connectLeg(edge, 'a', { remotePort: alice.port, direction: 'recvonly' });
    await both();
    expect([alice.heard.length, bob.heard.length]).toEqual([0, 10]);
    await connectLeg(edge, 'a', { remotePort: alice.port, direction: 'sendonly' });
    await both();
    expect([alice.heard.length, bob.heard.length]).toEqual([10, 10]);
    await connectLeg(edge, 'a', { remotePort: alice.port, direction: 'inactive' });
    await both();
    expect([alice.heard.length, bob.heard.length]).toEqual([10, 10]);
    await connectLeg(edge, 'a', { remotePort: alice.port });
    await both();
    expect([alice.heard.length, bob.heard.length]).toEqual([20, 20]);
    expectContinuous(alice.heard);
  });

  it('moves with a re-INVITE, in the middle of a stream', async () => {
    const { edge } = rig;
    const [alice, moved, bob] = [await openPeer(), await openPeer(), await openPeer()];
    await openLeg(edge, 'a', { remotePort: alice.port });
    const b = await openLeg(edge, 'b', { remotePort: bob.port });
    await edge.bridge(portId('a'), portId('b'));
    await sendAll([bob, payloads(10, 1), target(b)]);
    await connectLeg(edge, 'a', { remotePort: moved.port });
    await sendAll([bob, payloads(10, 1), target(b)]);
    expect([alice.heard.length, moved.heard.length]).toEqual([10, 10]);
    expectContinuous([...alice.heard, ...moved.heard]);
  });
});

describe('DTMF', () => {
  it.each([
    ['down', EVENT_48K, EVENT_8K],
    ['up', EVENT_8K, EVENT_48K],
    ['along', EVENT_8K, EVENT_8K],
  ])('S4: takes digits %s to the clock of the other leg, and reports each once', async (_way, from, to) => {
    const { edge, events } = rig;
    const [alice, bob] = [await openPeer(), await openPeer()];
    const a = await openLeg(edge, 'a', { remotePort: alice.port, format: formatOf('opus', from) });
    await openLeg(edge, 'b', { remotePort: bob.port, format: formatOf('opus', to) });
    await edge.bridge(portId('a'), portId('b'));
    const audio = target(a, { payloadType: 111, step: 960 });
    await sendAll([alice, payloads(5, 1), audio]);
    for (const digit of '1234#') {
      await alice.sendDigit(digit, 100, {
        ...target(a, { payloadType: from.payloadType, step: 960 }),
        eventStep: from.clockRate / 50,
      });
      await sendAll([alice, payloads(3, 1), audio]);
    }
    const heard = digitsIn(bob.heard, to.payloadType);
    expect(heard.map(({ digit }) => digit).join('')).toBe('1234#');
    for (const { duration, ends, hasMarker } of heard) {
      expect(duration).toBe(to.clockRate / 10);
      expect([ends, hasMarker]).toEqual([3, true]);
    }
    expect(events.filter((event) => event.kind === 'digit')).toEqual(
      Array.from('1234#').map((digit) => ({ kind: 'digit', portId: 'a', digit, durationMs: 100, form: 'events' })),
    );
    expectContinuous(bob.heard);
  });

  it('lets audio go before the first event towards a PlainTransport', async () => {
    const { edge } = rig;
    const [phone, plainTransport] = [await openPeer(), await openPeer()];
    const format = formatOf('PCMU', EVENT_8K);
    const sip = await openLeg(edge, 'sip', { remotePort: phone.port, format });
    await edge.openInner(owner('web'));
    await edge.connectInner({ portId: portId('web'), remotePort: plainTransport.port, format });
    await edge.bridge(portId('sip'), portId('web'));
    await phone.sendDigit('5', 60, { ...target(sip, { payloadType: 101 }), eventStep: 160 });
    await sleep(50);
    expect(plainTransport.heard[0]).toMatchObject({ payloadType: 0, payload: Buffer.alloc(160, 0xff) });
    expect(digitsIn(plainTransport.heard, 101).map(({ digit }) => digit)).toEqual(['5']);
    expectContinuous(plainTransport.heard);
  });

  it('plays digits of its own beside the audio', async () => {
    const { edge } = rig;
    const [alice, bob] = [await openPeer(), await openPeer()];
    const a = await openLeg(edge, 'a', { remotePort: alice.port });
    await openLeg(edge, 'b', { remotePort: bob.port });
    await edge.bridge(portId('a'), portId('b'));
    alice.play(payloads(50, 3), target(a));
    await sleep(100);
    await edge.sendDigit({ portId: portId('b'), digit: '*', durationMs: 120, form: 'events' });
    await sleep(400);
    const [digit, ...rest] = digitsIn(bob.heard, 101);
    expect(digit).toMatchObject({ digit: '*', duration: 960, ends: 3, hasMarker: true });
    expect(rest).toEqual([]);
    expectContinuous(bob.heard);
  });
});

describe('T18: strangers', () => {
  it.each(['sdp', 'latch'] as const)('hear and say nothing in a call that flows (policy %s)', async (sourcePolicy) => {
    const { edge } = rig;
    const [alice, bob, thief] = [await openPeer(), await openPeer(), await openPeer()];
    const a = await openLeg(edge, 'a', { remotePort: alice.port, sourcePolicy });
    const b = await openLeg(edge, 'b', { remotePort: bob.port, sourcePolicy });
    await edge.bridge(portId('a'), portId('b'));
    alice.play(payloads(50, 1), target(a));
    bob.play(payloads(50, 2), target(b));
    await sleep(60);
    await sendAll([thief, payloads(100, 0xee), target(a)], [thief, payloads(100, 0xee), target(b)]);
    expect(thief.heard).toEqual([]);
    expect(bob.heard.every(({ payload }) => payload[159] === 1)).toBe(true);
    expect(alice.heard.every(({ payload }) => payload[159] === 2)).toBe(true);
    expect((await edge.counters()).rtpPacketsRejected).toBe(200);
  });

  it('get nothing before the first packet either, when the SDP is to be trusted', async () => {
    const { edge } = rig;
    const [alice, bob, thief] = [await openPeer(), await openPeer(), await openPeer()];
    const a = await openLeg(edge, 'a', { remotePort: alice.port });
    const b = await openLeg(edge, 'b', { remotePort: bob.port });
    await edge.bridge(portId('a'), portId('b'));
    await sendAll([thief, payloads(50, 0xee), target(a)], [bob, payloads(50, 2), target(b)]);
    expect([thief.heard.length, bob.heard.length, alice.heard.length]).toEqual([0, 0, 50]);
  });

  it('are followed when they are the peer behind NAT: after five coherent packets', async () => {
    const { edge } = rig;
    const [nat, bob] = [await openPeer(), await openPeer()];
    const a = await openLeg(edge, 'a', { remotePort: 9, sourcePolicy: 'latch' });
    const b = await openLeg(edge, 'b', { remotePort: bob.port });
    await edge.bridge(portId('a'), portId('b'));
    await sendAll([nat, payloads(4, 1), target(a)], [bob, payloads(4, 2), target(b)]);
    expect([nat.heard.length, bob.heard.length]).toEqual([0, 0]);
    await sendAll([nat, payloads(10, 1), target(a)], [bob, payloads(10, 2), target(b)]);
    expect(bob.heard).toHaveLength(10);
    expect(nat.heard.length).toBeGreaterThanOrEqual(9);
  });
});

describe('ports', () => {
  it('T23: rest after a call, and do not hear its sender in the next one', async () => {
    await rig.edge.stop();
    rig = await startTestEdge({ portRange: { min: 31_200, max: 31_201 } });
    const { edge } = rig;
    const [alice, bob] = [await openPeer(), await openPeer()];
    const a = await openLeg(edge, 'a', { remotePort: 9, sourcePolicy: 'latch' });
    alice.play(payloads(10, 1), target(a));
    await sleep(200);
    await edge.close(portId('a'));
    await expect(edge.openPort({ kind: 'rtp', ...owner('b') })).rejects.toMatchObject({
      code: 'MEDIA_NO_PORTS',
      sip: 503,
    });
    expect(await edge.counters()).toMatchObject({ portsOpen: 0, portsQuarantined: 1 });
    await sleep(400);
    const b = await openLeg(edge, 'b', { remotePort: bob.port, sourcePolicy: 'latch' });
    expect(b).toBe(a);
    await openBuiltIn(edge, 'echo', 'echo', formatOf('PCMU'));
    await edge.bridge(portId('b'), portId('echo'));
    await sleep(300);
    expect([alice.heard.length, bob.heard.length]).toEqual([0, 0]);
    expect(await edge.close(portId('b'))).toMatchObject({ packetsReceived: 0 });
  });

  it('of others are left alone, be it the RTP or the RTCP one', async () => {
    await rig.edge.stop();
    const taken = await Promise.all(
      [31_300, 31_303].map(async (port) => {
        const socket = createSocket({ type: 'udp4', reuseAddr: true });
        socket.bind(port, '127.0.0.1');
        await once(socket, 'listening');
        return socket;
      }),
    );
    rig = await startTestEdge({ portRange: { min: 31_300, max: 31_305 } });
    expect((await rig.edge.openPort({ kind: 'rtp', ...owner('a') })).rtp).toEqual({
      address: '127.0.0.1',
      rtpPort: 31_304,
      rtcpPort: 31_305,
    });
    await expect(rig.edge.openPort({ kind: 'rtp', ...owner('b') })).rejects.toMatchObject({ code: 'MEDIA_NO_PORTS' });
    for (const socket of taken) socket.close();
  });

  it('leave nothing behind after 200 calls', async () => {
    await rig.edge.stop();
    rig = await startTestEdge({ quarantineMs: 0 });
    const { edge } = rig;
    const openFiles = () => readdirSync('/proc/self/fd').length;
    const call = async (index: number): Promise<void> => {
      await Promise.all([
        openLeg(edge, `a${index}`, { remotePort: 9 }),
        edge.openInner(owner(`b${index}`)),
        openBuiltIn(edge, `c${index}`, 'tone', formatOf('PCMU')),
      ]);
      await edge.bridge(portId(`a${index}`), portId(`c${index}`));
      await Promise.all(['a', 'b', 'c'].map((name) => edge.close(portId(`${name}${index}`))));
    };
    await call(-1);
    const before = openFiles();
    for (let index = 0; index < 200; index++) await call(index);
    await sleep(50);
    expect(await edge.counters()).toMatchObject({ portsOpen: 0, portsQuarantined: 0 });
    expect(openFiles()).toBe(before);
  });

  it('close twice without harm, and refuse what they cannot do', async () => {
    const { edge } = rig;
    await openLeg(edge, 'a', { remotePort: 9 });
    await edge.close(portId('a'));
    expect(await edge.close(portId('a'))).toMatchObject({ portId: 'a', packetsSent: 0 });
    await expect(edge.bridge(portId('a'), portId('b'))).rejects.toMatchObject({ code: 'MEDIA_UNKNOWN_PORT' });
    await edge.openPort({ kind: 'rtp', ...owner('c') });
    await expect(connectLeg(edge, 'c', { remotePort: 70_000 })).rejects.toMatchObject({
      code: 'MEDIA_BAD_ADDRESS',
      sip: 488,
    });
  });

  it('are reported when their thread dies, and a new thread takes over', async () => {
    const { edge, events } = rig;
    const phone = await openPeer();
    const sip = await openLeg(edge, 'sip', { remotePort: phone.port });
    await edge.openInner(owner('web'));
    // A port that does not exist, which only a fault of ours could bring here: the send throws.
    await edge.connectInner({ portId: portId('web'), remotePort: 70_000, format: formatOf('PCMU') });
    await edge.bridge(portId('sip'), portId('web'));
    await sendAll([phone, payloads(1, 1), target(sip)]);
    await sleep(300);
    expect(events.filter(({ kind }) => kind === 'port-failed')).toEqual([
      { kind: 'port-failed', portId: 'sip', reason: 'edge' },
      { kind: 'port-failed', portId: 'web', reason: 'edge' },
    ]);
    expect(await edge.close(portId('sip'))).toMatchObject({ packetsReceived: 0 });
    expect(await openLeg(edge, 'again', { remotePort: phone.port })).toBeGreaterThanOrEqual(PORTS.min);
  });
});

describe('built-in parties', () => {
  it('echo returns audio and digits as one continuous stream', async () => {
    const { edge } = rig;
    const alice = await openPeer();
    const a = await openLeg(edge, 'a', { remotePort: alice.port });
    await openBuiltIn(edge, 'echo', 'echo', formatOf('PCMU', EVENT_8K));
    await edge.bridge(portId('a'), portId('echo'));
    await sendAll([alice, payloads(20, 5), target(a)]);
    await alice.sendDigit('9', 60, { ...target(a, { payloadType: 101 }), eventStep: 160 });
    await sleep(50);
    expect(alice.heard.slice(0, 20).map(({ payload }) => payload)).toEqual(payloads(20, 5));
    expect(digitsIn(alice.heard, 101)).toMatchObject([{ digit: '9', duration: 480, ends: 3 }]);
    expectContinuous(alice.heard);
  });

  it.each([
    ['PCMU', 8000, (bytes: Buffer) => decodeG711('PCMU', bytes), 35],
    ['PCMA', 8000, (bytes: Buffer) => decodeG711('PCMA', bytes), 35],
    ['G722', 16_000, (bytes: Buffer) => new G722Decoder().decode(bytes), 40],
  ] as const)('tone plays 440 Hz at -12 dBFS in %s without gaps', async (codec, rateHz, decode, snrDb) => {
    const { edge } = rig;
    const alice = await openPeer();
    const format = formatOf(codec);
    await openLeg(edge, 'a', { remotePort: alice.port, format });
    await openBuiltIn(edge, 'tone', 'tone', format);
    await edge.bridge(portId('a'), portId('tone'));
    await sleep(2000);
    const samples = decode(Buffer.concat(alice.heard.map(({ payload }) => payload))).subarray(rateHz / 10);
    const tone = measureTone(samples, rateHz, 440);
    expect(tone.frequencyHz).toBeCloseTo(440, 0);
    expect(Math.abs(tone.levelDbfs + 12)).toBeLessThan(0.5);
    expect(tone.snrDb).toBeGreaterThan(snrDb);
    expect(findGaps(samples, rateHz, { thresholdDb: -40, minMs: 10 })).toEqual([]);
    expectContinuous(alice.heard);
    expect(alice.heard.length).toBeGreaterThanOrEqual(98);
    expect(alice.heard.length).toBeLessThanOrEqual(101);
  });
});

describe('RTCP', () => {
  /** A peer's RTCP socket: what it heard, and a way to say something. */
  async function openRtcp(port: number) {
    const socket = createSocket('udp4');
    socket.bind(port, '127.0.0.1');
    await once(socket, 'listening');
    const heard: RtcpPacket[] = [];
    socket.on('message', (bytes) => heard.push(...(parseRtcp(bytes) ?? [])));
    return { socket, heard, port: socket.address().port };
  }

  it('reports what was sent and lost, with a name, and says goodbye', async () => {
    const { edge } = rig;
    const alice = await openPeer();
    const rtcp = await openRtcp(0);
    const a = await openLeg(edge, 'a', { remotePort: alice.port, rtcpPort: rtcp.port });
    await openBuiltIn(edge, 'echo', 'echo', formatOf('PCMU'));
    await edge.bridge(portId('a'), portId('echo'));
    await sendAll([alice, payloads(10, 1), target(a)]);
    // A hole of one: sent to nobody.
    alice.send(Buffer.alloc(160), target(9));
    await sendAll([alice, payloads(9, 1), target(a)]);
    rtcp.socket.send(
      buildRtcp([
        {
          kind: 'sender-report',
          ssrc: 0x1000,
          ntp: { seconds: 1, fraction: 0 },
          rtpTimestamp: 0,
          packetCount: 0,
          octetCount: 0,
          blocks: [],
        },
      ]),
      a + 1,
      '127.0.0.1',
    );
    await sleep(50);
    const meanwhile = await edge.report(portId('a'));
    const report = await edge.close(portId('a'));
    expect(meanwhile).toEqual(report);
    expect(await edge.report(portId('a'))).toBeUndefined();
    await sleep(50);
    rtcp.socket.close();
    expect(report).toMatchObject({ packetsReceived: 19, packetsSent: 19, packetsLost: 1 });
    const [sender, description, goodbye] = rtcp.heard;
    expect(sender).toMatchObject({
      kind: 'sender-report',
      ssrc: alice.heard[0]?.ssrc,
      packetCount: 19,
      octetCount: 19 * 160,
      blocks: [{ ssrc: 0x1000, packetsLost: 1, fractionLost: 12, lastReport: 0x10000 }],
    });
    expect(description).toMatchObject({ kind: 'source-description', cname: expect.stringMatching(/^[0-9a-f]{24}$/) });
    expect(goodbye).toEqual({ kind: 'goodbye', ssrcs: [alice.heard[0]?.ssrc] });
  });

  it('shares the RTP port when that is agreed, and a goodbye of the peer ends nothing (T24)', async () => {
    const { edge } = rig;
    const rtcp = await openRtcp(0);
    const a = await openLeg(edge, 'a', { remotePort: rtcp.port, rtcpMux: true });
    await openBuiltIn(edge, 'tone', 'tone', formatOf('PCMU'));
    await edge.bridge(portId('a'), portId('tone'));
    rtcp.socket.send(buildRtcp([{ kind: 'goodbye', ssrcs: [1] }]), a, '127.0.0.1');
    await sleep(3500);
    const before = await edge.counters();
    expect(before).toMatchObject({ rtcpPacketsReceived: 1, rtpPacketsRejected: 0 });
    expect(rtcp.heard.map(({ kind }) => kind)).toEqual(['sender-report', 'source-description']);
    await edge.close(portId('a'));
    await sleep(50);
    rtcp.socket.close();
  });
});
