import { describe, expect, it } from 'vitest';
import { ParameterSets, Splice, sequenceOf, timestampOf } from '../../src/rtp/index.ts';
import { rtpPacket } from './packets.ts';

const SPS = Buffer.from([0x67, 0x42, 0xe0, 0x1f, 1]);
const PPS = Buffer.from([0x68, 0xce, 1]);
const OTHER_PPS = Buffer.from([0x68, 0xce, 2]);
const IDR = Buffer.from([0x65, 1, 2]);
const SLICE = Buffer.from([0x41, 1, 2]);
const FU_START = Buffer.from([0x7c, 0x85, 1]);
const FU_MORE = Buffer.from([0x7c, 0x05, 1]);
const stapA = (...units: readonly Buffer[]): Buffer =>
  Buffer.concat([Buffer.from([0x78]), ...units.flatMap((unit) => [Buffer.from([0, unit.length]), unit])]);

let sequence = 0;
const packet = (payload: Buffer, timestamp = 0): Buffer =>
  rtpPacket({ ssrc: 1, sequence: sequence++, timestamp, payloadType: 97, marker: false, payload });

describe('parameter sets', () => {
  it.each([
    ['in packets of their own', [SPS, PPS]],
    ['aggregated', [stapA(SPS, PPS)]],
  ])('that came once, %s, are wanted again before each complete picture without them', (_, first) => {
    const sets = new ParameterSets([]);
    for (const payload of [...first, IDR]) expect(sets.take(packet(payload, 1))).toEqual([]);
    expect(sets.take(packet(SLICE, 2))).toEqual([]);
    expect(sets.take(packet(IDR, 3))).toEqual([SPS, PPS]);
    // A picture of several slices, and one in fragments.
    expect(sets.take(packet(IDR, 3))).toEqual([]);
    expect(sets.take(packet(FU_START, 4))).toEqual([SPS, PPS]);
    expect(sets.take(packet(FU_MORE, 4))).toEqual([]);
    expect(sets.take(packet(stapA(Buffer.from([0x09, 0xf0]), IDR), 5))).toEqual([SPS, PPS]);
  });

  it('of the SDP are wanted from the first picture on, until others come', () => {
    const sets = new ParameterSets([SPS, PPS]);
    expect(sets.take(packet(IDR, 1))).toEqual([SPS, PPS]);
    expect(sets.take(packet(stapA(SPS, OTHER_PPS, IDR), 2))).toEqual([]);
    expect(sets.take(packet(IDR, 3))).toEqual([SPS, OTHER_PPS]);
  });

  it('are not made up: nothing is wanted while one of the two is not known', () => {
    const sets = new ParameterSets([PPS]);
    expect(sets.take(packet(IDR, 1))).toEqual([]);
  });

  it('are not read out of rubbish', () => {
    const sets = new ParameterSets([Buffer.alloc(0), Buffer.from([0x67]), Buffer.alloc(5000, 0x67)]);
    for (const payload of [
      Buffer.alloc(0),
      Buffer.from([0x78]),
      Buffer.from([0x78, 0, 9, 0x67]),
      Buffer.from([0x78, 0, 0, 0x65, 1]),
      Buffer.from([0x7c]),
    ])
      expect(sets.take(packet(payload, 1))).toEqual([]);
    expect(sets.take(packet(IDR, 2))).toEqual([]);
  });
});

describe('packets put before another one', () => {
  it('get its number and the next, and everything after moves up', () => {
    const splice = new Splice({ ssrc: 9, sequence: 100, timestamp: 5000 });
    const [first, key, late, after] = [packet(SLICE, 10), packet(IDR, 20), packet(SLICE, 20), packet(SLICE, 30)];
    for (const each of [first, key]) splice.applyVideo(each, 0);
    const numbers = [0, 0];
    expect(splice.precede(key, numbers, 0)).toBe(true);
    expect([...numbers, sequenceOf(key)]).toEqual([101, 102, 103]);
    const before = timestampOf(key);
    for (const each of [late, after]) splice.applyVideo(each, 0);
    expect([late, after].map(sequenceOf)).toEqual([104, 105]);
    expect(timestampOf(late)).toBe(before);
    // Something has been sent after it: it stays where it is.
    expect(splice.precede(key, numbers, 0)).toBe(false);
    expect(sequenceOf(key)).toBe(103);
  });
});
