/**
 * One request to a voice application, signed as the platform signs: it is told of a call, and answers with TwiML.
 * Redirections are not followed, so that a server cannot lead us into networks that only we reach.
 */
import { createHmac } from 'node:crypto';
import { type IncomingMessage, type RequestOptions, request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import { CodedError } from '../../kernel/index.ts';
import type { FilledEndpoint } from '../endpoint.ts';
import { agentErrors } from '../errors.ts';
import type { Callback } from './twiml.ts';
import { MAX_XML } from './xml.ts';

/** `connectTimeoutMs` is the time for the whole answer. */
export interface VoiceRequest extends Callback, FilledEndpoint {
  readonly form: Readonly<Record<string, string>>;
  /** Signs the request, as X-Twilio-Signature. */
  readonly authToken: string | undefined;
  readonly signal: AbortSignal;
}

/** The text it answers, '' for none. Throws agentErrors, which name the server but nothing of the URL that may be secret. */
export async function askVoiceApp(request: VoiceRequest): Promise<string> {
  const { signal, connectTimeoutMs: timeoutMs } = request;
  const { url, options, body } = prepared(request);
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await send(url, { ...options, signal: AbortSignal.any([timeout, signal]) }, body);
    const { statusCode = 0 } = response;
    if (statusCode < 200 || statusCode > 299) {
      response.destroy();
      throw agentErrors.AGENT_VOICE_STATUS([url.host, statusCode]);
    }
    return await readLimited(response, url.host);
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    if (timeout.aborted) throw agentErrors.AGENT_VOICE_TIMEOUT([url.host, timeoutMs], { cause });
    throw agentErrors.AGENT_VOICE_UNREACHABLE([url.host, cause instanceof Error ? cause.message : String(cause)], {
      cause,
    });
  }
}

async function send(url: URL, options: RequestOptions & { ca?: string }, body: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? requestSecure : requestPlain)(url, options, resolve);
    request.on('error', reject);
    request.end(body);
  });
}

/** HMAC-SHA1 over the URL and, after it, every field's name and value in the order of the names. */
export function signatureOf(authToken: string, url: string, form: Readonly<Record<string, string>> = {}): string {
  const fields = Object.keys(form).toSorted();
  const text = url + fields.map((name) => `${name}${form[name] ?? ''}`).join('');
  return createHmac('sha1', authToken).update(text).digest('base64');
}

interface Prepared {
  readonly url: URL;
  readonly options: RequestOptions & { ca?: string };
  readonly body: string;
}

function prepared({ url: text, method, form, headers, authToken, ca }: VoiceRequest): Prepared {
  const url = new URL(text);
  const isPost = method === 'POST';
  const basic = basicOf(url);
  if (!isPost) for (const [name, value] of Object.entries(form)) url.searchParams.set(name, value);
  const body = isPost ? new URLSearchParams(form).toString() : '';
  return {
    url,
    body,
    options: {
      method,
      ...(ca === undefined ? {} : { ca }),
      headers: {
        accept: 'text/xml, application/xml',
        ...(isPost ? { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' } : {}),
        'content-length': Buffer.byteLength(body),
        ...basic,
        ...headers,
        ...(authToken === undefined
          ? {}
          : { 'X-Twilio-Signature': signatureOf(authToken, url.href, isPost ? form : {}) }),
      },
    },
  };
}

/** A name and a password in a URL are sent as a header (RFC 7617); no request may be made to such a URL. */
function basicOf(url: URL): Record<string, string> {
  if (url.username === '' && url.password === '') return {};
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = '';
  url.password = '';
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

async function readLimited(response: IncomingMessage, host: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_XML) throw agentErrors.AGENT_VOICE_TOO_LARGE([host, MAX_XML]);
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}
