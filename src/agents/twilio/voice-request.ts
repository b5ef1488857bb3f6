/**
 * One request to a voice application, signed as the platform signs: it is told of a call, and answers with TwiML.
 * Redirections are not followed, so that a server cannot lead us into networks that only we reach.
 */
import { createHmac } from 'node:crypto';
import { askHttp } from '../../http-client/index.ts';
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

/** The text it answers, '' for none. Throws AGENT_VOICE_STATUS and the errors of `http-client`. */
export async function askVoiceApp(request: VoiceRequest): Promise<string> {
  const { method, signal, connectTimeoutMs: timeoutMs, mayBePrivate = true, ca } = request;
  const { url, headers, body } = prepared(request);
  const question = { url: url.href, method, headers, timeoutMs, maxBytes: MAX_XML, mayBePrivate, ca, signal };
  const { status, text } = await askHttp(body === undefined ? question : { ...question, body });
  if (status < 200 || status > 299) throw agentErrors.AGENT_VOICE_STATUS([url.host, status]);
  return text;
}

/** HMAC-SHA1 over the URL and, after it, every field's name and value in the order of the names. */
export function signatureOf(authToken: string, url: string, form: Readonly<Record<string, string>> = {}): string {
  const fields = Object.keys(form).toSorted();
  const text = url + fields.map((name) => `${name}${form[name] ?? ''}`).join('');
  return createHmac('sha1', authToken).update(text).digest('base64');
}

interface Prepared {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

function prepared({ url: text, method, form, headers, authToken }: VoiceRequest): Prepared {
  const url = new URL(text);
  const isPost = method === 'POST';
  const basic = basicOf(url);
  if (!isPost) for (const [name, value] of Object.entries(form)) url.searchParams.set(name, value);
  return {
    url,
    body: isPost ? new URLSearchParams(form).toString() : undefined,
    headers: {
      accept: 'text/xml, application/xml',
      ...(isPost ? { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' } : {}),
      ...basic,
      ...headers,
      ...(authToken === undefined
        ? {}
        : { 'X-Twilio-Signature': signatureOf(authToken, url.href, isPost ? form : {}) }),
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
