/** What the built-in agents say, as it is heard. */
import { readFileSync } from 'node:fs';
import type { PromptName } from '../../src/agents/built-in/prompts.ts';
import { decodeG711, encodeG711 } from '../../src/audio/index.ts';

const SILENCE = 0xff;

/** In µ-law at 8 kHz. */
export function prompt(name: PromptName): Buffer {
  const file = readFileSync(new URL(`../../src/agents/built-in/prompts/${name}.ulaw`, import.meta.url));
  // µ-law has two zeros; what was decoded once has one.
  return Buffer.from(encodeG711('PCMU', decodeG711('PCMU', file)));
}

/** Bytes without the silence around them. */
export function words(bytes: Buffer): Buffer {
  const isSound = (byte: number): boolean => byte !== SILENCE;
  const from = bytes.findIndex(isSound);
  return bytes.subarray(from, bytes.findLastIndex(isSound) + 1);
}

/** Whether the words are somewhere in it; their last 100 ms may be cut. */
export function holds(heard: Buffer, said: Buffer): boolean {
  const whole = words(said);
  return heard.includes(whole.subarray(0, whole.length - 800));
}
