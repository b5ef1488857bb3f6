/** MESSAGE outside dialogs (RFC 3428), user to user: authenticated, bounded in size and rate, delivered to every binding. */
import type { Clock } from '../kernel/index.ts';
import { formatNameAddr, parseUri } from '../sip/message/index.ts';
import { type Caller, type IdentifyContext, identifyCaller } from './caller.ts';
import { ANONYMOUS } from './caller-identity.ts';
import { nextHopOf } from './register.ts';
import type { Registrar } from './registrar.ts';
import type { EngineLink, InboundRequest } from './sip-ports.ts';

/** RFC 3428 §8: larger ones belong into a session. */
const MAX_BYTES = 1_300;
/** A person types slower than this. */
const MAX_PER_MINUTE = 30;
const MINUTE_MS = 60_000;
/** Users whose rate is kept; beyond, the oldest is forgotten. */
const MAX_SENDERS = 10_000;

export interface PageMessageContext {
  readonly identify: IdentifyContext;
  readonly registrar: Registrar;
  readonly link: EngineLink;
  readonly clock: Clock;
}

interface Page {
  readonly body: string;
  readonly type: string;
}

export class PageMessages {
  readonly #context: PageMessageContext;
  readonly #sent = new Map<string, { readonly since: number; readonly count: number }>();

  constructor(context: PageMessageContext) {
    this.#context = context;
  }

  async answer(request: InboundRequest): Promise<void> {
    const { identify } = this.#context;
    const who = identifyCaller(request, identify);
    if (who.kind === 'refused') return request.reply(who.status, who.headers);
    // Nobody unknown writes to our users, and a trunk carries calls.
    if (who.caller.kind !== 'user') return request.reply(403);
    if (Buffer.byteLength(request.body) > MAX_BYTES) return request.reply(413);
    const type = request.header('Content-Type') ?? 'text/plain';
    // Two of them would be read differently by different phones.
    if (type.includes(',')) return request.reply(400);
    const to = parseUri(request.uri);
    const user = to === undefined || to.scheme === 'tel' ? '' : to.user;
    if (user === '' || !identify.authenticator.isUser(user)) return request.reply(404);
    if (!this.#mayWrite(who.caller.identity.uri)) return request.reply(503, { 'Retry-After': '60' });
    request.reply(await this.#deliver({ body: request.body, type }, who.caller, `sip:${user}@${identify.domain}`));
  }

  /** The best answer of the user's bindings: 200 when one has it. */
  async #deliver({ body, type }: Page, { identity }: Caller, aor: string): Promise<number> {
    const { registrar, link } = this.#context;
    const bindings = registrar.bindingsOf(aor).filter((binding) => !registrar.isFlowLost(binding));
    if (bindings.length === 0) return 480;
    const { displayName, uri, isPrivate } = identity;
    const from = isPrivate === true ? ANONYMOUS : formatNameAddr({ displayName, uri, params: new Map() });
    const headers = { From: from, To: `<${aor}>`, 'Content-Type': type };
    const replies = await Promise.all(
      bindings.map(async (binding) =>
        link.request({
          method: 'MESSAGE',
          uri: binding.contact,
          nextHop: nextHopOf(binding),
          headers,
          body,
        }),
      ),
    );
    const statuses = replies.map(({ status }) => status);
    if (statuses.some((status) => status < 300)) return 200;
    // Who has it registered but does not take messages says so; silence and broken connections are no answer.
    return statuses.find((status) => status === 405 || status === 415 || status === 413) ?? 480;
  }

  #mayWrite(sender: string): boolean {
    const now = this.#context.clock.now();
    const before = this.#sent.get(sender);
    const isFresh = before === undefined || now - before.since >= MINUTE_MS;
    const next = isFresh ? { since: now, count: 1 } : { since: before.since, count: before.count + 1 };
    this.#sent.delete(sender);
    this.#sent.set(sender, next);
    const [oldest] = this.#sent.keys();
    if (this.#sent.size > MAX_SENDERS && oldest !== undefined) this.#sent.delete(oldest);
    return next.count <= MAX_PER_MINUTE;
  }
}
