/** What the callers of the bench say. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readWav, resample, writeWav } from '../../../src/audio/index.ts';
import { run } from './command.ts';
import { hasProgram } from './packages.ts';

const rateHz = 48_000;
const text = `The north wind and the sun were disputing which was the stronger, when a traveller came along wrapped in a
warm cloak. They agreed that the one who first succeeded in making the traveller take his cloak off should be considered
stronger than the other. Then the north wind blew as hard as he could, but the more he blew, the more closely did the
traveller fold his cloak around him; and at last the north wind gave up the attempt.`;

/** A WAV file of about 20 s of speech, 48 kHz, mono, as the load generator takes it. */
export async function speechFile(folder: string, log: (line: string) => void): Promise<string> {
  if (!(await hasProgram('espeak-ng', log))) throw new Error('speech needs espeak-ng');
  const [raw, file] = [path.join(folder, 'spoken.wav'), path.join(folder, 'speech.wav')];
  await run('espeak-ng', ['-v', 'en', '-w', raw, text]);
  const spoken = readWav(readFileSync(raw));
  const channel = resample(spoken.channels[0] ?? new Int16Array(), spoken.rateHz, rateHz);
  writeFileSync(file, writeWav({ rateHz, channels: [channel] }));
  return file;
}
