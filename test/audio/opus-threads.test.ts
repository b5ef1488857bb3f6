import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { loadOpus } from '../../src/media/edge/opus-choice.ts';

const script = new URL('../support/opus-thread.ts', import.meta.url);

/** A thread that codes, and what came out of its first second. */
async function startThread(goesOn: boolean): Promise<{ worker: Worker; sum: number; ended: Promise<unknown[]> }> {
  const worker = new Worker(script, { workerData: { opus: 'native', goesOn } });
  const ended = once(worker, 'exit');
  const [sum] = (await once(worker, 'message')) as [number];
  return { worker, sum, ended };
}

describe.skipIf(loadOpus('auto').name !== 'native')('native Opus in threads', () => {
  it('codes the same in each of them at once, and lets them end by themselves', async () => {
    const threads = await Promise.all(Array.from({ length: 4 }, () => startThread(false)));
    expect(new Set(threads.map(({ sum }) => sum)).size).toBe(1);
    expect((await Promise.all(threads.map(({ ended }) => ended))).flat()).toEqual([0, 0, 0, 0]);
  });

  it('goes on in the others when one is ended in the midst of it', async () => {
    const threads = await Promise.all(Array.from({ length: 3 }, () => startThread(true)));
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
    const { sum, ended } = await startThread(false);
    expect(sum).toBe(threads[0]?.sum);
    expect(await ended).toEqual([0]);
  });
});
