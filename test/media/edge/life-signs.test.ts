/** A port with real sockets, in time that passes when the test says so. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PortId } from '../../../src/kernel/index.ts';
import { EdgeThread } from '../../../src/media/edge/edge-thread.ts';
import type { EdgeThreadEvent } from '../../../src/media/edge/messages.ts';
import { silenceOf } from '../../../src/media/edge/silence.ts';
import { buildRtcp } from '../../../src/rtp/index.ts';
import type { Direction } from '../../../src/sdp/index.ts';
import { RtpPeer } from '../../support/rtp-peer.ts';
import { until } from '../../support/until.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const SEC = 1000;
const MINUTE = 60 * SEC;
const sip = 'sip' as PortId;
const rtpPort = 31_400;
const pcmu = {
  codec: { name: 'PCMU', payloadType: 0, clockRate: 8000, channels: 1, fmtp: '' },
  telephoneEvents: [],
  ptimeMs: 20,
} as const;
const report = buildRtcp([
  { kind: 'receiver-report', ssrc: 0x1000, blocks: [] },
  { kind: 'source-description', ssrc: 0x1000, cname: 'phone' },
]);

let clock: VirtualClock;
let thread: EdgeThread;
let peer: RtpPeer;
let rtcp: Socket;
let events: EdgeThreadEvent[];

beforeEach(async () => {
  clock = new VirtualClock();
  events = [];
  thread = new EdgeThread({ clock, music: 'none', emit: (event) => events.push(event) });
  peer = await RtpPeer.open();
  rtcp = createSocket('udp4');
  rtcp.bind(0, '127.0.0.1');
  await once(rtcp, 'listening');
  const start = { ssrc: 7, sequence: 1, timestamp: 1 };
  const opening = { portId: sip, address: '127.0.0.1', rtpPort, start, cname: 'us' };
  await thread.perform({ op: 'open-port', ...opening, refused: undefined, stableMs: undefined });
  await connect('sendrecv');
});

afterEach(async () => {
  await thread.perform({ op: 'stop' });
  expect(clock.timerCount).toBe(0);
  await peer.close();
  rtcp.close();
});

async function connect(direction: Direction): Promise<void> {
  await thread.perform({
    op: 'connect-port',
    portId: sip,
    remote: { address: '127.0.0.1', rtpPort: peer.port, rtcpPort: rtcp.address().port },
    rtcpMux: false,
    sourcePolicy: 'sdp',
    signalingAddress: undefined,
    format: pcmu,
    direction,
    srtp: undefined,
    mediaTimeout: { talkingMs: MINUTE, restingMs: 60 * MINUTE },
  });
}

async function received(counter: 'rtpPacketsReceived' | 'rtcpPacketsReceived', send: () => void): Promise<void> {
  const count = async (): Promise<number> => {
    const totals = await thread.perform({ op: 'counters' });
    return (totals as Readonly<Record<typeof counter, number>>)[counter];
  };
  const before = await count();
  send();
  await until(async () => (await count()) > before, { within: 2000, what: counter });
}

const speak = (payloadType = 0): Promise<void> =>
  received('rtpPacketsReceived', () =>
    peer.send(Buffer.alloc(160, 0xff), { port: rtpPort, payloadType, ssrc: 0x1000, step: 160 }),
  );
const tell = (): Promise<void> => received('rtcpPacketsReceived', () => rtcp.send(report, rtpPort + 1, '127.0.0.1'));
const timeouts = (): readonly EdgeThreadEvent[] => events.filter(({ kind }) => kind === 'media-timeout');

describe('a port towards a SIP peer', () => {
  it('keeps a muted room for ten minutes, and sends silence to it; then nothing comes any more, and it is dead', async () => {
    await speak();
    for (let elapsed = 0; elapsed < 10 * MINUTE; elapsed += 10 * SEC) {
      clock.advance(10 * SEC);
      await tell();
    }
    expect(timeouts()).toEqual([]);
    await until(() => peer.heard.length >= 38, { within: 2000, what: 'silence at the phone' });
    expect(peer.heard.length).toBeLessThanOrEqual(40);
    for (const [index, { payload, sequence, timestamp }] of peer.heard.entries()) {
      const last = peer.heard[index - 1];
      expect(payload).toEqual(silenceOf('PCMU'));
      if (last === undefined) continue;
      expect(sequence).toBe(last.sequence + 1);
      expect(timestamp).toBeGreaterThan(last.timestamp);
    }
    clock.advance(59 * SEC);
    expect(timeouts()).toEqual([]);
    clock.advance(2 * SEC);
    expect(timeouts()).toEqual([{ kind: 'media-timeout', portId: sip, silentMs: MINUTE, wasHeard: true }]);
  });

  it('sends nothing and expects nothing on hold, and both again after it', async () => {
    await speak();
    await connect('inactive');
    clock.advance(50 * MINUTE);
    await sleep(20);
    expect(peer.heard).toHaveLength(0);
    await connect('sendrecv');
    clock.advance(44 * SEC);
    await until(() => peer.heard.length === 3, { within: 2000, what: 'silence at the phone' });
    expect(timeouts()).toEqual([]);
    clock.advance(17 * SEC);
    expect(timeouts()).toHaveLength(1);
  });

  it('takes a payload type that nobody agreed on for life, but not what a stranger sends', async () => {
    await speak();
    clock.advance(59 * SEC);
    await speak(99);
    clock.advance(59 * SEC);
    expect(timeouts()).toEqual([]);
    const stranger = await RtpPeer.open();
    const target = { port: rtpPort, payloadType: 0, ssrc: 0x1000, step: 160 };
    await received('rtpPacketsReceived', () => stranger.send(Buffer.alloc(160), target));
    await stranger.close();
    clock.advance(2 * SEC);
    expect(timeouts()).toHaveLength(1);
  });

  it('tells apart who was never heard', () => {
    clock.advance(61 * SEC);
    expect(timeouts()).toEqual([{ kind: 'media-timeout', portId: sip, silentMs: MINUTE, wasHeard: false }]);
  });
});
