/**
 * One attempt to ask a route hook. The URL is the operator's and nothing of the call goes into it; redirects are not
 * followed, so that the server cannot lead us into networks that only we reach.
 */
import { type Hook, type HookAnswer, parseHookAnswer } from '../dialplan/index.ts';
import { hookErrors } from './errors.ts';

export interface Attempt {
  readonly hook: Hook;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal | undefined;
}

/** Undefined: the server has no opinion (204). Throws hookErrors. */
export async function askOnce({ hook, body, headers, signal }: Attempt): Promise<HookAnswer | undefined> {
  const timeout = AbortSignal.timeout(hook.timeoutMs);
  try {
    const response = await fetch(hook.url, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
      body,
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    });
    return await readAnswer(response, hook.url);
  } catch (cause) {
    if (timeout.aborted) throw hookErrors.HOOK_TIMEOUT([hook.url, hook.timeoutMs], { cause });
    if (cause instanceof TypeError || signal?.aborted === true)
      throw hookErrors.HOOK_UNREACHABLE([hook.url, reasonOf(cause)], { cause });
    throw cause;
  }
}

/** A route is a few hundred bytes. */
export const MAX_ANSWER = 65_536;

async function readAnswer(response: Response, url: string): Promise<HookAnswer | undefined> {
  const { status } = response;
  if (status !== 200) await response.body?.cancel();
  if (status === 204) return undefined;
  if (status === 429 || status >= 500) throw hookErrors.HOOK_OVERLOADED([url, status]);
  // Also what fetch shows of a redirection that it has not followed.
  if (status !== 200) throw hookErrors.HOOK_STATUS([url, status]);
  const text = await readLimited(response, url);
  try {
    return parseHookAnswer(JSON.parse(text), 'answer');
  } catch (cause) {
    throw hookErrors.HOOK_ANSWER([url, reasonOf(cause)], { cause });
  }
}

async function readLimited(response: Response, url: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_ANSWER) throw hookErrors.HOOK_TOO_LARGE([url, MAX_ANSWER]);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
