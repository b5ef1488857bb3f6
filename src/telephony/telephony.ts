/** The telephone exchange: a drachtio-srf application that registers, authenticates and connects calls. */
import type { CallControl, CallQuery, CallRecord, LocalCallDesk } from '../calls/index.ts';
import { NO_TOLL_POLICY } from '../fraud/index.ts';
import type { Store } from '../store/index.ts';
import { Bans, type BanView } from './bans.ts';
import { createSourceReader } from './edge-proxy.ts';
import { FraudGuard, type TollView } from './fraud-guard.ts';
import { LegBook } from './leg-book.ts';
import { withOfferAlone } from './multipart.ts';
import { Nonces } from './nonces.ts';
import { DEFAULT_TIMERS, type TelephonyOptions } from './options.ts';
import { PageMessages } from './page-message.ts';
import { Reception } from './reception.ts';
import { findCallRecord, queryCallRecords, RecordBook } from './record-book.ts';
import { Registrar, type Registration } from './registrar.ts';
import { answerRequest, type RequestServices } from './requests.ts';
import { type ReloadableOptions, Settings } from './settings.ts';
import type { EngineLink, EngineListener, EngineReading, InboundRequest } from './sip-ports.ts';
import { connectEngine } from './srf-adapter.ts';
import { Switchboard } from './switchboard.ts';
import { openTrunks, type TrunkDirectory, type TrunkView } from './trunk-directory.ts';
import { loadRealms } from './trunk-realms.ts';

export interface Telephony {
  /** Where the engine listens, as `proto/host:port`. */
  readonly hostPorts: readonly string[];
  /** Whether the SIP engine is there. */
  readonly isConnected: boolean;
  /** How far what the engine has sent was read; undefined while there is no connection. */
  readonly engineReading: EngineReading | undefined;
  readonly activeCalls: number;
  /** Live Bindings of all AORs. */
  readonly bindingCount: number;
  /** Records that match, those of running calls among them, newest first. */
  records(query: CallQuery): Promise<readonly CallRecord[]>;
  /** The record of one call, running or ended; of a running one with how its media does. */
  record(callId: string): Promise<CallRecord | undefined>;
  /** What may be done with running calls. */
  readonly control: CallControl;
  /** Takes in calls of parties that come over a connection of their own. */
  readonly localCalls: LocalCallDesk;
  registrations(): Promise<readonly Registration[]>;
  trunks(): readonly TrunkView[];
  /** What each tenant has spent on calls to trunks. */
  tolls(): readonly TollView[];
  /** The tenant begins anew. */
  resetToll(tenant: string): void;
  bans(): readonly BanView[];
  /** False: the address was not banned. */
  liftBan(address: string): boolean;
  /**
   * Puts other users, trunks, policies and rules in force, for every request from now on. Running calls are not
   * touched. Throws TELEPHONY_BAD_ADDRESS or LOCATE_BAD_TARGET, and all stays as it was then.
   */
  reload(options: ReloadableOptions): void;
  /** Refuses new calls, ends the running ones politely, and lets go of the engine. Bounded by `timers.shutdownMs`. */
  close(): Promise<void>;
}

/** What serves requests. */
interface ServingParts {
  readonly board: Switchboard;
  readonly settings: Settings;
  readonly services: RequestServices;
}

/** Starts it. Throws when the engine cannot be reached or refuses, or a trunk's address is malformed. */
export async function startTelephony(options: TelephonyOptions): Promise<Telephony> {
  const { store, clock, random, logger, observer, media } = options;
  const timers = { ...DEFAULT_TIMERS, ...options.timers };
  const registrar = new Registrar({
    store,
    clock,
    random,
    observer,
    flowEpoch: options.flowEpoch ?? random.hex(8),
  });
  const records = new RecordBook({ store, ttlMs: timers.recordTtlMs, clock, logger });
  const fraud = new FraudGuard({ policy: options.tollFraud ?? NO_TOLL_POLICY, store, clock, observer });
  const [realms] = await Promise.all([loadRealms(store, logger), registrar.load(), fraud.load()]);
  const bans = new Bans(options.bans, clock, observer);
  const reception = new Reception<ServingParts>();
  const sourceOf = createSourceReader(options.edgeProxies ?? []);
  const take = <T extends InboundRequest>(request: T, serve: (request: T, parts: ServingParts) => void): void =>
    reception.serve((parts) => {
      const known = { ...request, source: sourceOf(request) };
      // A trunk is known by its address and has no password to guess.
      const isBanned = bans.isBanned(known) && parts.settings.trunkOf(known) === undefined;
      if (isBanned) request.reply(403);
      else serve(known, parts);
    });
  const listener: EngineListener = {
    onInvite: (invite) => take(invite, (known, { board }) => board.onInvite(withOfferAlone(known))),
    onRequest: (request) =>
      take(request, (known, parts) => {
        void answerRequest(known, parts.settings, parts.services)?.catch((error: unknown) => {
          logger.error({ err: error, method: request.method }, 'request failed');
          request.reply(500);
        });
      }),
    onLost: () => reception.parts?.board.dropAll(),
  };
  const link = await connectEngine({ wire: options.wire, isOurs: options.isEngineOurs === true, listener, logger });
  const trunks = openTrunks(options, link, realms);
  const settings = createSettings({ options, trunks, link, bans });
  const legs = new LegBook();
  const board = new Switchboard({ options, timers, registrar, link, settings, records, trunks, legs, fraud });
  const messages = new PageMessages({ identify: settings, registrar, link, clock });
  reception.open({ board, settings, services: { registrar, messages } });
  const unsubscribe = media.onEvent((event) => board.onMedia(event));
  const close = async (): Promise<void> => {
    await Promise.all([board.close(timers.shutdownMs), trunks.unregister(timers.shutdownMs)]);
    unsubscribe();
    registrar.close();
    fraud.close();
    trunks.close();
    link.close();
    await records.flush();
  };
  return viewOf({ link, board, registrar, settings, trunks, store, records, fraud, bans, close });
}

interface SettingsParts {
  readonly options: TelephonyOptions;
  readonly trunks: TrunkDirectory;
  readonly link: EngineLink;
  readonly bans: Bans;
}

/** The trunks are looked for from now on. Throws for malformed addresses and targets, and lets go of the engine then. */
function createSettings({ options, trunks, link, bans }: SettingsParts): Settings {
  const { clock, random, observer, domain } = options;
  try {
    return new Settings(options, trunks, {
      domain,
      nonces: new Nonces(clock, random),
      onFailure: (request, why) => {
        observer({ kind: 'auth-failed', method: request.method, sourceAddress: request.source.address, why });
        if (why === 'credentials') bans.failed(request);
      },
      onSuccess: (request) => bans.succeeded(request),
    });
  } catch (error) {
    trunks.close();
    link.close();
    throw error;
  }
}

interface Running {
  readonly link: EngineLink;
  readonly board: Switchboard;
  readonly registrar: Registrar;
  readonly settings: Settings;
  readonly trunks: TrunkDirectory;
  readonly store: Store;
  readonly records: RecordBook;
  readonly fraud: FraudGuard;
  readonly bans: Bans;
  readonly close: () => Promise<void>;
}

function viewOf({ link, board, registrar, settings, trunks, store, records, fraud, bans, close }: Running): Telephony {
  return {
    hostPorts: link.hostPorts,
    get isConnected() {
      return link.isUp;
    },
    get engineReading() {
      return link.reading;
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
      const current = await board.recordNow(callId);
      if (current !== undefined) return current;
      await records.flush();
      return findCallRecord(store, callId);
    },
    localCalls: { place: (request, events) => board.placeLocal(request, events) },
    control: {
      verbs: (callId, party) => board.verbs(callId, party),
      originate: async (request) => board.originator.originate(request),
    },
    registrations: async () => registrar.list(),
    trunks: () => trunks.views(),
    tolls: () => fraud.views(),
    resetToll: (tenant) => fraud.reset(tenant),
    bans: () => bans.views(),
    liftBan: (address) => bans.lift(address),
    reload: (next) => {
      settings.replace(next);
      fraud.replacePolicy(next.tollFraud ?? NO_TOLL_POLICY);
    },
    close,
  };
}
