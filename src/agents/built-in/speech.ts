/** The voice of the built-in agents: rendered prompts from the disk, other texts by espeak-ng, each of them once. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeG711 } from '../../audio/index.ts';
import type { Logger } from '../../kernel/index.ts';
import { renderByEspeak } from './espeak.ts';
import { PROMPTS, type PromptName } from './prompts.ts';

export interface Speech {
  /** Renders it now, for later. */
  prepare(text: string, otherwise: PromptName): void;
  /** The text at 8 kHz; where it cannot be spoken here, the prompt. Rejects when the prompts are not there. */
  say(text: string, otherwise: PromptName): Promise<Int16Array>;
}

/** Silence around words, so that neither end is cut by whoever is slow to hear or to speak, ms. */
const LEAD_MS = 100;
const RATE_HZ = 8000;
/** Texts are the operator's: there are few of them. */
const MAX_KEPT = 200;

export function createSpeech(logger: Logger, render: typeof renderByEspeak = renderByEspeak): Speech {
  const kept = new Map<string, Promise<Int16Array>>();
  const say = (text: string, otherwise: PromptName): Promise<Int16Array> => {
    const known = kept.get(text);
    if (known !== undefined) return known;
    const spoken = speak(text, otherwise, { logger, render });
    if (kept.size < MAX_KEPT) kept.set(text, spoken);
    return spoken;
  };
  return {
    say,
    prepare(text, otherwise) {
      say(text, otherwise).catch((error: unknown) => logger.error({ err: error }, 'prompt not there'));
    },
  };
}

interface Voice {
  readonly logger: Logger;
  readonly render: typeof renderByEspeak;
}

async function speak(text: string, otherwise: PromptName, { logger, render }: Voice): Promise<Int16Array> {
  const rendered = (Object.keys(PROMPTS) as PromptName[]).find((name) => PROMPTS[name] === text);
  if (rendered !== undefined) return promptFile(rendered);
  try {
    return padded(await render(text, RATE_HZ));
  } catch (error) {
    logger.warn(
      { err: error, prompt: otherwise },
      'espeak-ng does not speak here: a prompt is said instead of the text',
    );
    return promptFile(otherwise);
  }
}

async function promptFile(name: PromptName): Promise<Int16Array> {
  return padded(decodeG711('PCMU', await readFile(join(import.meta.dirname, 'prompts', `${name}.ulaw`))));
}

function padded(speech: Int16Array): Int16Array {
  const lead = (LEAD_MS * RATE_HZ) / 1000;
  const samples = new Int16Array(speech.length + 2 * lead);
  samples.set(speech, lead);
  return samples;
}
