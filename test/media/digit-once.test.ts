import { describe, expect, it } from 'vitest';
import type { PortId } from '../../src/kernel/index.ts';
import { DigitOnce } from '../../src/media/digit-once.ts';

const [phone, browser] = ['phone' as PortId, 'browser' as PortId];

describe('a key that two may have seen', () => {
  it('is told once, however its end is repeated', () => {
    const once = new DigitOnce();
    expect(once.isNew(phone, { digit: '5', durationMs: 80 }, 1000)).toBe(true);
    expect(once.isNew(phone, { digit: '5', durationMs: 80 }, 1020)).toBe(false);
    expect(once.isNew(phone, { digit: '5', durationMs: 80 }, 1040)).toBe(false);
  });

  it('is told again when it can have been pressed again, or is another one', () => {
    const once = new DigitOnce();
    expect(once.isNew(phone, { digit: '5', durationMs: 80 }, 1000)).toBe(true);
    expect(once.isNew(phone, { digit: '5', durationMs: 80 }, 1080)).toBe(true);
    expect(once.isNew(phone, { digit: '6', durationMs: 80 }, 1090)).toBe(true);
    expect(once.isNew(phone, { digit: '6', durationMs: 100 }, 1095)).toBe(true);
  });

  it('is another one on another port, and after the port is closed', () => {
    const once = new DigitOnce();
    expect(once.isNew(phone, { digit: '5', durationMs: 80 }, 1000)).toBe(true);
    expect(once.isNew(browser, { digit: '5', durationMs: 80 }, 1000)).toBe(true);
    once.forget(phone);
    expect(once.isNew(phone, { digit: '5', durationMs: 80 }, 1000)).toBe(true);
  });
});
