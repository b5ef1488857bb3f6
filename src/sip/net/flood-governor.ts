/**
 * Sheds floods by source and sort of message before anything is parsed: a token bucket for each. What is over the
 * budget is answered 503 at a low rate, so that a peer who is merely too fast learns of it, and dropped beyond that.
 * One message costs a look-up and some arithmetic; nothing is remembered of it.
 */
import type { BlockList } from 'node:net';
import type { Clock, Logger } from '../../kernel/index.ts';
import { isEmergencyUri } from '../message/index.ts';
import type { NetTally } from './counters.ts';
import type { FloodLimits } from './flood-limits.ts';
import { type MessageClass, messageClass } from './message-class.ts';
import { createNetworks, isWithin, sourcePrefix } from './source-prefix.ts';

/** `known`: it passes, and its source is a trunk or has registered. `refuse`: answer it 503 without serving it. */
export type FloodVerdict = 'known' | 'stranger' | 'refuse' | 'drop';

/** 503 responses to one source, and to all of them, per second. */
const REFUSALS_PER_SEC = 5;
const ALL_REFUSALS_PER_SEC = 200;
/** Emergency calls beyond the budget of their source, per second: more than people make, less than a flood. */
const EMERGENCIES_PER_SEC = 20;
/** Longest start line that is searched for an emergency number. */
const START_LINE_BYTES = 80;
/** A source is spoken of once in so long; and not more than so many of them in that time. */
const LOG_EVERY_MS = 60_000;
const LOG_LINES = 50;
/** Sources remembered. Beyond them strangers share one budget until some have fallen silent. */
const MAX_SOURCES = 50_000;
/** How long a registration makes its source known. */
const KNOWN_MS = 7_200_000;

interface Bucket {
  tokens: number;
  at: number;
}

interface Source {
  readonly name: string;
  isTrusted: boolean;
  /** What `isTrusted` was decided by. */
  trustedBy: BlockList;
  knownUntil: number;
  readonly buckets: { readonly [Class in MessageClass]: Bucket };
  readonly refusals: Bucket;
  lastAt: number;
  /** Messages shed and not yet spoken of. */
  shed: number;
  loggedAt: number;
}

export interface FloodSetup {
  readonly limits: FloodLimits;
  readonly tally: NetTally;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What the limits on strangers do not hold up. */
export interface Exemptions {
  /** Sources that may send as much as they like, trunks above all: IP, IP/prefix length, IP:port. */
  readonly trustedNetworks: readonly string[];
  /** Calls to these numbers pass where the budget of their source is spent. */
  readonly emergencyNumbers: readonly string[];
}

/** What strangers together may send at once, in seconds of their rate: phones come back in crowds. */
const STRANGERS_BURST_SEC = 5;

export class FloodGovernor {
  readonly #setup: FloodSetup;
  #trusted: BlockList;
  #emergencyNumbers: ReadonlySet<string>;
  readonly #rates: { readonly [Class in MessageClass]: number };
  /** By address, several of which may lead to one source. */
  readonly #byAddress = new Map<string, Source>();
  readonly #byPrefix = new Map<string, Source>();
  readonly #strangers: Bucket;
  readonly #refusals: Bucket;
  readonly #emergencies: Bucket;
  readonly #crowd: Source;
  #logLines = 0;
  #logSince = 0;

  /** Throws SIP_BAD_NETWORK. */
  constructor(setup: FloodSetup, { trustedNetworks, emergencyNumbers }: Exemptions) {
    const { limits, clock } = setup;
    const now = clock.now();
    this.#setup = setup;
    this.#trusted = createNetworks(trustedNetworks);
    this.#emergencyNumbers = new Set(emergencyNumbers);
    this.#rates = {
      calls: limits.callsPerSec,
      registrations: limits.registrationsPerSec,
      requests: limits.requestsPerSec,
      followUps: limits.followUpsPerSec,
    };
    this.#strangers = { tokens: limits.strangersPerSec * STRANGERS_BURST_SEC, at: now };
    this.#refusals = { tokens: ALL_REFUSALS_PER_SEC, at: now };
    this.#emergencies = { tokens: EMERGENCIES_PER_SEC, at: now };
    this.#crowd = this.#createSource('many', now);
  }

  /** Sources remembered, for tests and metrics. */
  get sources(): number {
    return this.#byPrefix.size;
  }

  /** From now on. What was counted of a source stays. Throws SIP_BAD_NETWORK, and all stays as it was then. */
  exempt({ trustedNetworks, emergencyNumbers }: Exemptions): void {
    this.#trusted = createNetworks(trustedNetworks);
    this.#emergencyNumbers = new Set(emergencyNumbers);
  }

  /** Judges one message; what does not pass is counted. */
  judge(address: string, data: Buffer): FloodVerdict {
    const now = this.#setup.clock.now();
    const source = this.#byAddress.get(address) ?? this.#meet(address, now);
    source.lastAt = now;
    if (this.#isTrusted(source, address)) return 'known';
    const of = messageClass(data);
    const isKnown = source.knownUntil > now;
    if (this.#takes(source, of, isKnown, now)) return isKnown ? 'known' : 'stranger';
    if (of === 'calls' && this.#isEmergency(data, now)) return 'stranger';
    this.#setup.tally.shed++;
    this.#note(source, of, now);
    if (of === 'followUps' || !this.#mayRefuse(source, now)) return 'drop';
    this.#setup.tally.shedAnswered++;
    return 'refuse';
  }

  /** Somebody there has registered: the budget grows for a while. */
  vouch(address: string): void {
    const now = this.#setup.clock.now();
    const source = this.#byAddress.get(address) ?? this.#meet(address, now);
    if (source !== this.#crowd) source.knownUntil = now + KNOWN_MS;
  }

  /** Forgets who has been silent until its buckets were full again: nothing is lost by that. */
  sweep(): void {
    const silentSince = this.#setup.clock.now() - this.#setup.limits.burstSec * 1000 - LOG_EVERY_MS;
    for (const [prefix, source] of this.#byPrefix) {
      if (source.lastAt < silentSince && source.knownUntil < silentSince) this.#byPrefix.delete(prefix);
    }
    for (const [address, source] of this.#byAddress) {
      if (source.lastAt < silentSince && !this.#byPrefix.has(source.name)) this.#byAddress.delete(address);
    }
  }

  /** Looked up once for each source, and once more when other networks are trusted. */
  #isTrusted(source: Source, address: string): boolean {
    if (source === this.#crowd) return isWithin(this.#trusted, address);
    if (source.trustedBy !== this.#trusted) {
      source.trustedBy = this.#trusted;
      source.isTrusted = isWithin(this.#trusted, address);
    }
    return source.isTrusted;
  }

  #takes(source: Source, of: MessageClass, isKnown: boolean, now: number): boolean {
    const { burstSec, knownFactor, strangersPerSec } = this.#setup.limits;
    const rate = this.#rates[of] * (isKnown ? knownFactor : 1);
    if (!take(source.buckets[of], rate, rate * burstSec, now)) return false;
    return (
      isKnown ||
      of === 'followUps' ||
      take(this.#strangers, strangersPerSec, strangersPerSec * STRANGERS_BURST_SEC, now)
    );
  }

  #isEmergency(data: Buffer, now: number): boolean {
    const [, uri = ''] = data.toString('latin1', 0, START_LINE_BYTES).split(' ', 2);
    if (!isEmergencyUri(uri, this.#emergencyNumbers)) return false;
    return take(this.#emergencies, EMERGENCIES_PER_SEC, EMERGENCIES_PER_SEC, now);
  }

  #mayRefuse(source: Source, now: number): boolean {
    return (
      take(source.refusals, REFUSALS_PER_SEC, REFUSALS_PER_SEC, now) &&
      take(this.#refusals, ALL_REFUSALS_PER_SEC, ALL_REFUSALS_PER_SEC, now)
    );
  }

  #meet(address: string, now: number): Source {
    const name = sourcePrefix(address);
    const known = this.#byPrefix.get(name);
    if (known === undefined && this.#byPrefix.size >= MAX_SOURCES) return this.#crowd;
    const source = known ?? this.#createSource(name, now, isWithin(this.#trusted, address));
    this.#byPrefix.set(name, source);
    if (this.#byAddress.size < MAX_SOURCES) this.#byAddress.set(address, source);
    return source;
  }

  #createSource(name: string, now: number, isTrusted = false): Source {
    const { burstSec } = this.#setup.limits;
    const full = (of: MessageClass): Bucket => ({ tokens: this.#rates[of] * burstSec, at: now });
    return {
      name,
      isTrusted,
      trustedBy: this.#trusted,
      knownUntil: 0,
      buckets: {
        calls: full('calls'),
        registrations: full('registrations'),
        requests: full('requests'),
        followUps: full('followUps'),
      },
      refusals: { tokens: REFUSALS_PER_SEC, at: now },
      lastAt: now,
      shed: 0,
      loggedAt: Number.NEGATIVE_INFINITY,
    };
  }

  /** One line for each source and interval, and not one for each of a thousand forged ones. */
  #note(source: Source, of: MessageClass, now: number): void {
    source.shed++;
    if (now - source.loggedAt < LOG_EVERY_MS) return;
    if (now - this.#logSince >= LOG_EVERY_MS) {
      this.#logSince = now;
      this.#logLines = 0;
    }
    if (++this.#logLines > LOG_LINES) return;
    this.#setup.logger.warn({ source: source.name, sort: of, shed: source.shed }, 'source sends too much: shedding');
    source.loggedAt = now;
    source.shed = 0;
  }
}

/** Takes one token out of a bucket that fills with `rate` per second up to `depth`. */
function take(bucket: Bucket, rate: number, depth: number, now: number): boolean {
  bucket.tokens = Math.min(depth, bucket.tokens + ((now - bucket.at) * rate) / 1000);
  bucket.at = now;
  if (bucket.tokens < 1) return false;
  bucket.tokens--;
  return true;
}
