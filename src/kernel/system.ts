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

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
/** Random bytes are drawn many at a time: each draw is a system call. No byte is given out twice. */
const pool = new Uint8Array(4096);
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
  let text = '';
  for (let i = from; i < from + bytes; i++) text += HEX[pool[i] ?? 0];
  pool.fill(0, from, from + bytes);
  return text;
}

export const systemRandom: Random = {
  hex,
  uint32: () => Number.parseInt(hex(4), 16),
  uuid: () => crypto.randomUUID(),
};
