/** Requests about which somebody is asked before an application gets them: outbound mode, drachtio-protocol §9.2. */
import { formatMessage, header, parseNameAddr, parseUri, type SipHeader } from '../message/index.ts';
import type { EngineParts } from './parts.ts';
import type { AppId, HandlerDecision, HandlerQuery, Received } from './ports.ts';
import type { Proxies } from './proxies.ts';
import { readPlan } from './proxy-plan.ts';
import { buildResponse, NO_BODY } from './response-builder.ts';
import type { ServerTransaction } from './server-transactions.ts';

export class RequestHandlers {
  readonly #parts: EngineParts;
  readonly #proxies: Proxies;

  constructor(parts: EngineParts, proxies: Proxies) {
    this.#parts = parts;
    this.#proxies = proxies;
  }

  /** Asks; `assign` is called with the application that the request is for. False when nobody is to be asked. */
  ask(tx: ServerTransaction, received: Received, assign: (app: AppId) => void): boolean {
    const { core, servers } = this.#parts;
    const { handlers } = core;
    if (handlers?.has(tx.request.method) !== true) return false;
    if (tx.request.method === 'INVITE') servers.respondPlain(tx, 100);
    void handlers.ask(queryOf(tx, received)).then((decision) => this.#obey(tx, decision, assign));
    return true;
  }

  #obey(tx: ServerTransaction, decision: HandlerDecision, assign: (app: AppId) => void): void {
    const { servers, appTable } = this.#parts;
    if (!servers.isOpen(tx)) return this.#dismiss(decision);
    switch (decision.kind) {
      case 'app':
        if (appTable.hasRoom(decision.app)) return assign(decision.app);
        this.#dismiss(decision);
        return servers.respondPlain(tx, 480);
      case 'tag': {
        const app = appTable.chooseTagged(decision.tag, tx.request.method);
        return app === undefined ? servers.respondPlain(tx, 480) : assign(app);
      }
      case 'reject':
        return this.#answer(tx, decision.status, decision.reason, []);
      case 'redirect':
        return this.#answer(
          tx,
          302,
          '',
          decision.contacts.map((uri) => ({ name: 'Contact', value: `<${uri}>` })),
        );
      case 'proxy':
        return this.#proxies.forward(tx, readPlan(decision.fields, []));
      default:
        decision satisfies never;
    }
  }

  /** The application that came for a request that is over has nothing to wait for. */
  #dismiss(decision: HandlerDecision): void {
    if (decision.kind !== 'app') return;
    this.#parts.core.apps.send(decision.app, { kind: 'refuse', id: '', text: 'the request is over' }, false);
  }

  #answer(tx: ServerTransaction, status: number, reason: string, headers: readonly SipHeader[]): void {
    const { servers } = this.#parts;
    const parts = { status, reason, toTag: servers.tagFor(tx.reply), hasRecordRoute: false, headers, body: NO_BODY };
    servers.respond(tx, status, formatMessage(buildResponse(tx.request, parts)));
  }
}

/** What whoever decides is told. */
function queryOf({ request, facts, reply }: ServerTransaction, received: Received): HandlerQuery {
  const { flow } = reply;
  const uri = parseUri(request.uri);
  return {
    fields: {
      ...Object.fromEntries(uri?.params ?? []),
      method: request.method,
      domain: uri?.host ?? '',
      protocol: flow.transport,
      source_address: flow.remoteAddress,
      fromUser: userOf(facts.from),
      toUser: userOf(facts.to),
      uriUser: uri?.user ?? '',
      contentType: header(request, 'Content-Type') ?? '',
      uri: request.uri,
    },
    message: received.data,
  };
}

function userOf(value: string): string {
  return parseUri(parseNameAddr(value)?.uri ?? '')?.user ?? '';
}
