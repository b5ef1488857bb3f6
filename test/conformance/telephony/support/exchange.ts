/** Telephony on the engine under test, with the real media plane and store, and everything it says written down. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type {
  CallEvent,
  CallRecord,
  DigitPress,
  MediaEvent,
  MediaPlane,
  PortReport,
  Sound,
} from '../../../../src/calls/index.ts';
import { parseDialplan } from '../../../../src/dialplan/index.ts';
import { type PortId, silentLogger, systemClock, systemRandom } from '../../../../src/kernel/index.ts';
import { type RunningMediaPlane, startMediaPlane } from '../../../../src/media/index.ts';
import { openEmbeddedStore, type Store } from '../../../../src/store/index.ts';
import {
  type ProfilePolicy,
  startTelephony,
  type Telephony,
  type TelephonyOptions,
  type Trunk,
} from '../../../../src/telephony/index.ts';
import type { TestEngine } from '../../../support/test-engine.ts';
import { until } from '../../../support/until.ts';

const LOOPBACK = '127.0.0.1';
export const DOMAIN = 'exchange.test';
export const USERS = ['alice', 'bob', 'carol'];
export const passwordOf = (user: string): string => `secret-of-${user}`;

const root = path.resolve(import.meta.dirname, '../../../..');
const workerBin = process.env['MEDIASOUP_WORKER_BIN'] ?? path.join(root, '.viaduct', 'mediasoup-worker');

export const phones: ProfilePolicy = {
  name: 'phones',
  media: 'rtp',
  codecs: ['opus', 'G722', 'PCMU', 'PCMA'],
  nat: { source: 'latch' },
  auth: { required: true, algorithms: ['MD5'], nonceLifetimeSec: 300 },
  registration: { minExpiresSec: 30, maxExpiresSec: 3600, maxContacts: 10 },
  transfer: { refer: 'bridge' },
  dtmf: 'auto',
};
export const browsers: ProfilePolicy = { ...phones, name: 'browsers', media: 'webrtc' };
export const trunks: ProfilePolicy = {
  ...phones,
  name: 'trunks',
  nat: { source: 'sdp' },
  auth: { ...phones.auth, required: false },
  transfer: { refer: 'off' },
};

const RULES = [
  { name: 'echo', why: 'returns what it hears', when: { to: 'echo' }, route: { agent: 'echo' } },
  { name: 'tone', why: 'plays 440 Hz', when: { to: 'tone' }, route: { agent: 'tone' } },
  {
    name: 'user',
    why: 'one of ours',
    when: { toIsUser: true, source: ['user', 'trunk', 'anonymous'] },
    route: { user: '${0}' },
  },
  {
    name: 'transit',
    why: 'trunk to trunk',
    when: { source: 'trunk', to: '9(#*)' },
    route: { trunk: 'carrier', number: '${1}' },
  },
  {
    name: 'out',
    why: 'users may call out',
    when: { source: 'user', to: '#*' },
    route: { trunk: 'carrier', number: '${0}' },
  },
];

/** `musicOnHold`: without it who is held hears nothing but what the holder sends. */
export async function startRealPlane(musicOnHold = 'none'): Promise<RunningMediaPlane> {
  if (!existsSync(workerBin)) throw new Error('these tests need the worker: run "node scripts/worker.mjs"');
  return startMediaPlane({
    workerBin,
    workers: 1,
    webRtc: { addresses: [{ address: LOOPBACK }], port: 44_640 },
    edge: {
      threads: 1,
      listen: [{ address: LOOPBACK }],
      portRange: { min: 44_650, max: 44_749 },
      quarantineMs: 50,
      logger: silentLogger,
      clock: systemClock,
      random: systemRandom,
    },
    musicOnHold,
    logger: silentLogger,
    clock: systemClock,
  });
}

/** The real plane, with what goes through it written down, and faults on demand. */
export class WatchedPlane implements MediaPlane {
  readonly opened: PortId[] = [];
  readonly closed: PortId[] = [];
  readonly connects: Parameters<MediaPlane['connect']>[0][] = [];
  readonly bridges: (readonly [PortId, PortId])[] = [];
  readonly digits: (DigitPress & { readonly portId: PortId })[] = [];
  readonly played: { readonly portId: PortId; readonly sound: Sound | undefined }[] = [];
  /** None unless a test says otherwise: whom a party is asked for a codec shows only where that is the last resort. */
  transcodable: MediaPlane['transcodable'] = [];
  /** Thrown by the next `connect`. */
  nextConnectFault: Error | undefined;
  #faked: ((report: PortReport) => PortReport) | undefined;
  readonly #plane: MediaPlane;
  readonly #listeners = new Set<(event: MediaEvent) => void>();

  constructor(plane: MediaPlane) {
    this.#plane = plane;
  }

  get agentAudio(): MediaPlane['agentAudio'] {
    return this.#plane.agentAudio;
  }

  open: MediaPlane['open'] = async (request: never) => {
    this.opened.push((request as { portId: PortId }).portId);
    return this.#plane.open(request) as never;
  };

  async connect(request: Parameters<MediaPlane['connect']>[0]): Promise<void> {
    const fault = this.nextConnectFault;
    this.nextConnectFault = undefined;
    if (fault !== undefined) throw fault;
    this.connects.push(request);
    await this.#plane.connect(request);
  }

  async restartIce(portId: PortId): ReturnType<MediaPlane['restartIce']> {
    return this.#plane.restartIce(portId);
  }

  async openVideo(portId: PortId): ReturnType<MediaPlane['openVideo']> {
    return this.#plane.openVideo(portId);
  }

  async requestKeyframe(portId: PortId): ReturnType<MediaPlane['requestKeyframe']> {
    return this.#plane.requestKeyframe(portId);
  }

  async bridge(a: PortId, b: PortId): Promise<void> {
    this.bridges.push([a, b]);
    await this.#plane.bridge(a, b);
  }

  async sendDigit(portId: PortId, press: DigitPress): Promise<void> {
    this.digits.push({ portId, ...press });
    await this.#plane.sendDigit(portId, press);
  }

  async detectTones(portId: PortId, isOn: boolean): Promise<void> {
    await this.#plane.detectTones(portId, isOn);
  }

  async mute(portId: PortId, isMuted: boolean): Promise<void> {
    await this.#plane.mute(portId, isMuted);
  }

  async play(portId: PortId, sound: Sound): Promise<void> {
    this.played.push({ portId, sound });
    await this.#plane.play(portId, sound);
  }

  async stopPlaying(portId: PortId): Promise<void> {
    this.played.push({ portId, sound: undefined });
    await this.#plane.stopPlaying(portId);
  }

  async quality(portId: PortId): Promise<PortReport | undefined> {
    const report = await this.#plane.quality(portId);
    return report === undefined ? undefined : (this.#faked?.(report) ?? report);
  }

  /** From now on every port seems to lose so many of its packets, 100 of which come between two looks. */
  fakeLoss(): { percent: number } {
    const loss = { percent: 0 };
    let [packetsReceived, packetsLost] = [0, 0];
    this.#faked = (report) => {
      packetsReceived += 100 - loss.percent;
      packetsLost += loss.percent;
      return { ...report, packetsReceived, packetsLost };
    };
    return loss;
  }

  async close(portId: PortId): Promise<PortReport> {
    this.closed.push(portId);
    return this.#plane.close(portId);
  }

  onEvent(listener: (event: MediaEvent) => void): () => void {
    this.#listeners.add(listener);
    const stop = this.#plane.onEvent(listener);
    return () => {
      this.#listeners.delete(listener);
      stop();
    };
  }

  counters: MediaPlane['counters'] = async () => this.#plane.counters();

  emit(event: MediaEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }
}

export interface ExchangeOptions
  extends Partial<
    Pick<
      TelephonyOptions,
      | 'routeHook'
      | 'emergencyNumbers'
      | 'isEngineOurs'
      | 'tollFraud'
      | 'bans'
      | 'timers'
      | 'profiles'
      | 'store'
      | 'flowEpoch'
      | 'agents'
    >
  > {
  readonly trunks?: readonly Trunk[];
  /** User → tenant. */
  readonly tenants?: Readonly<Record<string, string>>;
  /** In place of the rules of every other test. */
  readonly rules?: readonly object[];
  /** Further keys of the dialplan. */
  readonly dialplan?: object;
}

export interface Exchange {
  readonly engine: TestEngine;
  readonly telephony: Telephony;
  readonly events: CallEvent[];
  readonly media: WatchedPlane;
  readonly store: Store;
  eventsOf<Kind extends CallEvent['kind']>(kind: Kind): Extract<CallEvent, { kind: Kind }>[];
  /** Waits for the next call to end that nobody has waited for. */
  nextRecord(): Promise<CallRecord>;
  /** Every port opened so far is closed again. */
  expectPortsClosed(): Promise<void>;
  close(): Promise<void>;
}

export async function startExchange(
  engine: TestEngine,
  plane: MediaPlane,
  options: ExchangeOptions = {},
): Promise<Exchange> {
  const media = new WatchedPlane(plane);
  const store = options.store ?? (await openEmbeddedStore(':memory:', { clock: systemClock, logger: silentLogger }));
  const events: CallEvent[] = [];
  const telephony = await startTelephony({
    wire: engine.wire,
    isEngineOurs: options.isEngineOurs === true,
    domain: DOMAIN,
    profiles: options.profiles ?? { browsers, phones },
    users: USERS.map((name) => ({
      name,
      secret: { password: passwordOf(name) },
      tenant: options.tenants?.[name],
    })),
    trunks: options.trunks ?? [],
    dialplan: parseDialplan({ numbers: {}, rules: options.rules ?? RULES, ...options.dialplan }, 'test.yaml'),
    timers: { noAnswerMs: 5_000, reregisterWaitMs: 500, shutdownMs: 1_000, ...options.timers },
    routeHook: options.routeHook,
    agents: options.agents,
    tollFraud: options.tollFraud,
    bans: options.bans,
    ...(options.emergencyNumbers === undefined ? {} : { emergencyNumbers: options.emergencyNumbers }),
    ...(options.flowEpoch === undefined ? {} : { flowEpoch: options.flowEpoch }),
    store,
    media,
    observer: (event) => events.push(event),
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
  });
  let taken = 0;
  const eventsOf = <Kind extends CallEvent['kind']>(kind: Kind): Extract<CallEvent, { kind: Kind }>[] =>
    events.filter((event): event is Extract<CallEvent, { kind: Kind }> => event.kind === kind);
  return {
    engine,
    telephony,
    events,
    media,
    store,
    eventsOf,
    nextRecord: async () => {
      const ended = await until(() => eventsOf('call-ended')[taken], { within: 5_000, what: `call ${taken} to end` });
      taken += 1;
      return ended.record;
    },
    expectPortsClosed: async () => {
      await until(() => media.opened.every((port) => media.closed.includes(port)), {
        within: 3_000,
        what: `ports to close: ${media.opened.join()} / ${media.closed.join()}`,
      });
    },
    close: async () => {
      await telephony.close();
      if (options.store === undefined) await store.close();
    },
  };
}
