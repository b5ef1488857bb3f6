/** Codes Opus in a thread of its own: a known signal there and back, then on and on until it is ended. */
import { parentPort, workerData } from 'node:worker_threads';
import { createDecoder, createEncoder, ToneGenerator, useOpus } from '../../src/audio/index.ts';
import { loadOpus, type OpusChoice } from '../../src/media/edge/opus-choice.ts';

const { opus } = workerData as { opus: OpusChoice };
useOpus(loadOpus(opus));

const rateHz = 8000;

async function run(frames: number): Promise<number> {
  const [encoder, decoder] = await Promise.all([createEncoder('opus', { rateHz }), createDecoder('opus', { rateHz })]);
  const tone = new ToneGenerator(440, rateHz, -12);
  let sum = 0;
  for (let i = 0; i < frames; i++) {
    for (const sample of decoder.decode(encoder.encode(tone.next(160)))) sum = (sum * 31 + sample) | 0;
  }
  return sum;
}

parentPort?.postMessage(await run(500), []);
// Codecs that are left open are for the end of the thread to free.
while ((workerData as { goesOn: boolean }).goesOn) await run(50);
