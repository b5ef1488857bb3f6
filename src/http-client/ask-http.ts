/**
 * One question to an HTTP server outside: bounded in time and size, redirects not followed. Unless allowed, private
 * addresses are refused at the moment of connecting, whatever a name resolved to before: so no DNS answer leads inside.
 */
import { lookup as systemLookup } from 'node:dns';
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { CodedError } from '../kernel/index.ts';
import { httpErrors } from './errors.ts';
import { isPublicAddress } from './public-address.ts';

export interface HttpQuestion {
  /** http or https. */
  readonly url: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly mayBePrivate: boolean;
  /** PEM text of the authorities its certificate may come from; undefined: those of the system. */
  readonly ca?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpReply {
  readonly status: number;
  readonly text: string;
  /** Of the Retry-After header, if it has one. */
  readonly retryAfter: string | undefined;
}

/** For what else opens connections: refuses to resolve a name to private addresses. */
export const publicLookup: LookupFunction = (host, options, done) => {
  systemLookup(host, { ...options, all: true }, (error, found) => {
    const open = found?.filter(({ address }) => isPublicAddress(address)) ?? [];
    const [first] = open;
    if (error !== null) return done(error, []);
    if (first === undefined) return done(httpErrors.HTTP_PRIVATE([host]), []);
    return options.all === true ? done(null, open) : done(null, first.address, first.family);
  });
};

/** Connections are used again, each only for what it was opened for. */
const AGENT = { keepAlive: true, maxSockets: 64, maxFreeSockets: 8, timeout: 30_000 };
const openAgents = { http: new HttpAgent(AGENT), https: new HttpsAgent(AGENT) };
const publicAgents = {
  http: new HttpAgent({ ...AGENT, lookup: publicLookup }),
  https: new HttpsAgent({ ...AGENT, lookup: publicLookup }),
};

/** Throws httpErrors, or the reason of the signal. */
export async function askHttp(question: HttpQuestion): Promise<HttpReply> {
  const { url, timeoutMs, signal } = question;
  if (!question.mayBePrivate) refusePrivate(url);
  const timeout = AbortSignal.timeout(timeoutMs);
  const both = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
  try {
    const response = await send(question, both);
    const text = await readLimited(response, question);
    return { status: response.statusCode ?? 0, text, retryAfter: response.headers['retry-after'] };
  } catch (cause) {
    if (signal?.aborted === true) throw signal.reason;
    if (timeout.aborted) throw httpErrors.HTTP_TIMEOUT([where(url), timeoutMs], { cause });
    if (cause instanceof CodedError) throw cause;
    throw httpErrors.HTTP_UNREACHABLE([where(url), cause instanceof Error ? cause.message : String(cause)], { cause });
  }
}

/** Literal addresses are not looked up. Throws HTTP_PRIVATE. */
export function refusePrivate(url: string): void {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !isPublicAddress(host)) throw httpErrors.HTTP_PRIVATE([host]);
}

function send({ url, method, headers, body, mayBePrivate, ca }: HttpQuestion, signal: AbortSignal) {
  const isTls = url.toLowerCase().startsWith('https:');
  const agents = mayBePrivate ? openAgents : publicAgents;
  return new Promise<IncomingMessage>((resolve, reject) => {
    const options = { method, headers: { ...headers, ...lengthOf(body) }, signal };
    const request = isTls
      ? requestHttps(url, { ...options, ...(ca === undefined ? {} : { ca }), agent: agents.https }, resolve)
      : requestHttp(url, { ...options, agent: agents.http }, resolve);
    request.on('error', reject);
    request.end(body);
  });
}

function lengthOf(body: string | undefined): Record<string, number> {
  return body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
}

async function readLimited(response: IncomingMessage, { url, maxBytes }: HttpQuestion): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) {
      response.destroy();
      throw httpErrors.HTTP_TOO_LARGE([where(url), maxBytes]);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Without what may be secret in it. */
function where(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}
