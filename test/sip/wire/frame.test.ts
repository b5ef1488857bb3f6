import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeFrame, FrameDecoder } from '../../../src/sip/wire/frame.ts';

const LIMIT = 256 * 1024;
const nonEmpty = fc.string({ unit: 'binary', minLength: 1, maxLength: 200 });

/** Cuts `data` at the given places. */
function cut(data: Buffer, places: readonly number[]): Buffer[] {
  const edges = [0, ...places.map((place) => place % (data.length + 1)), data.length].toSorted((a, b) => a - b);
  return edges.slice(1).map((edge, index) => data.subarray(edges[index], edge));
}

function decode(chunks: readonly Buffer[], limit = LIMIT): { payloads: string[]; failure: string | undefined } {
  const decoder = new FrameDecoder(limit);
  const payloads: string[] = [];
  let failure: string | undefined;
  for (const chunk of chunks) {
    const result = decoder.push(chunk);
    payloads.push(...result.payloads.map((payload) => payload.toString()));
    failure = result.failure;
  }
  return { payloads, failure };
}

describe('wire frames', () => {
  test('counts bytes, not characters', () => {
    expect(encodeFrame('id|x', Buffer.from('héllo')).toString()).toBe('12#id|x\r\nhéllo');
    expect(encodeFrame('ü|ping', undefined).toString()).toBe('7#ü|ping');
  });

  test('any sequence of frames survives any segmentation, inside digits and characters too', () => {
    fc.assert(
      fc.property(
        fc.array(nonEmpty, { minLength: 1, maxLength: 8 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (texts, places) => {
          const stream = Buffer.concat(texts.map((text) => encodeFrame(text, undefined)));
          expect(decode(cut(stream, places))).toEqual({ payloads: texts, failure: undefined });
        },
      ),
    );
  });

  test('one byte at a time', () => {
    const stream = Buffer.concat([encodeFrame('a|b', Buffer.from('c'.repeat(300))), encodeFrame('d', undefined)]);
    expect(decode([...stream].map((byte) => Buffer.from([byte]))).payloads).toEqual([`a|b\r\n${'c'.repeat(300)}`, 'd']);
  });

  test('an incomplete frame yields nothing', () => {
    expect(decode([Buffer.from('12#hello')])).toEqual({ payloads: [], failure: undefined });
  });

  test.each(['x#hello', '#hello', '1a#h', ' 5#hello', '-5#hello', '0#', '0000000005#hello', '5hello'])(
    'refuses the length of %j',
    (text) => {
      expect(decode([Buffer.from(text)])).toEqual({ payloads: [], failure: 'bad-length' });
    },
  );

  test('refuses a payload over the limit before it arrives, and yields nothing after', () => {
    const decoder = new FrameDecoder(LIMIT);
    expect(decoder.push(Buffer.from(`4#pingX`)).payloads.map(String)).toEqual(['ping']);
    expect(decode([Buffer.from(`3#abc${LIMIT + 1}`), Buffer.from('#4#ping')])).toEqual({
      payloads: ['abc'],
      failure: 'too-long',
    });
    expect(decode([encodeFrame('x'.repeat(LIMIT), undefined)]).payloads).toHaveLength(1);
  });

  test('no input makes it throw', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 10 }), (chunks) => {
        const { payloads } = decode(
          chunks.map((chunk) => Buffer.from(chunk)),
          100,
        );
        expect(payloads.every((payload) => payload.length <= 100)).toBe(true);
      }),
    );
  });
});
