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

const word = new Uint32Array(1);
export const systemRandom: Random = {
  hex(bytes) {
    const buffer = crypto.getRandomValues(new Uint8Array(bytes));
    let text = '';
    for (const byte of buffer) text += byte.toString(16).padStart(2, '0');
    return text;
  },
  uint32: () => crypto.getRandomValues(word)[0] ?? 0,
  uuid: () => crypto.randomUUID(),
};
