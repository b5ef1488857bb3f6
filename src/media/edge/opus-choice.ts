/** Which libopus the edge threads code with: the native addon that the set-up built, or the WebAssembly one. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { nativeOpus, type OpusBinding, wasmOpus } from '../../audio/index.ts';
import type { Logger } from '../../kernel/index.ts';
import { edgeErrors } from './errors.ts';

/** `auto`: native where it was built. */
export type OpusChoice = 'auto' | 'native' | 'wasm';

/** Where scripts/opus.mjs leaves it. */
const ADDON = join(import.meta.dirname, '../../../.viaduct/opus.node');

/** The binding of a choice. Throws MEDIA_NO_NATIVE_OPUS when it must be the native one, and that cannot be loaded. */
export function loadOpus(choice: OpusChoice, addon = ADDON): OpusBinding {
  if (choice === 'wasm') return wasmOpus;
  try {
    return nativeOpus(createRequire(import.meta.url)(addon));
  } catch (cause) {
    if (choice === 'auto') return wasmOpus;
    const [reason = 'no reason given'] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
    throw edgeErrors.MEDIA_NO_NATIVE_OPUS([reason], { cause });
  }
}

/** What the threads are to use, told in the log: they cannot choose otherwise than this thread can. */
export async function chooseOpus(choice: OpusChoice, logger: Logger): Promise<'native' | 'wasm'> {
  const binding = loadOpus(choice);
  logger.info({ binding: binding.name, library: await binding.version() }, 'Opus is coded');
  return binding.name;
}
