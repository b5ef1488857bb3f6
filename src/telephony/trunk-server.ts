/** One resolved address of a trunk: how it is reached, and whether anybody is there. */
import type { Clock, Logger, Random, Timer } from '../kernel/index.ts';
import type { LocatedServer, LocateTarget } from '../sip/locate/index.ts';
import type { NumberUri } from './number-plan.ts';
import type { EngineLink, SipReply } from './sip-ports.ts';
import {
  type HealthEvent,
  type HealthPolicy,
  retryAfterMs,
  type Standing,
  standingOf,
  stepHealth,
  UNKNOWN_HEALTH,
} from './trunk-health.ts';

export interface TrunkServerView {
  readonly transport: string;
  readonly address: string;
  readonly port: number;
  readonly standing: Standing;
  /** Milliseconds since 1970, of the last change of `standing` that OPTIONS or calls have made. */
  readonly since: number;
  /** Of the last OPTIONS; 408 and 503 also stand for no response at all. */
  readonly lastStatus: number | undefined;
  readonly roundTripMs: number | undefined;
}

export interface TrunkServerOptions {
  readonly located: LocatedServer;
  readonly target: LocateTarget;
  readonly policy: HealthPolicy;
  readonly link: EngineLink;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** The interval varies by this share, so that the servers of a house are not all asked at once. */
const JITTER = 0.2;
/** The first OPTIONS goes out within this time. */
const FIRST_MS = 2_000;
/** Between an OPTIONS and the next that a failed call asks for. */
const MIN_GAP_MS = 1_000;

export class TrunkServer {
  readonly #options: TrunkServerOptions;
  #health = UNKNOWN_HEALTH;
  #standing: Standing = 'unknown';
  #since: number;
  #lastStatus: number | undefined;
  #roundTripMs: number | undefined;
  #timer: Timer | undefined;
  #probedAt = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(options: TrunkServerOptions) {
    this.#options = options;
    this.#since = options.clock.wallTime();
  }

  get address(): string {
    return this.#options.located.address;
  }

  /** `transport:address:port`. */
  get place(): string {
    const { transport, address, port } = this.#options.located;
    return `${transport}:${address}:${port}`;
  }

  get standing(): Standing {
    return standingOf(this.#health, this.#options.clock.now());
  }

  /** The URI of a number there. It names the trunk as it is configured: the address is only the way. */
  uriFor(user: string, style: NumberUri = 'sip'): string {
    // One that is not whole would need the context in which it is (RFC 3966 §5.1.4).
    if (style === 'tel' && /^\+\d+$/.test(user)) return `tel:${user}`;
    const { host, port, transport, isSecure } = this.#options.target;
    const named = host.includes(':') ? `[${host}]` : host;
    const tail = transport === undefined || transport === 'udp' ? '' : `;transport=${transport}`;
    const at = user === '' ? '' : `${user}@`;
    return `sip:${at}${named}${port === undefined ? '' : `:${port}`}${isSecure ? ';transport=tls' : tail}${style === 'phone' ? ';user=phone' : ''}`;
  }

  /**
   * The next hop. Without a transport that was asked for, UDP is not named: a request too large for it may then go
   * over TCP (RFC 3261 §18.1.1).
   */
  get nextHop(): string {
    const { located, target } = this.#options;
    const host = located.address.includes(':') ? `[${located.address}]` : located.address;
    const isFree = located.transport === 'udp' && target.transport === undefined;
    return `sip:${host}:${located.port}${isFree ? '' : `;transport=${located.transport}`}`;
  }

  start(): void {
    const { policy, random } = this.#options;
    if (policy.intervalMs === 0) return;
    this.#schedule(random.uint32() % Math.min(FIRST_MS, policy.intervalMs));
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  /** What a call has found out. `reply` is what ended the attempt, if anything did. */
  noteCall(isThere: boolean, reply: SipReply | undefined): void {
    const rest = reply?.status === 503 ? retryAfterMs(reply.header('Retry-After')) : undefined;
    if (rest !== undefined) this.#note({ kind: 'overloaded', retryAfterMs: rest });
    else this.#note({ kind: isThere ? 'call-heard' : 'call-failed' });
    if (!isThere) this.#probeSoon();
  }

  view(): TrunkServerView {
    const { transport, address, port } = this.#options.located;
    return {
      transport,
      address,
      port,
      standing: this.standing,
      since: this.#since,
      lastStatus: this.#lastStatus,
      roundTripMs: this.#roundTripMs,
    };
  }

  /** What a call has suspected is to be known for sure, though not once for each of many calls. */
  #probeSoon(): void {
    const { policy, clock } = this.#options;
    if (policy.intervalMs === 0 || this.#isClosed) return;
    this.#schedule(Math.max(0, this.#probedAt + MIN_GAP_MS - clock.now()));
  }

  #schedule(ms: number): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(ms, () => this.#probe());
  }

  #probe(): void {
    const { policy, random, clock, link } = this.#options;
    const spread = policy.intervalMs * JITTER;
    this.#schedule(policy.intervalMs - spread + (random.uint32() % Math.max(1, Math.floor(2 * spread))));
    // Without an engine nothing can be learned, and while it rests the server is left alone.
    if (!link.isUp || this.standing === 'resting') return;
    const sentAt = clock.now();
    this.#probedAt = sentAt;
    let isJudged = false;
    const judge = (reply: SipReply | undefined): void => {
      if (isJudged || this.#isClosed) return;
      isJudged = true;
      timer.cancel();
      this.#lastStatus = reply?.status ?? 408;
      this.#roundTripMs = reply === undefined ? undefined : Math.round(clock.now() - sentAt);
      this.#onProbed(reply);
    };
    const timer = clock.after(policy.timeoutMs, () => judge(undefined));
    const request = { method: 'OPTIONS', uri: this.uriFor(''), nextHop: this.nextHop, headers: {}, body: '' };
    void link.request(request).then((reply) => (link.isUp ? judge(reply) : undefined));
  }

  /** Any response but 408 and 503 says that the server works: many answer OPTIONS with 403, 404 or 405. */
  #onProbed(reply: SipReply | undefined): void {
    const rest = reply?.status === 503 ? retryAfterMs(reply.header('Retry-After')) : undefined;
    if (rest !== undefined) this.#note({ kind: 'overloaded', retryAfterMs: rest });
    else if (reply === undefined || reply.status === 408 || reply.status === 503) this.#note({ kind: 'probe-failed' });
    else this.#note({ kind: 'probe-answered' });
  }

  #note(event: HealthEvent): void {
    const { policy, clock, logger } = this.#options;
    this.#health = stepHealth(this.#health, event, policy, clock.now());
    const before = this.#standing;
    this.#standing = this.standing;
    if (this.#standing === before) return;
    this.#since = clock.wallTime();
    const level = this.#standing === 'up' ? 'info' : 'warn';
    logger[level]({ from: before, to: this.#standing, why: event.kind }, 'trunk server changed');
  }
}
