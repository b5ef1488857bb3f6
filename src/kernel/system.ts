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

const DIGITS = new TextEncoder().encode('0123456789abcdef');
const DASH = 45;
const decoder = new TextDecoder();
/** Text put together by pieces would keep each of them, many times its own size: it is spelled here and copied out. */
const slate = new Uint8Array(2 * pool.length);

/** Spells `count` bytes of the pool onto the slate; returns where they end there. */
function spell(from: number, count: number, at: number): number {
  let end = at;
  for (let i = from; i < from + count; i++) {
    const byte = pool[i] ?? 0;
    slate[end++] = DIGITS[byte >> 4] ?? 0;
    slate[end++] = DIGITS[byte & 15] ?? 0;
  }
  pool.fill(0, from, from + count);
  return end;
}

function hex(bytes: number): string {
  if (bytes > pool.length) throw new RangeError(`at most ${pool.length} bytes at once`);
  return decoder.decode(slate.subarray(0, spell(draw(bytes), bytes, 0)));
}

const UUID_GROUPS = [4, 2, 2, 2, 6];

function uuid(): string {
  let from = draw(16);
  pool[from + 6] = ((pool[from + 6] ?? 0) & 0x0f) | 0x40;
  pool[from + 8] = ((pool[from + 8] ?? 0) & 0x3f) | 0x80;
  let end = 0;
  for (const count of UUID_GROUPS) {
    if (end > 0) slate[end++] = DASH;
    end = spell(from, count, end);
    from += count;
  }
  return decoder.decode(slate.subarray(0, end));
}

export const systemRandom: Random = {
  hex,
  uint32: () => Number.parseInt(hex(4), 16),
  uuid,
};
