/** The media of rooms: mediasoup's transports, producers and consumers, kept by ids of ours. */
import { ortc, type types } from 'mediasoup';
import { type Clock, Emitter, type Logger, type Unsubscribe } from '../../kernel/index.ts';
import type {
  OpenRoomTransport,
  PublishChannel,
  PublishMedia,
  RoomId,
  RoomMedia,
  RoomMediaCounters,
  RoomMediaEvent,
  SubscribeMedia,
  SubscriptionChange,
} from '../../rooms/index.ts';
import type {
  DtlsParameters,
  IceParameters,
  RtpCapabilities,
  RtpParameters,
  SctpStreamParameters,
  TransportOffer,
} from '../../signaling/protocol/index.ts';
import type { PortRange } from '../inner-ports.ts';
import { mediaErrors } from '../media-errors.ts';
import type { MediaWorker } from '../media-worker.ts';
import type { WorkerPool } from '../worker-pool.ts';
import { KeyframeWatch } from './keyframe-watch.ts';
import { LiveRoom } from './live-room.ts';
import { capabilitiesOf, parametersOf, publicCapabilities, roomCodecs } from './room-codecs.ts';
import { openRoomTransport, type RoomTransport, transportOffer } from './room-transport.ts';

/** However many ask, a publisher is asked for a keyframe once in this time. */
const keyframeEveryMs = 1000;

const usualParticipantsPerRouter = 16;

export interface RoomPlaneOptions {
  readonly pool: WorkerPool;
  readonly participantsPerRouter?: number;
  readonly innerPorts: PortRange;
  readonly iceConsentSec: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Publication {
  readonly roomId: RoomId;
  readonly router: types.Router;
  readonly media: types.Producer | types.DataProducer;
}

interface Subscription {
  readonly transportId: string;
  readonly media: types.Consumer | types.DataConsumer;
}

export class RoomPlane implements RoomMedia {
  readonly rtpCapabilities: RtpCapabilities = publicCapabilities(ortc.generateRouterRtpCapabilities(roomCodecs));
  readonly #options: RoomPlaneOptions;
  readonly #keyframes: KeyframeWatch;
  readonly #events = new Emitter<{ media: RoomMediaEvent }>();
  readonly #rooms = new Map<RoomId, LiveRoom>();
  readonly #transports = new Map<string, RoomTransport>();
  readonly #publications = new Map<string, Publication>();
  readonly #subscriptions = new Map<string, Subscription>();

  constructor(options: RoomPlaneOptions) {
    this.#options = options;
    this.#keyframes = new KeyframeWatch(options.clock, options.logger);
  }

  async openTransport(request: OpenRoomTransport): Promise<TransportOffer> {
    const room = this.#roomOf(request.roomId);
    const placed = await room.routers.place(request.participantId);
    const transport = await openRoomTransport(placed, request, this.#options.iceConsentSec);
    this.#transports.set(request.transportId, transport);
    transport.webRtc.observer.once('close', () => {
      this.#transports.delete(request.transportId);
      const others = [...this.#transports.values()].some((each) => each.participantId === request.participantId);
      if (!others) room.routers.leave(request.participantId);
    });
    transport.onState((state) =>
      this.#events.emit('media', { kind: 'transport-state', transportId: request.transportId, state }),
    );
    return transportOffer(request.transportId, transport.webRtc);
  }

  async connectTransport(transportId: string, dtlsParameters: DtlsParameters): Promise<void> {
    await this.#transportOf(transportId).webRtc.connect({ dtlsParameters });
  }

  async restartIce(transportId: string): Promise<IceParameters> {
    return this.#transportOf(transportId).webRtc.restartIce();
  }

  closeTransport(transportId: string): void {
    this.#transports.get(transportId)?.webRtc.close();
  }

  async publish({ transportId, publicationId, kind, rtpParameters, isPaused }: PublishMedia): Promise<void> {
    const { webRtc, roomId, placed } = this.#transportOf(transportId);
    const producer = await webRtc.produce({
      id: publicationId,
      kind,
      rtpParameters: parametersOf(rtpParameters),
      paused: isPaused,
      keyFrameRequestDelay: keyframeEveryMs,
    });
    this.#keep(publicationId, { roomId, router: placed.router, media: producer });
    if (kind === 'video') this.#keyframes.add(producer);
    else await this.#rooms.get(roomId)?.hear(publicationId, placed.router);
  }

  async publishData(request: PublishChannel): Promise<void> {
    const { transportId, publicationId, label, sctpStreamParameters } = request;
    const { webRtc, roomId, placed } = this.#transportOf(transportId);
    const media = await webRtc.produceData({ id: publicationId, sctpStreamParameters, label });
    this.#keep(publicationId, { roomId, router: placed.router, media });
  }

  async pausePublication(publicationId: string, isPaused: boolean): Promise<void> {
    const { media } = this.#publicationOf(publicationId);
    if (isPaused) await media.pause();
    else await media.resume();
  }

  closePublication(publicationId: string): void {
    this.#publications.get(publicationId)?.media.close();
  }

  async subscribe(request: SubscribeMedia): Promise<{ kind: 'audio' | 'video'; rtpParameters: RtpParameters }> {
    const { transportId, subscriptionId, publicationId } = request;
    const { webRtc, placed } = await this.#bring(transportId, publicationId);
    const rtpCapabilities = capabilitiesOf(request.rtpCapabilities);
    if (!placed.router.canConsume({ producerId: publicationId, rtpCapabilities }))
      throw mediaErrors.MEDIA_NO_CODECS([publicationId]);
    const consumer = await webRtc.consume({ producerId: publicationId, rtpCapabilities, paused: true });
    this.#keepSubscription(subscriptionId, { transportId, media: consumer });
    if (consumer.kind === 'video') this.#keyframes.addConsumer(consumer);
    consumer.on('layerschange', (layers) =>
      this.#events.emit('media', {
        kind: 'layers',
        transportId,
        subscriptionId,
        layers: layers && {
          spatial: layers.spatialLayer,
          ...(layers.temporalLayer === undefined ? {} : { temporal: layers.temporalLayer }),
        },
      }),
    );
    return { kind: consumer.kind, rtpParameters: consumer.rtpParameters as RtpParameters };
  }

  async subscribeData(
    request: Omit<SubscribeMedia, 'rtpCapabilities'>,
  ): Promise<{ label: string; sctpStreamParameters: SctpStreamParameters }> {
    const { transportId, subscriptionId, publicationId } = request;
    const { webRtc } = await this.#bring(transportId, publicationId);
    const media = await webRtc.consumeData({ dataProducerId: publicationId });
    this.#keepSubscription(subscriptionId, { transportId, media });
    const { label, sctpStreamParameters } = media;
    if (sctpStreamParameters === undefined) throw mediaErrors.MEDIA_PORT_KIND([publicationId, 'direct', 'data']);
    return { label, sctpStreamParameters };
  }

  async updateSubscription(subscriptionId: string, change: SubscriptionChange): Promise<void> {
    const media = this.#subscriptions.get(subscriptionId)?.media;
    if (media === undefined) throw mediaErrors.MEDIA_PORT_UNKNOWN([subscriptionId]);
    const { isPaused, layers, priority } = change;
    if ('setPreferredLayers' in media) {
      if (layers !== undefined)
        await media.setPreferredLayers({
          spatialLayer: layers.spatial,
          ...(layers.temporal === undefined ? {} : { temporalLayer: layers.temporal }),
        });
      if (priority !== undefined) await media.setPriority(priority);
    }
    if (isPaused === true) await media.pause();
    if (isPaused === false) await media.resume();
  }

  closeSubscription(subscriptionId: string): void {
    this.#subscriptions.get(subscriptionId)?.media.close();
  }

  closeRoom(roomId: RoomId): void {
    this.#rooms.get(roomId)?.close();
    this.#rooms.delete(roomId);
  }

  onEvent(listener: (event: RoomMediaEvent) => void): Unsubscribe {
    return this.#events.on('media', listener);
  }

  counters(): RoomMediaCounters {
    const rooms = [...this.#rooms.values()];
    const { asked, wanted, alarms } = this.#keyframes.figures;
    return {
      rooms: rooms.length,
      routers: rooms.reduce((sum, { routers }) => sum + routers.size, 0),
      pipes: rooms.reduce((sum, { routers }) => sum + routers.pipes, 0),
      transports: this.#transports.size,
      publications: this.#publications.size,
      subscriptions: this.#subscriptions.size,
      keyframesAsked: asked,
      keyframesWanted: wanted,
      keyframeAlarms: alarms,
    };
  }

  workerDied(worker: MediaWorker): void {
    for (const [roomId, { routers }] of this.#rooms) {
      const participantIds = routers.workerDied(worker);
      if (participantIds.length > 0) this.#events.emit('media', { kind: 'lost', roomId, participantIds });
    }
  }

  stop(): void {
    this.#keyframes.stop();
    for (const roomId of this.#rooms.keys()) this.closeRoom(roomId);
  }

  #roomOf(roomId: RoomId): LiveRoom {
    const known = this.#rooms.get(roomId);
    if (known !== undefined) return known;
    const room = new LiveRoom(
      { participantsPerRouter: usualParticipantsPerRouter, ...this.#options },
      {
        onLevels: (levels) => this.#events.emit('media', { kind: 'levels', roomId, levels }),
        onSpeaker: (publicationId) => this.#events.emit('media', { kind: 'speaker', roomId, publicationId }),
      },
    );
    this.#rooms.set(roomId, room);
    return room;
  }

  /** Makes the publication known to the router of the transport; both must be of one room. */
  async #bring(transportId: string, publicationId: string): Promise<RoomTransport> {
    const transport = this.#transportOf(transportId);
    const { roomId, router, media } = this.#publicationOf(publicationId);
    if (roomId !== transport.roomId) throw mediaErrors.MEDIA_PORT_UNKNOWN([publicationId]);
    const kind = 'kind' in media ? 'media' : 'data';
    await this.#rooms.get(roomId)?.routers.pipe(publicationId, kind, router, transport.placed.router);
    return transport;
  }

  #keep(publicationId: string, publication: Publication): void {
    this.#publications.set(publicationId, publication);
    whenClosed(publication.media, () => {
      this.#publications.delete(publicationId);
      this.#rooms.get(publication.roomId)?.forget(publicationId);
    });
  }

  #keepSubscription(subscriptionId: string, subscription: Subscription): void {
    this.#subscriptions.set(subscriptionId, subscription);
    whenClosed(subscription.media, () => this.#subscriptions.delete(subscriptionId));
  }

  #transportOf(transportId: string): RoomTransport {
    const transport = this.#transports.get(transportId);
    if (transport === undefined) throw mediaErrors.MEDIA_PORT_UNKNOWN([transportId]);
    return transport;
  }

  #publicationOf(publicationId: string): Publication {
    const publication = this.#publications.get(publicationId);
    if (publication === undefined) throw mediaErrors.MEDIA_PORT_UNKNOWN([publicationId]);
    return publication;
  }
}

/** The observers of the four kinds of media have no common type. */
interface Closing {
  readonly observer: object;
}

function whenClosed({ observer }: Closing, listener: () => void): void {
  (observer as { once(name: 'close', listener: () => void): unknown }).once('close', listener);
}
