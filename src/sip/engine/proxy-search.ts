/**
 * A request on its way through us to one or several targets, and the best of their answers on its way back:
 * RFC 3261 §16, drachtio-protocol §7.
 */
import { formatMessage, headerValues, parseNameAddr, type SipHeader } from '../message/index.ts';
import type { Heard } from './client-transactions.ts';
import { createBranch } from './core.ts';
import { viaValue } from './local-address.ts';
import type { Hop } from './next-hop.ts';
import type { EngineParts } from './parts.ts';
import { type BranchUser, ProxyBranch } from './proxy-branch.ts';
import { forwardRequest, rank, withoutTopVia } from './proxy-forward.ts';
import type { ProxyPlan } from './proxy-plan.ts';
import type { ServerTransaction } from './server-transactions.ts';

export interface SearchParts {
  readonly tx: ServerTransaction;
  readonly plan: ProxyPlan;
  /** Of the request as it came (RFC 5393 §4.2). */
  readonly hash: string;
  readonly breadth: number;
  /** Routes that are left in the request; the first is the next hop. */
  readonly routes: readonly string[];
  /** The request was addressed to us, so that the target takes the place of its URI. */
  readonly isAddressedToUs: boolean;
  /** Headers by which we stay in the dialog, for a request that leaves by this hop. */
  readonly staying: (hop: Extract<Hop, { kind: 'hop' }>) => readonly SipHeader[];
  /** A final response has come from a target. */
  readonly onAnswer: (heard: Heard) => void;
  readonly onDone: () => void;
}

/** Redirections lead to redirections; this many targets are enough. */
const MAX_TRIES = 20;

export class ProxySearch implements BranchUser {
  readonly #parts: EngineParts;
  readonly #of: SearchParts;
  #targets: string[];
  readonly #tried = new Set<string>();
  readonly #branches = new Set<ProxyBranch>();
  /** Names that are being looked up. */
  #lookups = 0;
  #best: Heard | undefined;
  #isStopped = false;
  #isCanceled = false;
  #isOver = false;

  constructor(parts: EngineParts, of: SearchParts) {
    this.#parts = parts;
    this.#of = of;
    this.#targets = [...of.plan.targets];
  }

  start(): void {
    this.#next();
  }

  /** The caller gave up. */
  cancel(): void {
    this.#isCanceled = true;
    this.#stop();
    this.#next();
  }

  onProvisional(heard: Heard): void {
    if (!this.#isOver) this.#forward(heard);
  }

  onSuccess(heard: Heard, isFirst: boolean): void {
    this.#forward(heard);
    if (!isFirst) return;
    this.#of.onAnswer(heard);
    this.#reportStart(heard);
    this.#stop();
    this.#finish();
  }

  #reportStart({ received }: Heard): void {
    const { reports } = this.#parts;
    if (this.#of.tx.request.method !== 'INVITE') return;
    reports.started('network', 'proxy-uac', () => received.data);
    reports.started('application', 'proxy-uas', () => received.data);
  }

  onRefusal(heard: Heard): void {
    const { status } = heard.response;
    const { plan } = this.#of;
    this.#of.onAnswer(heard);
    const added = status < 400 && plan.followsRedirects ? this.#redirect(heard) : 0;
    if (added === 0 && (this.#best === undefined || rank(status) < rank(this.#best.response.status)))
      this.#best = heard;
    const isLastWord = status >= 600 || ((status === 401 || status === 407) && !plan.isSimultaneous);
    if (isLastWord) this.#stop();
    this.#next();
  }

  onSilence(): void {
    this.#next();
  }

  /** The next target, or all of them; at the end the best answer. */
  #next(): void {
    const isFree = (): boolean => this.#lookups === 0 && ![...this.#branches].some((branch) => !branch.isDone);
    while (this.#targets.length > 0 && (this.#of.plan.isSimultaneous || isFree())) {
      const uri = this.#targets.shift() ?? '';
      if (this.#tried.size >= MAX_TRIES || this.#tried.has(uri)) continue;
      this.#tried.add(uri);
      this.#try(uri);
    }
    if (this.#targets.length === 0 && isFree() && !this.#isOver) this.#answer();
  }

  #try(uri: string): void {
    const { tx, routes } = this.#of;
    const nextUri = routes[0] === undefined ? uri : (parseNameAddr(routes[0])?.uri ?? uri);
    const hop = this.#parts.hops.ofRequest(nextUri, tx.request.method);
    if (!(hop instanceof Promise)) return this.#send(uri, hop);
    this.#lookups++;
    void hop.then((found) => this.#onFound(uri, found));
  }

  #onFound(uri: string, hop: Hop): void {
    this.#lookups--;
    if (!this.#isStopped) this.#send(uri, hop);
    this.#next();
  }

  #send(uri: string, hop: Hop): void {
    const { core, clients, hops } = this.#parts;
    const { tx, plan, hash, breadth, routes, isAddressedToUs, staying } = this.#of;
    if (hop.kind !== 'hop' || hops.isOwn(hop.target)) return;
    const branchId = `${createBranch(core.random)}.${hash}`;
    const request = forwardRequest(tx.request, {
      via: viaValue(hop.listener, branchId),
      uri: isAddressedToUs ? uri : tx.request.uri,
      routes,
      added: [...staying(hop), ...plan.headers],
      breadth,
    });
    if (request.method === 'INVITE') this.#parts.reports.attempt('application', () => formatMessage(request));
    const branch = new ProxyBranch(this.#parts, this);
    this.#branches.add(branch);
    // drachtio-server ignores the final timeout (drachtio-protocol §7).
    const finalMs = core.options.strict ? undefined : plan.finalMs;
    branch.start(clients.create(request, branchId, hop.target, branch), { provisionalMs: plan.provisionalMs, finalMs });
  }

  /** Where a 3xx points to is tried too (§16.5). Returns how many targets it added. */
  #redirect({ response }: Heard): number {
    if (this.#isStopped) return 0;
    const found = headerValues(response, 'Contact').map((value) => parseNameAddr(value)?.uri ?? '');
    const fresh = found.filter((uri) => /^sips?:/i.test(uri) && !this.#tried.has(uri));
    this.#targets.push(...fresh);
    return fresh.length;
  }

  #stop(): void {
    this.#isStopped = true;
    this.#targets = [];
    for (const branch of this.#branches) if (!branch.isDone) branch.cancel();
  }

  #answer(): void {
    const { servers } = this.#parts;
    const { tx } = this.#of;
    if (this.#best !== undefined) {
      const { data } = this.#best.received;
      if (tx.request.method === 'INVITE')
        this.#parts.reports.stopped('network', this.#isCanceled ? 'call-canceled' : 'call-rejected', () => data);
      this.#forward(this.#best);
    } else if (tx.request.method !== 'INVITE')
      servers.abandon(tx); // a 408 would only do harm (RFC 4320 §4.1)
    else if (servers.isOpen(tx)) servers.respondPlain(tx, this.#isCanceled ? 487 : 408);
    this.#finish();
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#of.onDone();
  }

  #forward({ response }: Heard): void {
    const { servers } = this.#parts;
    const { tx } = this.#of;
    const isRepeatable = response.status < 300 && tx.reply.machine.phase === 'accepted';
    if (!servers.isOpen(tx) && !isRepeatable) return;
    servers.respond(tx, response.status, formatMessage(withoutTopVia(response)));
  }
}
