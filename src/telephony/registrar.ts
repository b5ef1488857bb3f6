/** The registrar: keeps the Bindings of our AORs, in memory for calls and in the Store for the next run. */
import type { CallObserver } from '../calls/index.ts';
import { type Clock, Emitter, type Random, type Timer, type Unsubscribe } from '../kernel/index.ts';
import { parseCSeq, parseUri } from '../sip/message/index.ts';
import type { Json, Store } from '../store/index.ts';
import { type Binding, hasFlow } from './binding.ts';
import type { RegistrationPolicy } from './options.ts';
import { hasMixedFlows, oneFlowEach, outboundHeaders, readOutbound } from './outbound.ts';
import {
  applyRegister,
  contactHeader,
  nameAddrsOf,
  type RegisterOutcome,
  type RegisterRequest,
  secondsOf,
} from './register.ts';
import type { InboundRequest } from './sip-ports.ts';

const PREFIX = 'binding/';
/** The longest that setTimeout can wait. */
const MAX_WAIT_MS = 2_147_483_647;

/** A Binding as others see it. */
export interface Registration {
  readonly aor: string;
  readonly contact: string;
  readonly transport: string;
  readonly sourceAddress: string;
  readonly sourcePort: number;
  readonly userAgent: string;
  readonly registeredAt: number;
  readonly expiresAt: number;
  /** Its connection is gone: calls wait for it to register again. */
  readonly isFlowLost: boolean;
}

export interface RegistrarOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: CallObserver;
  /** The engine run that live connections belong to. */
  readonly flowEpoch: string;
}

export class Registrar {
  readonly #options: RegistrarOptions;
  readonly #bindings = new Map<string, readonly Binding[]>();
  readonly #lost = new Set<string>();
  /** On a connection that the engine does not know yet: it learns of it from the 200. */
  readonly #coming = new Set<Binding>();
  readonly #events = new Emitter<{ registered: Binding }>();
  #expiry: Timer | undefined;
  #armedFor: number | undefined;
  #isClosed = false;

  constructor(options: RegistrarOptions) {
    this.#options = options;
  }

  /** Takes over what earlier runs have kept. */
  async load(): Promise<void> {
    const entries = await this.#options.store.list(PREFIX, { limit: 1_000_000 });
    for (const { value } of entries) {
      // The Store gives back what `#save` has put there.
      const binding = value as unknown as Binding;
      this.#bindings.set(binding.aor, [...this.#all(binding.aor), binding]);
      if (hasFlow(binding) && binding.flowEpoch !== this.#options.flowEpoch) this.#lost.add(binding.id);
    }
    this.#sweep();
  }

  /** Answers a REGISTER whose sender may change the bindings of `aor`. */
  async register(request: InboundRequest, aor: string, policy: RegistrationPolicy): Promise<void> {
    const read = readRegister(request, aor);
    if (read === undefined || hasMixedFlows(read)) {
      request.reply(400);
      return;
    }
    const { clock, random, flowEpoch } = this.#options;
    const now = clock.wallTime();
    const current = this.bindingsOf(aor);
    const outcome = applyRegister(current, read, { policy, now, flowEpoch, newId: () => random.hex(8) });
    if (outcome.kind === 'refused') {
      request.reply(outcome.status, outcome.headers);
      return;
    }
    const coming = [...outcome.added, ...outcome.refreshed].filter((binding) => isOnNewFlow(binding, current));
    for (const binding of coming) this.#coming.add(binding);
    this.#commit(aor, outcome);
    try {
      // Only what would survive a kill is confirmed.
      await this.#save(outcome, now);
      request.reply(200, {
        ...(outcome.bindings.length === 0 ? {} : { Contact: contactHeader(outcome.bindings, now) }),
        ...(read.path.length === 0 ? {} : { Path: read.path.map((uri) => `<${uri}>`).join(', '), Supported: 'path' }),
        ...outboundHeaders(read),
      });
    } finally {
      for (const binding of coming) this.#coming.delete(binding);
    }
    this.#announce(outcome, now);
  }

  /** The live bindings of an AOR, preferred ones first. */
  bindingsOf(aor: string): readonly Binding[] {
    const now = this.#options.clock.wallTime();
    return this.#all(aor)
      .filter((binding) => binding.expiresAt > now)
      .toSorted((a, b) => b.q - a.q);
  }

  /** Those to be rung: of several flows of one client one. */
  targetsOf(aor: string): readonly Binding[] {
    return oneFlowEach(this.bindingsOf(aor), (binding) => this.isFlowLost(binding));
  }

  /** Calls wait for it: its connection is gone, or is not known yet. */
  isFlowLost(binding: Binding): boolean {
    return this.#lost.has(binding.id) || this.#coming.has(binding);
  }

  /** A call found the connection of this binding gone. It stays registered and may come back. */
  markFlowLost(binding: Binding): void {
    // A refresh since the call began has made a new Binding of it, on a connection of its own.
    if (this.#all(binding.aor).includes(binding)) this.#lost.add(binding.id);
  }

  /** Hears of every binding that is made or refreshed from now on. */
  onRegistered(listener: (binding: Binding) => void): Unsubscribe {
    return this.#events.on('registered', listener);
  }

  /** How many Bindings there are. */
  get size(): number {
    let count = 0;
    for (const bindings of this.#bindings.values()) count += bindings.length;
    return count;
  }

  list(): readonly Registration[] {
    return [...this.#bindings.keys()].flatMap((aor) =>
      this.bindingsOf(aor).map((binding) => ({ ...view(binding), isFlowLost: this.isFlowLost(binding) })),
    );
  }

  close(): void {
    this.#isClosed = true;
    this.#expiry?.cancel();
  }

  #all(aor: string): readonly Binding[] {
    return this.#bindings.get(aor) ?? [];
  }

  #commit(aor: string, outcome: Extract<RegisterOutcome, { kind: 'done' }>): void {
    if (outcome.bindings.length === 0) this.#bindings.delete(aor);
    else this.#bindings.set(aor, outcome.bindings);
    for (const { id } of outcome.removed) this.#lost.delete(id);
    for (const { expiresAt } of outcome.bindings) this.#armExpiry(expiresAt);
  }

  async #save(outcome: Extract<RegisterOutcome, { kind: 'done' }>, now: number): Promise<void> {
    const { store } = this.#options;
    await Promise.all([
      ...outcome.removed.map((binding) => store.delete(keyOf(binding))),
      ...[...outcome.added, ...outcome.refreshed].map((binding) =>
        store.put(keyOf(binding), toJson(binding), { ttlMs: binding.expiresAt - now }),
      ),
    ]);
  }

  #announce(outcome: Extract<RegisterOutcome, { kind: 'done' }>, now: number): void {
    const { observer } = this.#options;
    const tell = (binding: Binding, isNew: boolean): void => {
      // Only now: the engine knows the connection from the 200 on.
      this.#lost.delete(binding.id);
      const { aor, contact } = binding;
      observer({ kind: 'registered', aor, contact, expiresSec: Math.round((binding.expiresAt - now) / 1000), isNew });
      this.#events.emit('registered', binding);
    };
    for (const binding of outcome.added) tell(binding, true);
    for (const binding of outcome.refreshed) tell(binding, false);
    for (const binding of outcome.removed) this.#tellGone(binding, 'request');
  }

  #tellGone({ aor, contact }: Binding, why: 'request' | 'expired'): void {
    this.#options.observer({ kind: 'unregistered', aor, contact, why });
  }

  /** One timer, set for the earliest expiry seen. When it finds nothing expired it is set anew. */
  #armExpiry(expiresAt: number): void {
    if (this.#isClosed || (this.#armedFor !== undefined && this.#armedFor <= expiresAt)) return;
    this.#expiry?.cancel();
    this.#armedFor = expiresAt;
    const wait = Math.max(0, expiresAt - this.#options.clock.wallTime());
    this.#expiry = this.#options.clock.after(Math.min(wait, MAX_WAIT_MS), () => this.#sweep());
  }

  #sweep(): void {
    this.#armedFor = undefined;
    const now = this.#options.clock.wallTime();
    for (const [aor, bindings] of this.#bindings) {
      const gone = bindings.filter((binding) => binding.expiresAt <= now);
      const left = bindings.filter((binding) => binding.expiresAt > now);
      if (left.length === 0) this.#bindings.delete(aor);
      else this.#bindings.set(aor, left);
      for (const { expiresAt } of left) this.#armExpiry(expiresAt);
      // The Store forgets them by itself: they were kept with this very expiry.
      for (const binding of gone) {
        this.#lost.delete(binding.id);
        this.#tellGone(binding, 'expired');
      }
    }
  }
}

function isOnNewFlow(binding: Binding, current: readonly Binding[]): boolean {
  const old = current.find(({ id }) => id === binding.id);
  return hasFlow(binding) && (old === undefined || flowOf(old) !== flowOf(binding));
}

function flowOf({ transport, sourceAddress, sourcePort, flowEpoch }: Binding): string {
  return [transport, sourceAddress, sourcePort, flowEpoch].join(' ');
}

function keyOf(binding: Binding): string {
  return `${PREFIX}${encodeURIComponent(binding.aor)}/${binding.id}`;
}

function toJson(binding: Binding): Json {
  return { ...binding };
}

function view(binding: Binding): Omit<Registration, 'isFlowLost'> {
  const { aor, contact, transport, sourceAddress, sourcePort, userAgent, registeredAt, expiresAt } = binding;
  return { aor, contact, transport, sourceAddress, sourcePort, userAgent, registeredAt, expiresAt };
}

/** Undefined when a header is malformed. */
function readRegister(request: InboundRequest, aor: string): RegisterRequest | undefined {
  const contact = request.header('Contact') ?? '';
  const contacts = contact.trim() === '*' ? '*' : nameAddrsOf(contact);
  const path = nameAddrsOf(request.header('Path') ?? '');
  const cseq = parseCSeq(request.header('CSeq') ?? '');
  const expires = request.header('Expires');
  const expiresSec = expires === undefined ? undefined : secondsOf(expires);
  if (contacts === undefined || path === undefined || cseq === undefined) return undefined;
  if (path.some(({ uri }) => parseUri(uri) === undefined)) return undefined;
  return {
    aor,
    sipCallId: request.sipCallId,
    cseq: cseq.number,
    contacts,
    // A malformed Expires counts as absent (RFC 3261 §10.2.1.1).
    expiresSec,
    path: path.map(({ uri }) => uri),
    ...readOutbound(request),
    userAgent: request.header('User-Agent') ?? '',
    source: request.source,
  };
}
