/** A minute of speech in bursts, many times over, against a clock of 20 ms that is not on time itself. */
import { describe, expect, it } from 'vitest';
import { PlayoutQueue } from '../../src/audio/index.ts';
import { bursts } from '../support/bursts.ts';
import { seededRandom } from '../support/seeded-random.ts';

const FRAME_MS = 20;
const PREBUFFER_MS = 40;
const TOTAL_MS = 60_000;

interface Played {
  readonly atMs: number;
  readonly frame: number;
}

function replay(seed: number): { played: readonly Played[]; late: readonly number[]; starts: number } {
  const random = seededRandom(seed);
  const plan = [...bursts(TOTAL_MS, random)];
  let starts = 0;
  const queue = new PlayoutQueue(
    {
      bytesPerMs: 8,
      frameMs: FRAME_MS,
      silence: 0xff,
      prebufferMs: PREBUFFER_MS,
      maxMs: 600_000,
      fadeOut: () => {},
      isQuiet: () => true,
    },
    ({ kind }) => {
      if (kind === 'started') starts++;
    },
  );
  const played: Played[] = [];
  const buffer = new Uint8Array(160);
  const view = new DataView(buffer.buffer);
  let sent = 0;
  /** Until when what has been delivered lasts, had each burst been heard as soon as it was there. */
  let idealEndMs = 0;
  const late: number[] = [];
  for (let tickMs = 0; played.length < TOTAL_MS / FRAME_MS && tickMs < 3 * TOTAL_MS; tickMs += FRAME_MS) {
    while (plan[0] !== undefined && plan[0].atMs <= tickMs) {
      const { atMs, lengthMs } = plan.shift() ?? { atMs: 0, lengthMs: 0 };
      idealEndMs = Math.max(idealEndMs, atMs) + lengthMs;
      const bytes = new Uint8Array(lengthMs * 8);
      for (let at = 0; at < bytes.length; at += 160) new DataView(bytes.buffer).setUint32(at, sent++);
      queue.push(bytes, 'one', atMs);
    }
    if (!queue.take(buffer, tickMs)) continue;
    played.push({ atMs: tickMs, frame: view.getUint32(0) });
    // What is left to play must not last longer than it would have to.
    late.push(tickMs + FRAME_MS + queue.depthMs - idealEndMs);
  }
  return { played, late, starts };
}

describe('bursty speech', () => {
  it('is played whole and in order, as one utterance, never more than 40 ms (and one tick) later than it could be', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const { played, late, starts } = replay(seed);
      expect(played.map(({ frame }) => frame)).toEqual(Array.from({ length: TOTAL_MS / FRAME_MS }, (_, i) => i));
      expect(starts).toBe(1);
      expect(Math.max(...late)).toBeLessThanOrEqual(PREBUFFER_MS + FRAME_MS);
    }
  });

  it('has no pause but where the agent has delivered nothing', () => {
    for (let seed = 51; seed <= 100; seed++) {
      const plan = bursts(TOTAL_MS, seededRandom(seed));
      const stalls = plan.filter(({ atMs }, i) => i > 0 && atMs > endOf(plan.slice(0, i))).length;
      const { played } = replay(seed);
      const pauses = played.filter(({ atMs }, i) => i > 0 && atMs - (played[i - 1]?.atMs ?? 0) > FRAME_MS).length;
      expect(pauses).toBeLessThanOrEqual(stalls);
    }
  });
});

function endOf(plan: ReturnType<typeof bursts>): number {
  return plan.reduce((end, { atMs, lengthMs }) => Math.max(end, atMs) + lengthMs, 0);
}
