/** A voice application as people write it for Twilio: answers webhooks with TwiML, checks signatures, calls the REST API. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import twilio from 'twilio';
import type { RequestOptions } from 'twilio/lib/base/RequestClient.js';
import { until } from './until.ts';

export interface Asked {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly form: Readonly<Record<string, string>>;
  /** By the library of the platform. */
  readonly isSigned: boolean;
  readonly headers: IncomingMessage['headers'];
}

export type Page = (asked: Asked, response: ServerResponse) => string | undefined;

export class VoiceApp {
  readonly asked: Asked[] = [];
  /** Path without query → what it answers: TwiML, or undefined when it has answered by itself, or never will. */
  readonly pages = new Map<string, Page | string>();
  readonly #server = createServer((request, response) => this.#onRequest(request, response));
  readonly #token: string;

  private constructor(token: string) {
    this.#token = token;
  }

  static async start(token: string): Promise<VoiceApp> {
    const app = new VoiceApp(token);
    await new Promise<void>((resolve) => void app.#server.listen(0, '127.0.0.1', resolve));
    return app;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  of(path: string): readonly Asked[] {
    return this.asked.filter((asked) => asked.path.split('?', 1)[0] === path);
  }

  async waitFor(path: string, count = 1): Promise<Asked> {
    return until(() => this.of(path)[count - 1], { within: 5_000, what: `request ${count} for ${path}` });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => void this.#server.close(() => resolve()));
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
      const { method = '', url: path = '', headers } = request;
      const signature = String(headers['x-twilio-signature'] ?? '');
      const isSigned = twilio.validateRequest(this.#token, signature, `${this.url}${path}`, form);
      const asked = { method, path, form, isSigned, headers };
      this.asked.push(asked);
      const page = this.pages.get(path.split('?', 1)[0] ?? '');
      const text = typeof page === 'function' ? page(asked, response) : page;
      if (page === undefined) response.writeHead(404).end();
      else if (text !== undefined) response.writeHead(200, { 'content-type': 'text/xml' }).end(text);
    });
  }
}

/** The platform's own HTTP client, led to a gateway. */
class Detour extends twilio.RequestClient {
  readonly #origin: string;

  constructor(origin: string) {
    super();
    this.#origin = origin;
  }

  override async request<TData>(options: RequestOptions<TData>) {
    return super.request<TData>({ ...options, uri: options.uri.replace('https://api.twilio.com', this.#origin) });
  }
}

/** The platform's own client, pointed at a gateway. */
export function restClient(account: { readonly sid: string; readonly token: string }, origin: string) {
  return twilio(account.sid, account.token, { httpClient: new Detour(origin) });
}
