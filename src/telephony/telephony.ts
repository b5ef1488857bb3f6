/** The telephone exchange: a drachtio-srf application that registers, authenticates and connects calls. */
import type { CallQuery, CallRecord } from '../calls/index.ts';
import type { Store } from '../store/index.ts';
import { createSourceReader } from './edge-proxy.ts';
import { LegBook } from './leg-book.ts';
import { Nonces } from './nonces.ts';
import { DEFAULT_TIMERS, type TelephonyOptions } from './options.ts';
import { findCallRecord, queryCallRecords, RecordBook } from './record-book.ts';
import { Registrar, type Registration } from './registrar.ts';
import { answerRequest } from './requests.ts';
import { type ReloadableOptions, Settings } from './settings.ts';
import type { EngineLink, EngineListener } from './sip-ports.ts';
import { connectEngine } from './srf-adapter.ts';
import { Switchboard } from './switchboard.ts';

export interface Telephony {
  /** Where the engine listens, as `proto/host:port`. */
  readonly hostPorts: readonly string[];
  /** Whether the SIP engine is there. */
  readonly isConnected: boolean;
  readonly activeCalls: number;
  /** Live Bindings of all AORs. */
  readonly bindingCount: number;
  /** Records that match, those of running calls among them, newest first. */
  records(query: CallQuery): Promise<readonly CallRecord[]>;
  /** The record of one call, running or ended. */
  record(callId: string): Promise<CallRecord | undefined>;
  registrations(): Promise<readonly Registration[]>;
  /**
   * Puts other users, trunks, policies and rules in force, for every request from now on. Running calls are not
   * touched. Throws TELEPHONY_BAD_ADDRESS, and all stays as it was then.
   */
  reload(options: ReloadableOptions): void;
  /** Refuses new calls, ends the running ones politely, and lets go of the engine. Bounded by `timers.shutdownMs`. */
  close(): Promise<void>;
}

/** Starts it. Throws when the engine cannot be reached or refuses, or a trunk's address is malformed. */
export async function startTelephony(options: TelephonyOptions): Promise<Telephony> {
  const { store, clock, random, logger, observer, media, domain } = options;
  const timers = { ...DEFAULT_TIMERS, ...options.timers };
  const registrar = new Registrar({
    store,
    clock,
    random,
    observer,
    flowEpoch: options.flowEpoch ?? random.hex(8),
  });
  const settings = new Settings(options, {
    domain,
    nonces: new Nonces(clock, random),
    onFailure: ({ method, source }, why) => {
      observer({ kind: 'auth-failed', method, sourceAddress: source.address, why });
    },
  });
  const records = new RecordBook({ store, ttlMs: timers.recordTtlMs, clock, logger });
  await registrar.load();
  // Requests arrive from the moment the engine knows us; until the parts stand there is nobody to take them.
  let switchboard: Switchboard | undefined;
  const sourceOf = createSourceReader(options.edgeProxies ?? []);
  const listener: EngineListener = {
    onInvite: (invite) =>
      switchboard === undefined
        ? invite.reply(503, { 'Retry-After': '1' })
        : switchboard.onInvite({ ...invite, source: sourceOf(invite) }),
    onRequest: (request) =>
      void answerRequest({ ...request, source: sourceOf(request) }, settings, registrar)?.catch((error: unknown) => {
        logger.error({ err: error, method: request.method }, 'request failed');
        request.reply(500);
      }),
    onLost: () => switchboard?.dropAll(),
  };
  const link = await connectEngine({ wire: options.wire, isOurs: options.isEngineOurs === true, listener, logger });
  const board = new Switchboard({ options, timers, registrar, link, settings, records, legs: new LegBook() });
  switchboard = board;
  const unsubscribe = media.onEvent((event) => board.onMedia(event));
  const close = async (): Promise<void> => {
    await board.close(timers.shutdownMs);
    unsubscribe();
    registrar.close();
    link.close();
    await records.flush();
  };
  return running({ link, board, registrar, settings, store, records, close });
}

interface Running {
  readonly link: EngineLink;
  readonly board: Switchboard;
  readonly registrar: Registrar;
  readonly settings: Settings;
  readonly store: Store;
  readonly records: RecordBook;
  readonly close: () => Promise<void>;
}

function running({ link, board, registrar, settings, store, records, close }: Running): Telephony {
  return {
    hostPorts: link.hostPorts,
    get isConnected() {
      return link.isUp;
    },
    get activeCalls() {
      return board.activeCalls;
    },
    get bindingCount() {
      return registrar.size;
    },
    // A running call is further than what is kept of it; one that has just ended may not be kept yet.
    records: async (query) => {
      await records.flush();
      return queryCallRecords(store, query, (record) => board.record(record.callId) ?? record);
    },
    record: async (callId) => {
      const current = board.record(callId);
      if (current !== undefined) return current;
      await records.flush();
      return findCallRecord(store, callId);
    },
    registrations: async () => registrar.list(),
    reload: (next) => settings.replace(next),
    close,
  };
}
