/**
 * Outbound mode (drachtio-protocol §9.2): for each matching request an HTTP server is asked which application shall have
 * it, or an application's address stands in the options; the engine then connects to that one for this request.
 */
import type { Logger } from '../../kernel/index.ts';
import type { AppId, EngineHandlers, HandlerDecision, HandlerQuery } from '../engine/index.ts';

/** Whom to ask about requests of one method. */
export interface RequestHandlerOptions {
  /** A SIP method, or '*' for every one. */
  readonly method: string;
  /** `http(s)://…` is asked; `tcp://host:port` and `tls://host:port` are the application itself. */
  readonly url: string;
  /** How it is asked; with POST the SIP message is the body. GET when absent. */
  readonly verb?: 'GET' | 'POST';
}

/** Connects to an application; resolves when it has authenticated. */
export type ConnectApp = (to: {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
}) => Promise<AppId>;

/** A caller waits meanwhile, so in milliseconds: */
const ANSWER_WITHIN = 5_000;
const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_ASKED = 1_000;
const UNAVAILABLE: HandlerDecision = { kind: 'reject', status: 480, reason: '' };

export class HttpRequestHandlers implements EngineHandlers {
  readonly #handlers: readonly RequestHandlerOptions[];
  readonly #connect: ConnectApp;
  readonly #logger: Logger;
  #asked = 0;

  constructor(handlers: readonly RequestHandlerOptions[], connect: ConnectApp, logger: Logger) {
    this.#handlers = handlers;
    this.#connect = connect;
    this.#logger = logger;
  }

  has(method: string): boolean {
    return this.#handlerOf(method) !== undefined;
  }

  async ask(query: HandlerQuery): Promise<HandlerDecision> {
    const method = query.fields['method'] ?? '';
    const handler = this.#handlerOf(method);
    if (handler === undefined || this.#asked >= MAX_ASKED) return { kind: 'reject', status: 503, reason: '' };
    this.#asked++;
    try {
      if (!/^https?:/i.test(handler.url)) return await this.#route(handler.url);
      return await this.#decide(await fetchDecision(handler, query));
    } catch (err) {
      this.#logger.warn({ err, method }, 'request handler could not be asked');
      return UNAVAILABLE;
    } finally {
      this.#asked--;
    }
  }

  #handlerOf(method: string): RequestHandlerOptions | undefined {
    return this.#handlers.find((one) => one.method === '*' || one.method.toUpperCase() === method);
  }

  async #decide(answer: unknown): Promise<HandlerDecision> {
    const action = textOf(answer, 'action');
    const data: unknown = fieldOf(answer, 'data');
    switch (action) {
      case 'route': {
        const tag = textOf(data, 'tag');
        return tag === '' ? this.#route(textOf(data, 'uri')) : { kind: 'tag', tag };
      }
      case 'reject': {
        const status = Number(fieldOf(data, 'status'));
        const isFinal = Number.isInteger(status) && status >= 300 && status <= 699;
        return isFinal ? { kind: 'reject', status, reason: lineOf(textOf(data, 'reason')) } : UNAVAILABLE;
      }
      case 'redirect':
        return { kind: 'redirect', contacts: textsOf(data, 'contact').map(lineOf) };
      case 'proxy':
        return { kind: 'proxy', fields: proxyFields(data) };
      default:
        this.#logger.warn({ action }, 'request handler answered nothing usable');
        return UNAVAILABLE;
    }
  }

  /** `host:port[;transport=tls]`, or a URL of those schemes. */
  async #route(text: string): Promise<HandlerDecision> {
    const [, scheme = '', host = '', port = '', params = ''] =
      /^(?:(tcp|tls):\/\/)?(\[[\da-f:.]+\]|[\w.-]+):(\d{1,5})\/?(;.*)?$/i.exec(text.trim()) ?? [];
    if (host === '') return UNAVAILABLE;
    const isTls = scheme.toLowerCase() === 'tls' || /;transport=tls\b/i.test(params);
    const app = await this.#connect({ host: host.replaceAll(/[[\]]/g, ''), port: Number(port), isTls });
    return { kind: 'app', app };
  }
}

async function fetchDecision(handler: RequestHandlerOptions, query: HandlerQuery): Promise<unknown> {
  const url = new URL(handler.url);
  for (const [name, value] of Object.entries(query.fields)) url.searchParams.append(name, value);
  const isPost = handler.verb === 'POST';
  const response = await fetch(url, {
    method: isPost ? 'POST' : 'GET',
    redirect: 'error',
    signal: AbortSignal.timeout(ANSWER_WITHIN),
    ...(isPost ? { body: query.message.toString(), headers: { 'content-type': 'text/plain' } } : {}),
  });
  if (!response.ok) throw new Error(`status ${response.status}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error('answer too long');
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString()) as unknown;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function textOf(value: unknown, name: string): string {
  const field = fieldOf(value, name);
  return typeof field === 'string' ? field : '';
}

/** A list of texts, or one. */
function textsOf(value: unknown, name: string): readonly string[] {
  const field = fieldOf(value, name);
  const list: readonly unknown[] = Array.isArray(field) ? field : [field];
  return list.filter((one) => typeof one === 'string');
}

/** What goes into a message must not break its lines. */
function lineOf(text: string): string {
  return text.replaceAll(/[\r\n<>]/g, ' ').trim();
}

/** As an application's `proxy` command has them (drachtio-protocol §7). */
function proxyFields(data: unknown): readonly string[] {
  const flag = (name: string): string => (fieldOf(data, name) === true ? name : '');
  const order = fieldOf(data, 'simultaneous') === true ? 'simultaneous' : 'serial';
  const times = [textOf(data, 'provisionalTimeout'), textOf(data, 'finalTimeout')];
  return [
    flag('recordRoute'),
    '',
    flag('followRedirects'),
    order,
    ...times,
    ...textsOf(data, 'destination').map(lineOf),
  ];
}
