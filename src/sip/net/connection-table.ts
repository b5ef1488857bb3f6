/** The live connections: by id, by remote address (for reuse), and how many each source has. */
import type { Clock, Logger, Timer } from '../../kernel/index.ts';
import { type Connection, reapReason } from './connection.ts';
import type { NetTally } from './counters.ts';
import type { SipNetLimits } from './limits.ts';

const SWEEP_MS = 5000;

export class ConnectionTable {
  readonly #limits: SipNetLimits;
  readonly #tally: NetTally;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #byId = new Map<number, Connection>();
  readonly #idByRemote = new Map<string, number>();
  readonly #countBySource = new Map<string, number>();
  #lastId = 0;
  #sweep: Timer | undefined;

  constructor(limits: SipNetLimits, tally: NetTally, clock: Clock, logger: Logger) {
    this.#limits = limits;
    this.#tally = tally;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Begins to look after the connections, and calls `alsoSweep` each time it does. */
  start(alsoSweep: () => void = () => {}): void {
    this.#sweep = this.#clock.after(SWEEP_MS, () => {
      this.#reap();
      alsoSweep();
      this.start(alsoSweep);
    });
  }

  nextId(): number {
    return ++this.#lastId;
  }

  /** Whether one more connection from there is within the limits. */
  admits(address: string): boolean {
    const isWithin =
      this.#byId.size < this.#limits.connections &&
      (this.#countBySource.get(address) ?? 0) < this.#limits.connectionsPerSource;
    if (!isWithin) this.#tally.connectionsRejected++;
    return isWithin;
  }

  add(connection: Connection): void {
    const { remoteAddress } = connection.flow;
    this.#byId.set(connection.id, connection);
    this.#idByRemote.set(remoteKey(connection.flow), connection.id);
    this.#countBySource.set(remoteAddress, (this.#countBySource.get(remoteAddress) ?? 0) + 1);
    this.#tally.connectionsOpen = this.#byId.size;
  }

  remove(connection: Connection): void {
    if (!this.#byId.delete(connection.id)) return;
    this.retire(connection);
    const { remoteAddress } = connection.flow;
    const left = (this.#countBySource.get(remoteAddress) ?? 1) - 1;
    if (left > 0) this.#countBySource.set(remoteAddress, left);
    else this.#countBySource.delete(remoteAddress);
    this.#tally.connectionsOpen = this.#byId.size;
  }

  /** No longer to be found by its remote address: it is about to close. */
  retire(connection: Connection): void {
    const key = remoteKey(connection.flow);
    if (this.#idByRemote.get(key) === connection.id) this.#idByRemote.delete(key);
  }

  get(id: number): Connection | undefined {
    return this.#byId.get(id);
  }

  /** A connection of that listener with that peer, whoever opened it. */
  find(remote: RemoteName): Connection | undefined {
    const id = this.#idByRemote.get(remoteKey(remote));
    return id === undefined ? undefined : this.#byId.get(id);
  }

  /** Closes all of them and stops looking after them. */
  close(): void {
    this.#sweep?.cancel();
    for (const connection of this.#byId.values()) connection.close();
  }

  #reap(): void {
    const now = this.#clock.now();
    for (const connection of this.#byId.values()) {
      const reason = reapReason(connection.health, now, this.#limits) ?? (connection.probe(now) ? undefined : 'dead');
      if (reason === undefined) continue;
      this.#tally.connectionsReaped++;
      const { remoteAddress, transport } = connection.flow;
      this.#logger.debug({ reason, transport, remoteAddress }, 'connection reaped');
      connection.close();
    }
  }
}

/** Names a peer as one listener sees it. */
export interface RemoteName {
  readonly listenerId: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

function remoteKey({ listenerId, remoteAddress, remotePort }: RemoteName): string {
  return `${listenerId} ${remoteAddress} ${remotePort}`;
}
