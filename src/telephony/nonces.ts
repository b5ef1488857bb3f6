/**
 * Nonces that prove themselves: issue time, chance, and a keyed hash over both (RFC 7616 §3.3 suggests the like).
 * Nothing is kept for a challenge, so a flood of requests costs no memory; counters are kept for nonces in use.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock, Random } from '../kernel/index.ts';

export type NonceVerdict = 'ok' | 'stale' | 'replay' | 'forged';

/** How far behind the highest nonce count one may come in and still be new: UDP reorders. */
const WINDOW = 64;
const MAX_IN_USE = 100_000;

interface Counter {
  highest: number;
  readonly seen: Set<number>;
  readonly expiresAt: number;
}

export class Nonces {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #key: string;
  readonly #inUse = new Map<string, Counter>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
    this.#key = random.hex(32);
  }

  issue(): string {
    const issued = `${Math.floor(this.#clock.now()).toString(36)}-${this.#random.hex(8)}`;
    return `${issued}-${this.#seal(issued)}`;
  }

  /** Whether we made it, whether it lives, and whether its count `nc` is new. Only for credentials that are right otherwise. */
  use(nonce: string, nc: number, lifetimeMs: number): NonceVerdict {
    const expiresAt = this.#expiryOf(nonce, lifetimeMs);
    if (expiresAt === undefined) return 'forged';
    if (expiresAt <= this.#clock.now()) return 'stale';
    const counter = this.#inUse.get(nonce) ?? { highest: 0, seen: new Set<number>(), expiresAt };
    if (nc <= counter.highest - WINDOW || counter.seen.has(nc)) return 'replay';
    counter.seen.add(nc);
    if (nc > counter.highest) this.#advance(counter, nc);
    this.#inUse.set(nonce, counter);
    this.#forgetOld();
    return 'ok';
  }

  /** How many nonces are being counted, for tests that look for leaks. */
  get size(): number {
    return this.#inUse.size;
  }

  #advance(counter: Counter, nc: number): void {
    counter.highest = nc;
    for (const old of counter.seen) if (old <= nc - WINDOW) counter.seen.delete(old);
  }

  #expiryOf(nonce: string, lifetimeMs: number): number | undefined {
    const [time = '', chance = '', seal = '', ...rest] = nonce.split('-');
    if (rest.length > 0) return undefined;
    const expected = Buffer.from(this.#seal(`${time}-${chance}`));
    const given = Buffer.from(seal);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    return Number.parseInt(time, 36) + lifetimeMs;
  }

  #seal(issued: string): string {
    return createHmac('sha256', this.#key).update(issued).digest('hex').slice(0, 32);
  }

  /** The map is in order of first use, so what has expired stands in front. */
  #forgetOld(): void {
    const now = this.#clock.now();
    for (const [nonce, { expiresAt }] of this.#inUse) {
      if (expiresAt > now && this.#inUse.size <= MAX_IN_USE) return;
      this.#inUse.delete(nonce);
    }
  }
}
