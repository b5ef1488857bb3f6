/**
 * A participant's end of a room. It keeps itself up: a lost connection is resumed, media that was lost is published and
 * subscribed to again, and whoever uses it sees tracks come and go.
 */
import type { types } from 'mediasoup-client';
import { Emitter, type Unsubscribe } from '../../kernel/index.ts';
import type { RoomView, SignalNotification, Source } from '../../signaling/protocol/index.ts';
import { Receptions, type RemoteTrack } from './receptions.ts';
import { RoomError } from './room-error.ts';
import { type PublishOptions, RoomMedia } from './room-media.ts';
import { layerForHeight, nextRoom } from './room-state.ts';
import { type Hello, Session, type SessionOptions } from './session.ts';
import { type SetupTimes, StatsReporter } from './stats.ts';

export interface JoinOptions extends SessionOptions {
  /** relay: TURN only. */
  readonly iceTransportPolicy?: RTCIceTransportPolicy;
}

export type RoomState =
  | { readonly kind: 'connected' }
  | { readonly kind: 'reconnecting' }
  | { readonly kind: 'ended'; readonly reason: RoomError | undefined };

export interface RoomEvents {
  /** Who is there and what they publish, whenever it has changed. */
  room: RoomView;
  state: RoomState;
  track: RemoteTrack;
  trackEnded: RemoteTrack;
  /** Somebody's data channel is there: what is sent over it from now on comes as `data`. */
  channel: { readonly participantId: string; readonly publicationId: string; readonly label: string };
  data: { readonly participantId: string; readonly label: string; readonly data: string | ArrayBuffer };
  levels: readonly { readonly participantId: string; readonly publicationId: string; readonly dBov: number }[];
  activeSpeaker: string | undefined;
  layers: { readonly publicationId: string; readonly spatial: number | undefined };
  /** Something was refused that nobody waits for. */
  problem: RoomError;
}

interface Local {
  options: PublishOptions;
  producer: types.Producer | undefined;
  isMuted: boolean;
}

interface LocalChannel {
  readonly options: { ordered?: boolean; maxRetransmits?: number };
  producer: types.DataProducer | undefined;
}

export class RoomClient {
  readonly #options: JoinOptions;
  readonly #events = new Emitter<RoomEvents>();
  readonly #session: Session;
  readonly #locals = new Map<Source, Local>();
  readonly #channels = new Map<string, LocalChannel>();
  readonly #receptions: Receptions;
  readonly #reporter = new StatsReporter();
  #activeSpeaker: string | undefined;
  #media: RoomMedia | undefined;
  #hello: Hello | undefined;
  #room: RoomView = { name: '', participants: [] };
  #state: RoomState = { kind: 'reconnecting' };
  #setup: SetupTimes | undefined;
  #statsTimer: ReturnType<typeof setInterval> | undefined;
  /** Media is made anew one time after another. */
  #building: Promise<void> = Promise.resolve();

  private constructor(options: JoinOptions) {
    this.#options = options;
    this.#receptions = new Receptions({
      onTrack: (track) => this.#events.emit('track', track),
      onTrackEnded: (track) => this.#events.emit('trackEnded', track),
      onChannel: (channel) => this.#events.emit('channel', channel),
      onData: (data) => this.#events.emit('data', data),
      onProblem: (error) => this.#problem(error),
    });
    this.#session = new Session(options, {
      onHello: (hello) => this.#onHello(hello),
      onNotification: (notification) => this.#onNotification(notification),
      onLost: () => this.#enter({ kind: 'reconnecting' }),
      onEnded: (reason) => this.#end(reason),
    });
  }

  /** Resolves when one is in the room. Rejects with the RoomError that says why not. */
  static async join(options: JoinOptions): Promise<RoomClient> {
    const client = new RoomClient(options);
    const startedAt = performance.now();
    await client.#session.start();
    client.#setup = { signalingMs: performance.now() - startedAt, joinMs: performance.now() - startedAt };
    return client;
  }

  get room(): RoomView {
    return this.#room;
  }

  get state(): RoomState {
    return this.#state;
  }

  get participantId(): string {
    return this.#hello?.participantId ?? '';
  }

  get grants(): readonly string[] {
    return this.#hello?.grants ?? [];
  }

  /** Who spoke last. */
  get activeSpeaker(): string | undefined {
    return this.#activeSpeaker;
  }

  /** What is received now. */
  get tracks(): readonly RemoteTrack[] {
    return this.#receptions.tracks;
  }

  on<Name extends keyof RoomEvents>(name: Name, listener: (event: RoomEvents[Name]) => void): Unsubscribe {
    return this.#events.on(name, listener);
  }

  /** The track is published again by itself whenever media had to be made anew. It stays the caller's. */
  async publish(options: PublishOptions): Promise<void> {
    // Media that is being made publishes what it finds.
    await this.#building;
    const local: Local = { options, producer: undefined, isMuted: options.isMuted ?? false };
    if (this.#locals.has(options.source))
      throw new RoomError('SOURCE_TAKEN', `the ${options.source} is published already`);
    this.#locals.set(options.source, local);
    try {
      await this.#publish(local);
    } catch (error) {
      this.#locals.delete(options.source);
      throw error;
    }
  }

  async unpublish(source: Source): Promise<void> {
    const producer = this.#locals.get(source)?.producer;
    this.#locals.delete(source);
    if (producer === undefined) return;
    producer.close();
    await this.#session.request('unpublish', { publicationId: producer.id });
  }

  /** Another camera or microphone in the place of the one before. */
  async replaceTrack(source: Source, track: MediaStreamTrack): Promise<void> {
    const local = this.#local(source);
    local.options = { ...local.options, track };
    await local.producer?.replaceTrack({ track });
  }

  /** Rejects with HELD when a moderator holds it. */
  async mute(source: Source, isMuted: boolean): Promise<void> {
    const local = this.#local(source);
    if (local.producer !== undefined)
      await this.#session.request('mute', { publicationId: local.producer.id, isMuted });
    local.isMuted = isMuted;
    applyMute(local);
  }

  /** What is sent over it comes to everybody as the event `data`. */
  async openChannel(label: string, options: LocalChannel['options'] = {}): Promise<void> {
    const channel: LocalChannel = { options, producer: undefined };
    this.#channels.set(label, channel);
    channel.producer = await this.#media?.publishData(label, options);
  }

  /** Throws when the channel is not open (yet, or for now). */
  send(label: string, data: string | ArrayBuffer): void {
    const producer = this.#channels.get(label)?.producer;
    if (producer?.readyState !== 'open')
      throw new RoomError('CONNECTION_LOST', `the channel ${label} is not open`, true);
    producer.send(data);
  }

  /** How tall a picture is on the page; 0: it is not to be seen. Less is then sent. */
  async show(publicationId: string, heightPx: number): Promise<void> {
    const subscriptionId = this.#receptions.subscriptionOf(publicationId);
    if (subscriptionId === undefined) return;
    const layers = { spatial: layerForHeight(heightPx) };
    const change = heightPx > 0 ? { isPaused: false, layers } : { isPaused: true };
    await this.#session.request('updateSubscription', { subscriptionId, ...change });
  }

  /** For moderators: holds somebody's publication mute, or lets go of it. */
  async hold(publicationId: string, isHeld: boolean): Promise<void> {
    await this.#session.request('hold', { publicationId, isHeld });
  }

  /** For moderators. */
  async remove(participantId: string): Promise<void> {
    await this.#session.request('remove', { participantId });
  }

  /** The browser's own statistics of what is sent and received. */
  async stats(): Promise<{ sent: RTCStatsReport | undefined; received: RTCStatsReport | undefined }> {
    return (await this.#media?.stats()) ?? { sent: undefined, received: undefined };
  }

  async leave(): Promise<void> {
    await this.#session.leave();
    this.#end(undefined);
  }

  async #onHello(hello: Hello): Promise<void> {
    this.#hello = hello;
    const isKept = hello.continuation === 'kept' && this.#media !== undefined && (await this.#resume());
    if (!isKept) await this.#build();
    this.#statsTimer ??= setInterval(() => void this.#report(), hello.statsEveryMs);
    this.#enter({ kind: 'connected' });
  }

  /** False: the gateway does not have our media any more. */
  async #resume(): Promise<boolean> {
    const rtpCapabilities = this.#media?.capabilities;
    if (rtpCapabilities === undefined) return false;
    const { room, activeSpeaker } = await this.#session.request('join', { rtpCapabilities });
    const self = room.participants.find((each) => each.participantId === this.participantId);
    const published = new Set(self?.publications.map(({ publicationId }) => publicationId));
    const mine = [...this.#locals.values(), ...this.#channels.values()].map(({ producer }) => producer?.id);
    if (mine.some((id) => id === undefined || !published.has(id))) return false;
    this.#see(room);
    this.#activeSpeaker = activeSpeaker;
    await this.#media?.recover();
    return true;
  }

  #build(): Promise<void> {
    const building = this.#building.then(() => this.#buildNow());
    this.#building = building.catch(() => {});
    return building;
  }

  async #buildNow(): Promise<void> {
    const hello = this.#hello;
    if (hello === undefined) return;
    this.#receptions.clear();
    this.#media?.close();
    const media = new RoomMedia(this.#session, hello, {
      iceTransportPolicy: this.#options.iceTransportPolicy ?? 'all',
      onLost: () => this.#rebuild(),
    });
    this.#media = media;
    const rtpCapabilities = await media.load();
    const { room, activeSpeaker } = await this.#session.request('join', { rtpCapabilities });
    this.#receptions.use(media, this.#session);
    this.#see(room);
    this.#activeSpeaker = activeSpeaker;
    for (const local of this.#locals.values()) await this.#publish(local);
    for (const [label, channel] of this.#channels) channel.producer = await media.publishData(label, channel.options);
  }

  #rebuild(): void {
    this.#build().catch((error: unknown) => this.#problem(error));
  }

  async #publish(local: Local): Promise<void> {
    local.producer = undefined;
    local.producer = await this.#media?.publish({ ...local.options, isMuted: local.isMuted });
    applyMute(local);
  }

  #onNotification(notification: SignalNotification): void {
    switch (notification.name) {
      case 'audioLevels':
        return this.#events.emit('levels', notification.data.levels);
      case 'activeSpeaker':
        this.#activeSpeaker = notification.data.participantId ?? undefined;
        return this.#events.emit('activeSpeaker', this.#activeSpeaker);
      case 'layers': {
        const publicationId = this.#receptions.publicationOf(notification.data.subscriptionId);
        if (publicationId === undefined) return;
        return this.#events.emit('layers', { publicationId, spatial: notification.data.layers?.spatial });
      }
      case 'mediaLost':
        return this.#rebuild();
      case 'transportState':
      case 'tokenExpires':
        return;
      case 'muted':
      case 'participantAway':
      case 'participantJoined':
      case 'participantLeft':
      case 'published':
      case 'unpublished':
        this.#see(nextRoom(this.#room, notification));
    }
  }

  #see(room: RoomView): void {
    this.#room = room;
    const self = room.participants.find((each) => each.participantId === this.participantId);
    for (const { source, isMuted } of self?.publications ?? []) {
      const local = this.#locals.get(source);
      // A moderator may have muted it.
      if (local === undefined || !isMuted || local.isMuted) continue;
      local.isMuted = true;
      applyMute(local);
    }
    this.#receptions.follow(room, this.participantId);
    this.#events.emit('room', room);
  }

  #local(source: Source): Local {
    const local = this.#locals.get(source);
    if (local === undefined) throw new RoomError('PUBLICATION_UNKNOWN', `the ${source} is not published`);
    return local;
  }

  async #report(): Promise<void> {
    if (this.#state.kind !== 'connected') return;
    const report = this.#reporter.report(await this.stats(), performance.now(), this.#setup);
    this.#setup = undefined;
    await this.#session.request('reportStats', report).catch(() => {});
  }

  #problem(error: unknown): void {
    this.#events.emit('problem', error instanceof RoomError ? error : new RoomError('INTERNAL', String(error)));
  }

  #enter(state: RoomState): void {
    if (this.#state.kind === 'ended') return;
    this.#state = state;
    this.#events.emit('state', state);
  }

  #end(reason: RoomError | undefined): void {
    clearInterval(this.#statsTimer);
    this.#receptions.clear();
    this.#media?.close();
    this.#media = undefined;
    this.#enter({ kind: 'ended', reason });
  }
}

function applyMute({ producer, isMuted }: Local): void {
  if (isMuted) producer?.pause();
  else producer?.resume();
}
