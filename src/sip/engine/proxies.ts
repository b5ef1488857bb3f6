/** The requests that applications have us proxy: drachtio-protocol §7. */
import { headerValues, parseNameAddr, parseUri, type SipHeader } from '../message/index.ts';
import type { Heard } from './client-transactions.ts';
import { refuseCommand } from './core.ts';
import { echoProxied } from './echo.ts';
import type { Hop } from './next-hop.ts';
import type { EngineParts } from './parts.ts';
import type { AppCommand, AppId, AppMessage } from './ports.ts';
import { isLooped, loopHash, maxBreadth, maxForwards } from './proxy-forward.ts';
import { type ProxyPlan, readPlan } from './proxy-plan.ts';
import { ProxySearch } from './proxy-search.ts';
import type { ServerTransaction } from './server-transactions.ts';
import type { StatelessRelay } from './stateless-relay.ts';

/** A request to be proxied, and whom to tell. */
interface Wish {
  readonly tx: ServerTransaction;
  readonly plan: ProxyPlan;
  readonly by: { readonly app: AppId; readonly id: string } | undefined;
}

type ProxyCommand = Extract<AppCommand, { kind: 'proxy' }>;

const NO_HOPS = 'Rejected with 483 Too Many Hops due to Max-Forwards value of 0';

export class Proxies {
  readonly #parts: EngineParts;
  readonly #relay: StatelessRelay;
  readonly #searches = new Map<ServerTransaction, ProxySearch>();

  constructor(parts: EngineParts, relay: StatelessRelay) {
    this.#parts = parts;
    this.#relay = relay;
  }

  command(app: AppId, command: ProxyCommand): void {
    const { servers } = this.#parts;
    const tx = servers.byId(command.transactionId);
    if (tx === undefined || tx.app !== app || tx.isInDialog || tx.dialog !== undefined || !servers.isOpen(tx)) {
      return this.#refuse(app, command, `Unknown transaction id: ${command.transactionId}`);
    }
    const plan = readPlan(command.fields, command.headerLines);
    if (plan.targets.length === 0) return this.#refuse(app, command, 'error proxying request to ');
    const objection = this.#begin({ tx, plan, by: { app, id: command.id } });
    if (objection !== undefined) this.#refuse(app, command, objection);
  }

  /** Proxies a request without an application's command. */
  forward(tx: ServerTransaction, plan: ProxyPlan): void {
    if (plan.targets.length === 0) this.#parts.servers.respondPlain(tx, 480);
    else this.#begin({ tx, plan, by: undefined });
  }

  /** Starts the search, or refuses the request and says why. */
  #begin(wish: Wish): string | undefined {
    const { tx, plan } = wish;
    const hash = loopHash(tx.request, tx.facts);
    const objection = this.#objection(tx, plan, hash);
    if (objection === undefined) this.#search(wish, hash);
    else this.#parts.servers.respondPlain(tx, objection.status);
    return objection?.text;
  }

  /** The caller of a proxied INVITE gave up: true when that is so, and its targets are being told. */
  canceled(invite: ServerTransaction): boolean {
    const search = this.#searches.get(invite);
    if (search === undefined) return false;
    const { servers, core } = this.#parts;
    // Else the targets' own 487 is what the caller gets (RFC 3261 §16.10), or the 2xx that was faster.
    if (core.options.strict) servers.respondPlain(invite, 487);
    search.cancel();
    return true;
  }

  /** Why a request goes no further (RFC 3261 §16.3, RFC 5393 §4 and §5). */
  #objection(
    { request }: ServerTransaction,
    plan: ProxyPlan,
    hash: string,
  ): { readonly status: number; readonly text: string } | undefined {
    if (maxForwards(request) === 0) return { status: 483, text: NO_HOPS };
    if (isLooped(request, hash, this.#parts.core.net.listeners)) return { status: 482, text: 'Loop Detected' };
    const width = plan.isSimultaneous ? plan.targets.length : 1;
    return maxBreadth(request) < width ? { status: 440, text: 'Max-Breadth Exceeded' } : undefined;
  }

  #search({ tx, plan, by }: Wish, hash: string): void {
    const { servers, appTable } = this.#parts;
    appTable.countTransaction(tx.app, -1);
    tx.app = undefined; // it is ours now, and outlives its application
    servers.takenOver(tx);
    const { routes, isAddressedToUs } = this.#routing(tx);
    const width = plan.isSimultaneous ? plan.targets.length : 1;
    const search = new ProxySearch(this.#parts, {
      tx,
      plan,
      hash,
      routes,
      isAddressedToUs,
      breadth: Math.floor(maxBreadth(tx.request) / width),
      staying: (hop) => (plan.remainsInDialog ? this.#staying(tx, hop) : []),
      onAnswer: (heard) => this.#report(by, plan, heard),
      onDone: () => {
        this.#searches.delete(tx);
        if (plan.reportsAnswers) this.#done(by);
      },
    });
    this.#searches.set(tx, search);
    search.start();
    if (!plan.reportsAnswers) this.#done(by);
  }

  #report(by: Wish['by'], plan: ProxyPlan, heard: Heard): void {
    if (by !== undefined && plan.reportsAnswers) echoProxied(this.#parts.core, by.app, by.id, heard.received);
  }

  #done(by: Wish['by']): void {
    if (by === undefined) return;
    const done: AppMessage = { kind: 'response', id: by.id, fields: ['OK', 'done'], message: undefined };
    this.#parts.core.apps.send(by.app, done, false);
  }

  /** A Route that names us has done its work (§16.4). */
  #routing({ request }: ServerTransaction): { readonly routes: readonly string[]; readonly isAddressedToUs: boolean } {
    const routes = headerValues(request, 'Route');
    const own = routes.findIndex((value) => !this.#isOwnUri(parseNameAddr(value)?.uri ?? ''));
    return {
      routes: own < 0 ? [] : routes.slice(own),
      isAddressedToUs: this.#isOwnUri(request.uri),
    };
  }

  #isOwnUri(text: string): boolean {
    const uri = parseUri(text);
    return uri !== undefined && this.#relay.isOwn(uri);
  }

  /** Record-Route, or Path in a REGISTER (RFC 3327); two of them where the transports differ (RFC 5658). */
  #staying(tx: ServerTransaction, hop: Extract<Hop, { kind: 'hop' }>): readonly SipHeader[] {
    const isRegister = tx.request.method === 'REGISTER';
    const came = this.#parts.hops.listenerOf(tx.reply.flow);
    const listeners = came === undefined || came.id === hop.listener.id ? [hop.listener] : [hop.listener, came];
    const name = isRegister ? 'Path' : 'Record-Route';
    const lines = listeners.map((listener) => ({ name, value: this.#relay.routeValue(tx, listener) }));
    return isRegister ? [...lines, { name: 'Require', value: 'path' }] : lines;
  }

  #refuse(app: AppId, command: ProxyCommand, text: string): void {
    refuseCommand(this.#parts.core, app, command.id, text);
  }
}
