import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DIGIT_STEP_MS,
  DigitReader,
  DigitSender,
  EventRescaler,
  eventOf,
  readTelephoneEvent,
  type TelephoneEvent,
} from '../../src/rtp/index.ts';
import { eventPayload, rtpPacket, telephoneEvent } from './packets.ts';

const KEYS = Array.from('0123456789*#ABCD');

/** The packets of a sequence of keys, each 100 ms long and 100 ms after the one before, with their times. */
function pressed(digits: string, clockRate: number): { event: TelephoneEvent; nowMs: number }[] {
  return Array.from(digits).flatMap((digit, index) => {
    const sender = new DigitSender(digit, 100, clockRate);
    const startMs = 1000 + index * 200;
    const packets: { event: TelephoneEvent; nowMs: number }[] = [];
    for (let step = sender.next(); step; step = sender.next()) {
      const timestamp = ((startMs * clockRate) / 1000 + 0xffff_0000) >>> 0;
      packets.push({ event: { ...step, ssrc: 5, timestamp }, nowMs: startMs + packets.length * DIGIT_STEP_MS });
    }
    return packets;
  });
}

function read(packets: readonly { event: TelephoneEvent; nowMs: number }[], clockRate: number): string {
  const reader = new DigitReader();
  let heard = '';
  for (const { event, nowMs } of packets) {
    for (const { digit } of reader.take(event, clockRate, nowMs)) heard += digit;
  }
  return heard + (reader.expire(1e9)?.digit ?? '');
}

describe('telephone-event', () => {
  it('is read from the payload, and not from one cut short', () => {
    const payload = eventPayload(11, 0x1234, true);
    expect(readTelephoneEvent(rtpPacket({ ssrc: 3, timestamp: 9, payload }))).toEqual({
      ssrc: 3,
      timestamp: 9,
      event: 11,
      isEnd: true,
      volume: 10,
      duration: 0x1234,
    });
    expect(readTelephoneEvent(rtpPacket({ payload: payload.subarray(0, 3) }))).toBeUndefined();
  });

  it('knows 16 keys', () => {
    expect(KEYS.map(eventOf)).toEqual(KEYS.map((_, event) => event));
    expect([eventOf('a'), eventOf('x'), eventOf(''), eventOf('12')]).toEqual([12, undefined, undefined, undefined]);
  });
});

describe('sending a digit', () => {
  it('steps by 20 ms, marks the first and ends three times', () => {
    const steps = pressed('5', 8000).map(({ event }) => event);
    expect(steps.map(({ duration, isEnd }) => [duration, isEnd])).toEqual([
      [160, false],
      [320, false],
      [480, false],
      [640, false],
      [800, true],
      [800, true],
      [800, true],
    ]);
    expect(() => new DigitSender('x', 100, 8000)).toThrow(RangeError);
  });
});

describe('reading digits', () => {
  it('reports each key once, with its duration, at its end', () => {
    const reader = new DigitReader();
    const reports = pressed('1#', 48_000).map(({ event, nowMs }) => reader.take(event, 48_000, nowMs));
    expect(reports.flat()).toEqual([
      { digit: '1', durationMs: 100 },
      { digit: '#', durationMs: 100 },
    ]);
    expect(reports.findIndex((report) => report.length > 0)).toBe(4);
  });

  it('reports every key once under loss, repetition and lost ends, as long as one packet of each came', () => {
    const digits = fc.string({ unit: fc.constantFrom(...KEYS), minLength: 1, maxLength: 10 });
    const fates = fc.infiniteStream(fc.constantFrom(0, 0, 1, 1, 1, 2, 3));
    fc.assert(
      fc.property(digits, fates, (text, copies) => {
        const all = pressed(text, 8000);
        const survivors = all.flatMap((packet) => Array.from({ length: copies.next().value }, () => packet));
        const survived = Array.from(text).filter((_, i) =>
          survivors.some(({ nowMs }) => Math.floor((nowMs - 1000) / 200) === i),
        );
        expect(read(survivors, 8000)).toBe(survived.join(''));
      }),
    );
  });

  it('is not confused by packets that overtake each other', () => {
    const jitter = fc.array(fc.integer({ min: 0, max: 90 }), { minLength: 70, maxLength: 70 });
    fc.assert(
      fc.property(jitter, (delays) => {
        const packets = pressed('123*456#90', 8000).map(({ event, nowMs }, i) => ({
          event,
          nowMs: nowMs + (delays[i] ?? 0),
        }));
        expect(
          read(
            packets.toSorted((a, b) => a.nowMs - b.nowMs),
            8000,
          ),
        ).toBe('123*456#90');
      }),
    );
  });

  it('reports a key whose ends were lost when it is not heard of any more', () => {
    const reader = new DigitReader();
    reader.take(telephoneEvent({ event: 9, duration: 480 }), 8000, 0);
    expect(reader.expire(200)).toBeUndefined();
    expect(reader.expire(300)).toEqual({ digit: '9', durationMs: 60 });
    expect(reader.take(telephoneEvent({ event: 9, duration: 800, isEnd: true }), 8000, 310)).toEqual([]);
  });

  it('takes the segments of a long press for one (RFC 4733 §2.5.1.3)', () => {
    const reader = new DigitReader();
    const take = (timestamp: number, duration: number, isEnd = false) =>
      reader.take(telephoneEvent({ event: 1, timestamp, duration, isEnd }), 48_000, 0);
    expect([take(0, 0xffff), take(0xffff, 960), take(0xffff, 0xffff), take(2 * 0xffff, 960)].flat()).toEqual([]);
    expect(take(2 * 0xffff, 12_690, true)).toEqual([{ digit: '1', durationMs: 2995 }]);
    expect(take(2 * 0xffff, 12_690, true)).toEqual([]);
  });

  it('ignores events that are no keys', () => {
    expect(new DigitReader().take(telephoneEvent({ event: 36, isEnd: true }), 8000, 0)).toEqual([]);
  });
});

describe('rescaling', () => {
  const down = { fromHz: 48_000, toHz: 8000 };
  const up = { fromHz: 8000, toHz: 48_000 };

  it('scales the duration and keeps one timestamp for the whole event', () => {
    const rescaler = new EventRescaler();
    const first = rescaler.apply(telephoneEvent({ timestamp: 96_000, duration: 960 }), down, 4242);
    const last = rescaler.apply(telephoneEvent({ timestamp: 96_000, duration: 4800, isEnd: true }), down, 9999);
    const next = rescaler.apply(telephoneEvent({ timestamp: 105_600, duration: 960 }), down, 9999);
    expect([first, last, next]).toEqual([
      { timestamp: 4242, duration: 160 },
      { timestamp: 4242, duration: 800 },
      { timestamp: 9999, duration: 160 },
    ]);
  });

  it('joins segments on the way down', () => {
    const rescaler = new EventRescaler();
    rescaler.apply(telephoneEvent({ timestamp: 0, duration: 0xffff }), down, 7);
    expect(rescaler.apply(telephoneEvent({ timestamp: 0xffff, duration: 30_465 }), down, 8)).toEqual({
      timestamp: 7,
      duration: 16_000,
    });
  });

  it('makes segments on the way up', () => {
    const rescaler = new EventRescaler();
    expect(rescaler.apply(telephoneEvent({ duration: 10_000 }), up, 7)).toEqual({ timestamp: 7, duration: 60_000 });
    expect(rescaler.apply(telephoneEvent({ duration: 12_000 }), up, 8)).toEqual({
      timestamp: 7 + 0xffff,
      duration: 72_000 - 0xffff,
    });
  });
});
