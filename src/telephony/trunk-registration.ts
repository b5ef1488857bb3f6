/** Keeps us registered with one trunk: does what registration-step.ts decides. */
import type { CallObserver, TrunkRegistrationState } from '../calls/index.ts';
import type { Clock, Logger, Random, Timer } from '../kernel/index.ts';
import { parseUri } from '../sip/message/index.ts';
import type { Trunk } from './options.ts';
import { nameAddrsOf, secondsOf } from './register.ts';
import type { RegisterAccount } from './registration-account.ts';
import {
  isRegistered,
  type RegistrationInput,
  type RegistrationOutput,
  type RegistrationState,
  type ServerChoice,
  startRegistration,
  stepRegistration,
} from './registration-step.ts';
import type { EngineLink, OutboundCredentials, SipReply } from './sip-ports.ts';
import { isPromising, retryAfterMs } from './trunk-health.ts';
import { DEFAULT_HUNT } from './trunk-hunt.ts';
import type { TrunkServer } from './trunk-server.ts';
import { within } from './within.ts';

export interface RankedServer {
  readonly server: TrunkServer;
  /** The lowest is preferred. */
  readonly rank: number;
}

export interface TrunkRegistrationOptions {
  readonly trunk: Trunk;
  readonly account: RegisterAccount;
  /** Where to register at present, best first. */
  readonly servers: () => readonly RankedServer[];
  readonly credentials: () => OutboundCredentials | undefined;
  readonly link: EngineLink;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly observer: CallObserver;
}

export interface RegistrationView {
  readonly aor: string;
  readonly state: TrunkRegistrationState;
  /** Milliseconds since 1970, of the last change of `state`. */
  readonly since: number;
  /** The next hop to where the registration lives. */
  readonly server: string | undefined;
  /** Milliseconds since 1970. */
  readonly expiresAt: number | undefined;
  readonly lastStatus: number | undefined;
}

/** A REGISTER may be sent up to three times for challenges, each under the next number. */
const CSEQ_STEP = 3;

export class TrunkRegistration {
  readonly #options: TrunkRegistrationOptions;
  readonly #callId: string;
  readonly #tag: string;
  #state: RegistrationState;
  #shown: TrunkRegistrationState = 'trying';
  #since: number;
  #cseq = 1;
  #timer: Timer | undefined;
  readonly #open = new Set<Promise<void>>();
  #wasUp = true;

  constructor(options: TrunkRegistrationOptions) {
    const { random, clock, account } = options;
    this.#options = options;
    this.#callId = random.uuid();
    this.#tag = random.hex(8);
    this.#state = startRegistration(account.policy);
    this.#since = clock.wallTime();
  }

  start(): void {
    this.#timer = this.#options.clock.after(1, () => this.#due());
  }

  /** Where the registration lives; undefined: nowhere. */
  get home(): string | undefined {
    return isRegistered(this.#state, this.#options.clock.now()) ? this.#state.binding?.server.key : undefined;
  }

  view(): RegistrationView {
    const { clock, account } = this.#options;
    const { binding, lastStatus } = this.#state;
    const server = this.home;
    const expiresAt =
      server === undefined || binding === undefined
        ? undefined
        : Math.round(clock.wallTime() + binding.expiresAt - clock.now());
    return { aor: account.aor, state: this.#shown, since: this.#since, server, expiresAt, lastStatus };
  }

  /** Takes the registration back, and resolves when that is answered. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#feed({ kind: 'stop' });
    while (this.#open.size > 0) await Promise.all(this.#open);
  }

  #due(): void {
    const { servers, link } = this.#options;
    // Behind another engine, or the same one started again, no connection is what the registrar knows.
    if (link.isUp && !this.#wasUp) this.#feed({ kind: 'renew' });
    this.#wasUp = link.isUp;
    const choices = servers().map(
      ({ server, rank }): ServerChoice => ({ key: server.nextHop, rank, isPromising: isPromising(server.standing) }),
    );
    this.#feed({ kind: 'due', servers: choices, isEngineUp: link.isUp });
  }

  #feed(input: WithoutTime<RegistrationInput>): void {
    const { clock, random } = this.#options;
    const facts = { now: clock.now(), chance: random.uint32() / 0xffffffff };
    const { state, outputs } = stepRegistration(this.#state, { ...input, ...facts });
    this.#state = state;
    this.#show();
    for (const output of outputs) this.#perform(output);
  }

  #perform(output: RegistrationOutput): void {
    if (output.kind === 'register') return this.#send(output.server, output.expiresSec);
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(output.ms, () => this.#due());
  }

  #send(key: string, expiresSec: number): void {
    const sending = this.#register(key, expiresSec);
    this.#open.add(sending);
    void sending.finally(() => this.#open.delete(sending));
  }

  async #register(nextHop: string, expiresSec: number): Promise<void> {
    const { account, link, credentials, servers, clock, trunk } = this.#options;
    const server = servers().find((each) => each.server.nextHop === nextHop)?.server;
    const cseq = this.#cseq;
    this.#cseq += CSEQ_STEP;
    const headers = {
      From: `<${account.aor}>;tag=${this.#tag}`,
      To: `<${account.aor}>`,
      'Call-ID': this.#callId,
      CSeq: `${cseq} REGISTER`,
      Contact: `<sip:${account.contactUser}@localhost>`,
      Expires: String(expiresSec),
    };
    const request = { method: 'REGISTER', uri: account.registrar, nextHop, headers, body: '' };
    const { tryTimeoutMs } = trunk.hunt ?? DEFAULT_HUNT;
    const reply = await within({ ms: tryTimeoutMs, clock }, link.request({ ...request, credentials: credentials() }));
    const status = reply?.status ?? 408;
    server?.noteCall(status !== 408 && status !== 503, reply);
    this.#feed({ kind: 'reply', status, ...(reply === undefined ? {} : this.#facts(reply)) });
  }

  #facts(reply: SipReply) {
    return {
      expiresSec: this.#granted(reply),
      minExpiresSec: secondsOf(reply.header('Min-Expires') ?? ''),
      retryAfterMs: retryAfterMs(reply.header('Retry-After')),
    };
  }

  /** What the registrar says of our Contact among all of the AOR (RFC 3261 §10.2.4), else of all. */
  #granted(reply: SipReply): number | undefined {
    const { account, link } = this.#options;
    const ours = nameAddrsOf(reply.header('Contact') ?? '')?.filter(({ uri: text }) => {
      const uri = parseUri(text);
      if (uri === undefined || uri.scheme === 'tel' || uri.user !== account.contactUser) return false;
      return link.hostPorts.some((place) => place.includes(`/${uri.host}:`));
    });
    const times = (ours ?? []).flatMap(({ params }) => secondsOf(params.get('expires') ?? '') ?? []);
    return times.length > 0 ? Math.max(...times) : secondsOf(reply.header('Expires') ?? '');
  }

  #show(): void {
    const { observer, trunk, clock } = this.#options;
    const { lastStatus: status } = this.#state;
    const state = this.#stateName();
    if (state === this.#shown) return;
    this.#shown = state;
    this.#since = clock.wallTime();
    observer({ kind: 'trunk-registration', trunk: trunk.name, state, server: this.home, sipStatus: status });
  }

  #stateName(): TrunkRegistrationState {
    if (this.#state.activity.kind === 'ended') return 'ended';
    if (this.home !== undefined) return 'registered';
    if (this.#state.failures === 0) return 'trying';
    return this.#state.isRefused ? 'refused' : 'failed';
  }
}

type WithoutTime<Input> = Input extends unknown ? Omit<Input, 'now' | 'chance'> : never;
