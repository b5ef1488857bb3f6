/** From a text to a request, and from its outcome to a text. */
import { CodedError, type Logger } from '../kernel/index.ts';
import { signalErrors } from './errors.ts';
import { handlers, type PeerMethod } from './handlers.ts';
import type { Peer } from './peer.ts';
import { type RequestData, requests, type SignalRequest, signalRequest } from './protocol/index.ts';

/** Undefined: not a request at all. */
export function parseRequest(text: string): SignalRequest | undefined {
  try {
    const result = signalRequest.safeParse(JSON.parse(text));
    return result.success ? result.data : undefined;
  } catch {
    return undefined;
  }
}

/** Throws METHOD_UNKNOWN or REQUEST_MALFORMED. */
export function parseData<M extends keyof typeof requests>(method: M, data: unknown): RequestData<M> {
  const result = requests[method].data.safeParse(data);
  if (result.success) return result.data as RequestData<M>;
  throw signalErrors.REQUEST_MALFORMED([method, result.error.issues[0]?.path.join('.') ?? '']);
}

/** Carries out one request of a peer; resolves with the text of its response. Never rejects. */
export async function answer(peer: Peer, { id, method, data }: SignalRequest): Promise<string> {
  try {
    if (method === 'hello') throw signalErrors.HELLO_FIRST();
    if (!isPeerMethod(method)) throw signalErrors.METHOD_UNKNOWN([method]);
    return formatResponse(id, await run(peer, method, data));
  } catch (error) {
    return formatFailure(id, codedError(error, peer.logger));
  }
}

export function formatResponse(id: number, data: unknown): string {
  return JSON.stringify({ type: 'response', id, data });
}

export function formatFailure(id: number, { code, message, retryable }: CodedError): string {
  return JSON.stringify({ type: 'failure', id, error: { code, message, isRetryable: retryable } });
}

function isPeerMethod(method: string): method is PeerMethod {
  return Object.hasOwn(handlers, method);
}

function run(peer: Peer, method: PeerMethod, data: unknown): Promise<unknown> {
  // Each handler takes the data of its own method, which is what the method's schema makes.
  const handle = handlers[method] as (peer: Peer, data: unknown) => Promise<unknown>;
  return handle(peer, parseData(method, data));
}

/** mediasoup throws TypeError and the like for parameters that do not fit: the client's fault. All else is ours. */
function codedError(error: unknown, logger: Logger): CodedError {
  if (error instanceof CodedError) return error;
  const isRefusal = error instanceof Error && /^(TypeError|UnsupportedError|InvalidStateError)$/.test(error.name);
  if (isRefusal) return signalErrors.MEDIA_REFUSED([error.message.slice(0, 200)], { cause: error });
  logger.error({ err: error }, 'signaling request failed');
  return signalErrors.INTERNAL([], { cause: error });
}
