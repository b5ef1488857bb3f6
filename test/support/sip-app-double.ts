/** Applications of the engine without a wire: they send commands and keep what they are told. */

import type { AppId, AppMessage, EngineApps, EngineInput } from '../../src/sip/engine/index.ts';
import { parseMessage, type SipMessage } from '../../src/sip/message/index.ts';

export type ToldSip = Extract<AppMessage, { kind: 'sip' }> & {
  readonly parsed: SipMessage;
  readonly afterEcho: boolean;
};
export type ToldResponse = Extract<AppMessage, { kind: 'response' }> & { readonly parsed: SipMessage | undefined };
export type Told = ToldSip | ToldResponse | Extract<AppMessage, { kind: 'refuse' }>;

export class AppsDouble implements EngineApps {
  readonly #boxes = new Map<AppId, Told[]>();

  /** What was reported of calls, to whichever application: event, source, role or reason, start line. */
  readonly reports: string[] = [];

  send(app: AppId, message: AppMessage, afterEcho: boolean): void {
    if (message.kind === 'cdr') {
      const [startLine = ''] = message.message.toString().split('\r\n');
      this.reports.push([message.event, ...message.fields, startLine].join('|'));
      return;
    }
    this.box(app).push(read(message, afterEcho));
  }

  box(app: AppId): Told[] {
    const box = this.#boxes.get(app) ?? [];
    this.#boxes.set(app, box);
    return box;
  }
}

function read(message: Exclude<AppMessage, { kind: 'cdr' }>, afterEcho: boolean): Told {
  if (message.kind === 'refuse') return message;
  if (message.kind === 'sip') return { ...message, parsed: parse(message.message), afterEcho };
  return { ...message, parsed: message.message === undefined ? undefined : parse(message.message) };
}

function parse(data: Buffer): SipMessage {
  const parsed = parseMessage(data);
  if (parsed.kind !== 'message') throw new Error(`the application was told no valid message: ${data.toString()}`);
  return parsed.message;
}

export class AppDouble {
  readonly id: AppId;
  readonly #engine: EngineInput;
  readonly #box: Told[];
  #commands = 0;

  constructor(engine: EngineInput, apps: AppsDouble, id: AppId, tags: readonly string[] = []) {
    this.id = id;
    this.#engine = engine;
    this.#box = apps.box(id);
    engine.appConnected(id, tags);
  }

  route(...verbs: string[]): this {
    for (const verb of verbs) {
      this.#engine.appCommand(this.id, { kind: 'route', id: this.#name(), verb });
      this.nextResponse();
    }
    return this;
  }

  /** A `sip` command: a start line, headers, and a body after an empty line. */
  sip(text: string, of: { transactionId?: string; dialogId?: string; routeUri?: string } = {}): string {
    const id = this.#name();
    const [head = '', ...rest] = text.split(/\r?\n\r?\n/);
    const [startLine = '', ...headerLines] = head.split(/\r?\n/);
    const body = Buffer.from(rest.join('\r\n\r\n'));
    const { transactionId = '', dialogId = '', routeUri = '' } = of;
    this.#engine.appCommand(this.id, {
      kind: 'sip',
      id,
      transactionId,
      dialogId,
      routeUri,
      startLine,
      headerLines,
      body,
    });
    return id;
  }

  /** Has a request proxied; the fields are those after the transaction id. */
  proxy(request: ToldSip, fields: readonly string[], headerLines: readonly string[] = []): void {
    const { transactionId } = request;
    this.#engine.appCommand(this.id, { kind: 'proxy', id: this.#name(), transactionId, fields, headerLines });
  }

  /** Answers a request it was offered, and returns the echo. */
  answer(request: ToldSip, status: number, lines: readonly string[] = [], body = ''): ToldResponse {
    this.sip([`SIP/2.0 ${status} Answer`, ...lines, '', body].join('\n'), { transactionId: request.transactionId });
    return this.nextResponse();
  }

  close(): void {
    this.#engine.appClosed(this.id);
  }

  next(): Told {
    const told = this.#box.shift();
    if (told === undefined) throw new Error(`application ${this.id} was told nothing`);
    return told;
  }

  nextSip(): ToldSip {
    const told = this.next();
    if (told.kind !== 'sip') throw new Error(`wanted a SIP message, got ${JSON.stringify(told)}`);
    return told;
  }

  nextResponse(): ToldResponse {
    const told = this.next();
    if (told.kind !== 'response') throw new Error(`wanted a response, got ${told.kind}`);
    return told;
  }

  get waiting(): number {
    return this.#box.length;
  }

  #name(): string {
    return `app${this.id}-${++this.#commands}`;
  }
}
