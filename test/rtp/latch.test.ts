import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createLatch,
  type KnownStream,
  type Latch,
  moveLatch,
  QUORUM,
  SILENCE_MS,
  stepLatch,
} from '../../src/rtp/index.ts';
import { GRACE_MS } from '../../src/rtp/latch.ts';

const sdp = { address: '192.0.2.1', port: 4000 };
const peer: KnownStream = { address: '198.51.100.7', port: 5000, ssrc: 11 };
const thief: KnownStream = { address: '203.0.113.9', port: 6000, ssrc: 66 };

/** A latch with the memory that the port keeps for it. */
class Rig {
  latch: Latch;
  #heardMs = 0;
  #heardSsrc = -1;
  constructor(policy: Latch['policy'], refused?: KnownStream, signaling?: string) {
    this.latch = createLatch({ policy, remote: sdp, signaling, refused, nowMs: 0 });
  }
  hear(stream: KnownStream, sequence: number, nowMs: number): boolean {
    const { next, verdict } = stepLatch(this.latch, {
      ...stream,
      sequence: sequence & 0xffff,
      nowMs,
      heardMs: this.#heardMs,
      heardSsrc: this.#heardSsrc,
    });
    this.latch = next;
    if (verdict === 'believed') {
      this.#heardMs = nowMs;
      this.#heardSsrc = stream.ssrc;
    }
    return verdict === 'believed';
  }
  /** `count` coherent packets, 20 ms apart; how many were believed. */
  stream(stream: KnownStream, from: { sequence: number; nowMs: number; count: number }): number {
    let believed = 0;
    for (let i = 0; i < from.count; i++) if (this.hear(stream, from.sequence + i, from.nowMs + 20 * i)) believed++;
    return believed;
  }
}

const fromSdp: KnownStream = { ...sdp, ssrc: 1 };

describe('T18: latching', () => {
  it('believes the address of the SDP at once', () => {
    expect(new Rig('sdp').hear(fromSdp, 5, 0)).toBe(true);
    expect(new Rig('latch').hear(fromSdp, 5, 0)).toBe(true);
  });

  it('never believes anybody else under policy sdp', () => {
    expect(new Rig('sdp').stream(peer, { sequence: 0, nowMs: 0, count: 500 })).toBe(0);
  });

  it('believes a stranger from the last packet of a quorum on', () => {
    const rig = new Rig('latch');
    expect(rig.stream(peer, { sequence: 65_533, nowMs: 0, count: QUORUM + 3 })).toBe(4);
    expect(rig.latch.believed).toEqual({ address: peer.address, port: peer.port });
  });

  it.each([
    ['gaps', (i: number) => ({ ...peer, sequence: i * 2, nowMs: i * 20 })],
    ['repetition', (i: number) => ({ ...peer, sequence: 7, nowMs: i * 20 })],
    ['changing SSRCs', (i: number) => ({ ...peer, ssrc: i, sequence: i, nowMs: i * 20 })],
    ['changing ports', (i: number) => ({ ...peer, port: 5000 + (i % 3), sequence: i, nowMs: i * 20 })],
    ['slowness', (i: number) => ({ ...peer, sequence: i, nowMs: i * 200 })],
  ])('takes %s for incoherent', (_name, packet) => {
    const rig = new Rig('latch');
    for (let i = 0; i < 100; i++) {
      const { sequence, nowMs, ...stream } = packet(i);
      expect(rig.hear(stream, sequence, nowMs)).toBe(false);
    }
  });

  it('lets a peer behind NAT through the noise of a sprayer', () => {
    const rig = new Rig('latch');
    let believed = 0;
    for (let i = 0; i < 20; i++) {
      for (let noise = 0; noise < 10; noise++)
        rig.hear({ ...thief, port: 7000 + i * 10 + noise }, noise, i * 20 + noise);
      if (rig.hear(peer, i, i * 20 + 15)) believed++;
    }
    expect(believed).toBe(20 - QUORUM + 1);
  });

  it('is never stolen while packets keep coming from the believed source', () => {
    const packet = fc.record({
      port: fc.integer({ min: 6000, max: 6003 }),
      ssrc: fc.constantFrom(peer.ssrc, thief.ssrc),
      sequence: fc.integer({ min: 0, max: 300 }),
      run: fc.integer({ min: 1, max: 30 }),
      gapMs: fc.integer({ min: 0, max: SILENCE_MS - 1 }),
    });
    fc.assert(
      fc.property(fc.constantFrom(fromSdp, peer), fc.array(packet, { maxLength: 30 }), (rightful, attacks) => {
        const rig = new Rig('latch');
        let nowMs = 0;
        let sequence = 0;
        for (let i = 0; i < QUORUM; i++) rig.hear(rightful, sequence++, (nowMs += 20));
        for (const attack of attacks) {
          for (let i = 0; i < attack.run; i++) {
            const stream = { address: thief.address, port: attack.port, ssrc: attack.ssrc };
            expect(rig.hear(stream, attack.sequence + i, nowMs + attack.gapMs)).toBe(false);
          }
          nowMs += attack.gapMs;
          expect(rig.hear(rightful, sequence++, nowMs)).toBe(true);
        }
      }),
    );
  });

  it('follows the very stream to a new port after a silence, and no other', () => {
    const rig = new Rig('latch');
    rig.stream(peer, { sequence: 0, nowMs: 0, count: 10 });
    const later = 200 + SILENCE_MS;
    expect(rig.stream(thief, { sequence: 0, nowMs: later, count: 50 })).toBe(0);
    expect(rig.stream({ ...peer, port: 5555 }, { sequence: 60, nowMs: later + 1000, count: 10 })).toBe(10 - QUORUM + 1);
  });

  it('lets the address of the SDP win back from a stranger who was first', () => {
    const rig = new Rig('latch');
    rig.stream(thief, { sequence: 0, nowMs: 0, count: 20 });
    expect(rig.hear(fromSdp, 1, 410)).toBe(false);
    expect(rig.stream(fromSdp, { sequence: 2, nowMs: 420, count: 10 })).toBeGreaterThan(0);
    expect(rig.hear(thief, 20, 640)).toBe(false);
  });

  it('keeps who was proven through a re-INVITE with the same address, and starts over with another', () => {
    const rig = new Rig('latch');
    rig.stream(peer, { sequence: 0, nowMs: 0, count: 10 });
    const moved = (remote: typeof sdp): Latch['believed'] =>
      moveLatch(rig.latch, { policy: 'latch', remote, signaling: undefined, nowMs: 500 }).believed;
    expect(moved(sdp)).toEqual({ address: peer.address, port: peer.port });
    expect(moved({ ...sdp, port: 4002 })).toBeUndefined();
    expect(moved(peer)).toEqual({ address: peer.address, port: peer.port });
  });

  it('considers no other address than that of the SDP where the signaling comes from there too', () => {
    const rig = new Rig('latch', undefined, sdp.address);
    expect(rig.stream(thief, { sequence: 0, nowMs: 0, count: 500 })).toBe(0);
    // Another port of the same host is how a NAT that keeps the address shows.
    expect(rig.stream({ ...thief, address: sdp.address }, { sequence: 0, nowMs: 10_000, count: 10 })).toBe(6);
  });

  it('considers the address of the signaling at once, and others when both have been silent', () => {
    const early = new Rig('latch', undefined, peer.address);
    expect(early.stream(thief, { sequence: 0, nowMs: 0, count: 20 })).toBe(0);
    expect(early.stream(peer, { sequence: 0, nowMs: 400, count: 10 })).toBe(10 - QUORUM + 1);
    expect(early.stream(thief, { sequence: 20, nowMs: GRACE_MS + 1, count: 20 })).toBe(0);
    const late = new Rig('latch', undefined, peer.address);
    expect(late.stream(thief, { sequence: 0, nowMs: GRACE_MS, count: 10 })).toBe(10 - QUORUM + 1);
  });

  it('T23: refuses the stream that the call before left behind', () => {
    const rig = new Rig('latch', peer);
    expect(rig.stream(peer, { sequence: 0, nowMs: 0, count: 100 })).toBe(0);
    expect(rig.stream({ ...peer, ssrc: 12 }, { sequence: 0, nowMs: 3000, count: 10 })).toBeGreaterThan(0);
  });
});
