/** Host names to addresses, remembered for a while. */
import { lookup } from 'node:dns/promises';
import type { Clock } from '../../kernel/index.ts';
import { asNumber } from './address.ts';

const KEEP_MS = 30_000;
const KEEP_COUNT = 1000;

interface Remembered {
  readonly addresses: Promise<readonly string[]>;
  readonly until: number;
}

export class HostLookup {
  readonly #clock: Clock;
  readonly #remembered = new Map<string, Remembered>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** All addresses of `host`, in the order the system gives them; a number is its own address. Rejects when there are none. */
  resolve(host: string): Promise<readonly string[]> {
    const number = asNumber(host);
    if (number !== undefined) return Promise.resolve([number]);
    const name = host.toLowerCase();
    // A browser's made-up host (RFC 7118 §5.1): no server of names is to be asked for it (RFC 6761 §6.4).
    if (name.endsWith('.invalid')) return Promise.reject(new Error(`${name} has no address`));
    const known = this.#remembered.get(name);
    if (known !== undefined && known.until > this.#clock.now()) return known.addresses;
    if (this.#remembered.size >= KEEP_COUNT) this.#remembered.clear();
    const addresses = lookup(name, { all: true, verbatim: true }).then((all) => all.map(({ address }) => address));
    this.#remembered.set(name, { addresses, until: this.#clock.now() + KEEP_MS });
    addresses.catch(() => this.#remembered.delete(name));
    return addresses;
  }
}
