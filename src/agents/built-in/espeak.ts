/** Speech by espeak-ng, where it is installed: a child process that gets the text on its input, and little time. */
import { execFile } from 'node:child_process';
import { readWav, resample } from '../../audio/index.ts';

const PROGRAM = 'espeak-ng';
const TIMEOUT_MS = 10_000;
/** 22,050 Hz, 16 bits: three minutes. */
const MAX_BYTES = 8_000_000;
const MAX_TEXT = 2000;
/** A voice that everybody understands, somewhat slower than it talks by itself. */
const VOICE = ['-v', 'en-us', '-s', '150', '-a', '110', '--stdin', '--stdout'];

/** Rejects when the program is not there, takes too long or says too much. */
export async function renderByEspeak(text: string, rateHz: number): Promise<Int16Array> {
  const wav = await new Promise<Buffer>((resolve, reject) => {
    const options = { encoding: 'buffer', timeout: TIMEOUT_MS, maxBuffer: MAX_BYTES, killSignal: 'SIGKILL' } as const;
    const child = execFile(PROGRAM, VOICE, options, (error, stdout) =>
      error === null ? resolve(stdout) : reject(error),
    );
    // Where the program is missing its input breaks as well, and the callback above tells why.
    child.stdin?.on('error', () => {});
    child.stdin?.end(text.slice(0, MAX_TEXT));
  });
  const { channels, rateHz: renderedHz } = readWav(wav);
  return resample(channels[0] ?? new Int16Array(0), renderedHz, rateHz);
}
