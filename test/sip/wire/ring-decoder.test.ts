/** drachtio-server's way of taking frames in: drachtio-protocol §10.1. */
import { describe, expect, test } from 'vitest';
import { RingDecoder } from '../../../src/sip/wire/ring-decoder.ts';

const frame = (bytes: number): Buffer => Buffer.from(`${bytes}#${'x'.repeat(bytes)}`);

describe('the receive buffer of strict mode', () => {
  test('takes messages up to its size, split anywhere', () => {
    const decoder = new RingDecoder();
    expect(decoder.push(frame(12_000)).payloads.map((one) => one.length)).toEqual([12_000]);
    const split = frame(100);
    expect(decoder.push(split.subarray(0, 2)).payloads).toEqual([]);
    expect(decoder.push(split.subarray(2)).payloads.map((one) => one.length)).toEqual([100]);
  });

  test('swallows a larger one, and everything after it', () => {
    const decoder = new RingDecoder();
    expect(decoder.push(frame(12_400))).toEqual({ payloads: [], failure: undefined });
    for (let turn = 0; turn < 20; turn++) expect(decoder.push(frame(50))).toEqual({ payloads: [], failure: undefined });
  });

  test('stands 60 messages of 3 kB at once and breaks over 60 of 4.5 kB', () => {
    const small = new RingDecoder().push(Buffer.concat(Array.from({ length: 60 }, () => frame(3_000))));
    expect([small.payloads.length, small.failure]).toEqual([60, undefined]);
    const large = new RingDecoder().push(Buffer.concat(Array.from({ length: 60 }, () => frame(4_500))));
    expect(large.failure).toBe('bad-length');
  });

  test('breaks over a length that is no number', () => {
    expect(new RingDecoder().push(Buffer.from('abc#')).failure).toBe('bad-length');
    expect(new RingDecoder().push(Buffer.from('123456')).failure).toBe('bad-length');
  });
});
