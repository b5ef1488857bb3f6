/** Asks HTTP servers where calls go: signed, in bounded time, with bounded retries and a bounded number at once. */
import { type Hook, type HookAnswer, type HookReply, type RouteHook, signWebhook } from '../dialplan/index.ts';
import { type Clock, CodedError, type Logger, type Random } from '../kernel/index.ts';
import { askOnce } from './ask.ts';
import { hookErrors } from './errors.ts';

export interface RouteHookOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Questions under way at once, of all hooks together. More fail at once, so that calls do not pile up. */
  readonly concurrency: number;
}

/** The pause before a retry doubles from this. */
const FIRST_PAUSE_MS = 100;

export function createRouteHook(options: RouteHookOptions): RouteHook {
  let asking = 0;
  return async (hook, facts, signal) => {
    const { logger, concurrency, random } = options;
    const id = `msg_${random.uuid()}`;
    const { callId } = facts.data;
    if (asking >= concurrency) {
      logger.warn({ err: hookErrors.HOOK_BUSY([hook.url, asking]), callId }, 'route hook not asked');
      return { kind: 'failed' };
    }
    asking += 1;
    try {
      return reply(await askPatiently({ hook, id, body: JSON.stringify(facts), signal }, options));
    } catch (error) {
      if (signal?.aborted !== true) logger.warn({ err: error, callId, webhookId: id }, 'route hook failed');
      return { kind: 'failed' };
    } finally {
      asking -= 1;
    }
  };
}

function reply(answer: HookAnswer | undefined): HookReply {
  return answer === undefined ? { kind: 'next' } : { kind: 'route', answer };
}

interface Question {
  readonly hook: Hook;
  /** The same for every attempt, so that the server can tell a retry. */
  readonly id: string;
  readonly body: string;
  readonly signal: AbortSignal | undefined;
}

async function askPatiently(
  question: Question,
  options: RouteHookOptions,
  attempt = 0,
): Promise<HookAnswer | undefined> {
  const { hook, id, body, signal } = question;
  const { clock } = options;
  const timestampSec = Math.floor(clock.wallTime() / 1000);
  const headers = signWebhook({ id, timestampSec, body }, hook.secret ?? '');
  try {
    return await askOnce({ hook, body, headers, signal });
  } catch (error) {
    const mayRetry = error instanceof CodedError && error.retryable && attempt < hook.retries;
    if (!mayRetry || signal?.aborted === true) throw error;
    await pause(clock, FIRST_PAUSE_MS * 2 ** attempt, signal);
    return askPatiently(question, options, attempt + 1);
  }
}

/** Ends early, without an error, when the signal fires. */
async function pause(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = clock.after(ms, () => {
      signal?.removeEventListener('abort', stop);
      resolve();
    });
    const stop = (): void => {
      timer.cancel();
      resolve();
    };
    signal?.addEventListener('abort', stop, { once: true });
  });
}
