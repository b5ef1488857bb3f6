/** The real Clock and Random. Everything else gets them handed in. */
import type { Clock } from './clock.ts';
import type { Random } from './random.ts';

export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  after(ms, fire) {
    const handle = setTimeout(fire, ms);
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Random bytes are drawn many at a time: each draw is a system call. No byte is given out twice. */
const pool = Buffer.alloc(4096);
let used = pool.length;

function draw(bytes: number): number {
  if (used + bytes > pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  used += bytes;
  return used - bytes;
}

function hex(bytes: number): string {
  if (bytes > pool.length) throw new RangeError(`at most ${pool.length} bytes at once`);
  const from = draw(bytes);
  const text = pool.toString('hex', from, from + bytes);
  pool.fill(0, from, from + bytes);
  return text;
}

export const systemRandom: Random = {
  hex,
  uint32: () => Number.parseInt(hex(4), 16),
  // A copy: it comes as a chain of its pieces, many times its size.
  uuid: () => Buffer.from(crypto.randomUUID()).toString('latin1'),
};
