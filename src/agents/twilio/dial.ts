/** The verb Dial: the caller goes on to the first of the targets that answers. */
import type { AgentCallVerbs, VerbRefusal } from '../../calls/index.ts';
import type { Clock } from '../../kernel/index.ts';

export interface DialParts {
  readonly verbs: AgentCallVerbs;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** A call that has only just been answered cannot be transferred yet, ms. */
const RETRY_MS = 100;
const MAX_RETRIES = 50;

/** Undefined: somebody has answered. Otherwise why the last one did not. */
export async function dialTo(targets: readonly string[], parts: DialParts): Promise<VerbRefusal | undefined> {
  const { verbs } = parts;
  let refusal: VerbRefusal | undefined;
  for (const target of targets) {
    if (parts.signal.aborted) break;
    refusal = await dialOne(target, parts);
    if (refusal === undefined || refusal.code === 'CALL_OVER') return refusal;
  }
  await verbs.stopPlaying();
  return refusal;
}

async function dialOne(target: string, { verbs, clock, signal }: DialParts): Promise<VerbRefusal | undefined> {
  for (let retries = 0; ; retries++) {
    // While it rings there the caller hears it.
    await verbs.play({ kind: 'ringback' });
    const result = await verbs.transfer(target);
    if (result.isDone) return undefined;
    if (result.code !== 'CALL_NOT_TALKING' || retries >= MAX_RETRIES || signal.aborted) return result;
    await new Promise<void>((resolve) => void clock.after(RETRY_MS, resolve));
  }
}

/** As the platform names it, in DialCallStatus. */
export function dialOutcomeOf({ sipStatus }: VerbRefusal): string {
  if (sipStatus === 486 || sipStatus === 600) return 'busy';
  return sipStatus === 408 || sipStatus === 480 || sipStatus === 487 ? 'no-answer' : 'failed';
}
