import { describe, expect, it } from 'vitest';
import { CodedError, catalogue, Emitter, Scope, systemRandom } from '../../src/kernel/index.ts';

describe('Scope', () => {
  it('undoes newest first, once, and at once when it is closed already', async () => {
    const order: number[] = [];
    const scope = new Scope();
    scope.add(() => void order.push(1));
    const forget = scope.add(() => void order.push(2));
    scope.add(() => Promise.resolve().then(() => void order.push(3)));
    forget();
    await scope.close();
    await scope.close();
    scope.add(() => void order.push(4));
    expect(order).toEqual([3, 1, 4]);
    expect(scope.size).toBe(0);
  });

  it('tries everything although something fails, and tells the failure', async () => {
    const scope = new Scope();
    let isUndone = false;
    scope.add(() => {
      isUndone = true;
    });
    scope.add(() => {
      throw new Error('first');
    });
    await expect(scope.close()).rejects.toThrow('first');
    expect(isUndone).toBe(true);
  });
});

describe('Emitter', () => {
  it('calls listeners until they leave, and counts them', () => {
    const emitter = new Emitter<{ ping: number }>();
    const seen: number[] = [];
    const leave = emitter.on('ping', (value) => seen.push(value));
    emitter.emit('ping', 1);
    leave();
    emitter.emit('ping', 2);
    expect(seen).toEqual([1]);
    expect(emitter.listenerCount).toBe(0);
  });
});

describe('catalogue', () => {
  const errors = catalogue({ NO_ROUTE: { sip: 404, retryable: false, text: 'No route from %s to %s' } });

  it('makes errors that carry code, verdict, sentence and cause', () => {
    const cause = new Error('why');
    const error = errors.NO_ROUTE(['a', 'b'], { cause });
    expect(error).toBeInstanceOf(CodedError);
    expect(error).toMatchObject({
      code: 'NO_ROUTE',
      sip: 404,
      retryable: false,
      message: 'No route from a to b',
      cause,
    });
  });

  it('keeps its entries for the documentation', () => {
    expect(Object.keys(errors.entries)).toEqual(['NO_ROUTE']);
  });
});

describe('systemRandom', () => {
  it('yields the shapes it promises, never twice the same', () => {
    expect(systemRandom.hex(8)).toMatch(/^[0-9a-f]{16}$/);
    expect(systemRandom.uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(new Set(Array.from({ length: 1000 }, () => systemRandom.uuid())).size).toBe(1000);
    expect(systemRandom.hex(8)).not.toBe(systemRandom.hex(8));
    expect(systemRandom.uint32()).toBeLessThan(2 ** 32);
  });
});
