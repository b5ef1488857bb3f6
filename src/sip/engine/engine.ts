/**
 * The SIP engine that drachtio-srf applications talk to: drachtio-protocol §2-§6. It keeps transactions and dialogs and
 * decides; sockets, threads and time are brought by others. Here everything is put together and inputs are handed on.
 */
import type { Clock, Logger, Random } from '../../kernel/index.ts';
import { Admission, type LoadSample } from './admission.ts';
import { AppDelivery } from './app-delivery.ts';
import { AppRequests } from './app-requests.ts';
import { AppResponses } from './app-responses.ts';
import { AppTable } from './app-table.ts';
import { CallReports } from './call-reports.ts';
import { ClientTransactions } from './client-transactions.ts';
import { Connections } from './connections.ts';
import type { EngineCore } from './core.ts';
import { DialogEndings } from './dialog-endings.ts';
import { DialogTable } from './dialog-table.ts';
import { EarlyNotifies } from './early-notifies.ts';
import { FlowLoss } from './flow-loss.ts';
import { InboundRequests } from './inbound-requests.ts';
import { readFacts } from './message-facts.ts';
import { NextHops } from './next-hop.ts';
import { DEFAULT_OPTIONS, type EngineOptions } from './options.ts';
import type { EngineParts } from './parts.ts';
import type {
  AppCommand,
  AppId,
  EngineApps,
  EngineHandlers,
  EngineInput,
  EngineNet,
  Received,
  Refused,
} from './ports.ts';
import { Proxies } from './proxies.ts';
import { ServerTransactions } from './server-transactions.ts';
import { SessionTimers } from './session-timers.ts';
import { StatelessRelay } from './stateless-relay.ts';
import { TimerQueue } from './timer-queue.ts';

export interface EngineSetup {
  readonly net: EngineNet;
  readonly apps: EngineApps;
  readonly handlers?: EngineHandlers;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly options?: Partial<EngineOptions>;
}

/** How much is under way, for metrics and for tests that look for leaks. */
export interface EngineLoad {
  readonly serverTransactions: number;
  readonly clientTransactions: number;
  readonly dialogs: number;
  readonly timers: number;
}

/** How the load is borne. */
export interface EnginePressure {
  /** INVITEs no application has answered at all. */
  readonly unansweredCalls: number;
  /** Requests refused because of too much load, since the start. */
  readonly turnedAway: number;
  /** The part of new calls that is let in, of trunks and registered sources, and of strangers: 0 … 1. */
  readonly admittedShare: number;
  readonly admittedStrangers: number;
}

export class SipEngine implements EngineInput {
  readonly #core: EngineCore;
  readonly #parts: EngineParts;
  readonly #inbound: InboundRequests;
  readonly #requests: AppRequests;
  readonly #responses: AppResponses;
  readonly #flows: FlowLoss;
  readonly #relay: StatelessRelay;
  readonly #proxies: Proxies;

  constructor(setup: EngineSetup) {
    const { net, apps, clock, random, logger } = setup;
    const options = { ...DEFAULT_OPTIONS, ...setup.options };
    const timers = new TimerQueue(clock, (err) =>
      logger.error({ err }, 'timer that the SIP engine failed on was dropped'),
    );
    const core: EngineCore = { net, apps, handlers: setup.handlers, clock, random, logger, options, timers };
    const appTable = new AppTable(options);
    const connections = new Connections(clock);
    this.#core = core;
    this.#parts = {
      core,
      admission: new Admission(options),
      appTable,
      connections,
      servers: new ServerTransactions(core, (tx) => {
        appTable.countTransaction(tx.app, -1);
        tx.reliable?.stop();
      }),
      clients: new ClientTransactions(core),
      dialogs: new DialogTable(core, appTable),
      notifies: new EarlyNotifies(core),
      reports: new CallReports(apps, appTable),
      hops: new NextHops(core, connections),
      delivery: new AppDelivery(core),
    };
    const endings = new DialogEndings(this.#parts);
    this.#flows = new FlowLoss(this.#parts, endings);
    const keepers = { endings, sessions: new SessionTimers(this.#parts, endings) };
    this.#relay = new StatelessRelay(this.#parts);
    this.#proxies = new Proxies(this.#parts, this.#relay);
    this.#inbound = new InboundRequests(this.#parts, keepers.sessions, this.#proxies);
    this.#requests = new AppRequests(this.#parts, keepers);
    this.#responses = new AppResponses(this.#parts, keepers, this.#flows);
  }

  get load(): EngineLoad {
    const { servers, clients, dialogs } = this.#parts;
    return {
      serverTransactions: servers.size,
      clientTransactions: clients.size,
      dialogs: dialogs.size,
      timers: this.#core.timers.size,
    };
  }

  get pressure(): EnginePressure {
    const { servers, admission } = this.#parts;
    return {
      unansweredCalls: servers.unanswered,
      turnedAway: admission.turnedAway,
      admittedShare: admission.shares.known,
      admittedStrangers: admission.shares.strangers,
    };
  }

  /** Is told about fifty times a second how the threads keep up. */
  loadSampled(sample: LoadSample): void {
    this.#parts.admission.observe(sample, this.#parts.servers);
  }

  /** Calls to these numbers are let in whatever the load, from now on. */
  replaceEmergencyNumbers(numbers: readonly string[]): void {
    this.#parts.admission.replaceEmergencyNumbers(numbers);
  }

  received(received: Received): void {
    const { message, flow } = received;
    this.#parts.connections.seen(flow);
    const facts = readFacts(message);
    if (facts === undefined) {
      this.#core.logger.debug({ remote: flow.remoteAddress }, 'message without the headers to match it dropped');
      return;
    }
    if (message.kind === 'request' && this.#relay.isUsed && this.#relay.request(message, facts, received)) return;
    if (message.kind === 'request') return this.#inbound.received(message, facts, received);
    if (this.#parts.clients.received({ response: message, facts, received })) return;
    if (this.#relay.isUsed) return this.#relay.response(message, facts);
    this.#core.logger.debug({ remote: flow.remoteAddress, status: message.status }, 'response to nothing dropped');
  }

  refused(refused: Refused): void {
    this.#parts.connections.seen(refused.flow);
    this.#inbound.refused(refused);
  }

  connectionClosed(connectionId: number): void {
    this.#flows.connectionClosed(connectionId);
  }

  appConnected(app: AppId, tags: readonly string[]): void {
    this.#parts.appTable.connect(app, tags);
  }

  appCommand(app: AppId, command: AppCommand): void {
    const { appTable } = this.#parts;
    if (!appTable.has(app)) return;
    switch (command.kind) {
      case 'route':
        appTable.route(app, command.verb.toLowerCase());
        return this.#confirm(app, command.id);
      case 'remove-route':
        // drachtio-server forgets them all (drachtio-protocol §10.3).
        if (this.#core.options.strict) appTable.unrouteAll(app);
        else appTable.unroute(app, command.verb.toLowerCase());
        return this.#confirm(app, command.id);
      case 'sip':
        return this.#sip(app, command);
      case 'proxy':
        return this.#proxies.command(app, command);
    }
  }

  appClosed(app: AppId): void {
    const { appTable, servers, dialogs } = this.#parts;
    appTable.close(app);
    for (const tx of servers.open()) if (tx.app === app) servers.respondPlain(tx, 503);
    this.#requests.appClosed(app);
    dialogs.orphan(app);
  }

  #sip(app: AppId, command: Extract<AppCommand, { kind: 'sip' }>): void {
    if (!/^SIP\/2\.0 /i.test(command.startLine)) return this.#requests.request(app, command);
    if (command.transactionId !== '') return this.#responses.respond(app, command);
    this.#core.apps.send(app, { kind: 'refuse', id: command.id, text: 'transaction id missing' }, false);
  }

  #confirm(app: AppId, id: string): void {
    this.#core.apps.send(app, { kind: 'response', id, fields: ['OK'], message: undefined }, false);
  }
}
