/** What rooms need of the media plane: plain data and ids, no media library's objects. */
import type { Unsubscribe } from '../kernel/index.ts';
import type {
  DtlsParameters,
  IceParameters,
  RtpCapabilities,
  RtpParameters,
  SctpStreamParameters,
  TransportOffer,
} from '../signaling/protocol/index.ts';
import type { ParticipantId, PublicationId, RoomId } from './ids.ts';

export interface OpenRoomTransport {
  readonly roomId: RoomId;
  readonly participantId: ParticipantId;
  readonly transportId: string;
}

export interface PublishMedia {
  readonly transportId: string;
  readonly publicationId: PublicationId;
  readonly kind: 'audio' | 'video';
  readonly rtpParameters: RtpParameters;
  readonly isPaused: boolean;
}

export interface PublishChannel {
  readonly transportId: string;
  readonly publicationId: PublicationId;
  readonly label: string;
  readonly sctpStreamParameters: SctpStreamParameters;
}

export interface SubscribeMedia {
  readonly transportId: string;
  readonly subscriptionId: string;
  readonly publicationId: string;
  readonly rtpCapabilities: RtpCapabilities;
}

export interface SubscriptionChange {
  readonly isPaused?: boolean;
  readonly layers?: { readonly spatial: number; readonly temporal?: number };
  readonly priority?: number;
}

export type RoomMediaEvent =
  | {
      readonly kind: 'transport-state';
      readonly transportId: string;
      readonly state: 'connected' | 'disconnected' | 'failed';
    }
  | {
      readonly kind: 'layers';
      readonly transportId: string;
      readonly subscriptionId: string;
      readonly layers: { readonly spatial: number; readonly temporal?: number } | undefined;
    }
  /** Loudest first; empty: silence. */
  | {
      readonly kind: 'levels';
      readonly roomId: RoomId;
      readonly levels: readonly { readonly publicationId: string; readonly dBov: number }[];
    }
  | { readonly kind: 'speaker'; readonly roomId: RoomId; readonly publicationId: string }
  /** Their part of the room is gone with its worker: all transports, publications and subscriptions. */
  | { readonly kind: 'lost'; readonly roomId: RoomId; readonly participantIds: readonly ParticipantId[] };

/** What the media plane counts of rooms. */
export interface RoomMediaCounters {
  readonly rooms: number;
  readonly routers: number;
  readonly transports: number;
  readonly publications: number;
  readonly subscriptions: number;
  readonly pipes: number;
  /** Asked of publishers, since the start. */
  readonly keyframesAsked: number;
  /** Asked by subscribers, since the start. */
  readonly keyframesWanted: number;
  /** Publications that are asked for keyframes all the time: some way loses too much. */
  readonly keyframeAlarms: number;
}

/** Requests for what is not there throw MEDIA_PORT_UNKNOWN; closing it does nothing. */
export interface RoomMedia {
  /** Of every room's routers. */
  readonly rtpCapabilities: RtpCapabilities;
  openTransport(request: OpenRoomTransport): Promise<TransportOffer>;
  connectTransport(transportId: string, dtlsParameters: DtlsParameters): Promise<void>;
  restartIce(transportId: string): Promise<IceParameters>;
  /** With all that is published and subscribed over it. */
  closeTransport(transportId: string): void;
  publish(request: PublishMedia): Promise<void>;
  publishData(request: PublishChannel): Promise<void>;
  pausePublication(publicationId: string, isPaused: boolean): Promise<void>;
  /** Ends the subscriptions to it, too. */
  closePublication(publicationId: string): void;
  /** Paused at first. Throws MEDIA_NO_CODECS when the subscriber takes none of its codecs. */
  subscribe(
    request: SubscribeMedia,
  ): Promise<{ readonly kind: 'audio' | 'video'; readonly rtpParameters: RtpParameters }>;
  subscribeData(
    request: Omit<SubscribeMedia, 'rtpCapabilities'>,
  ): Promise<{ readonly label: string; readonly sctpStreamParameters: SctpStreamParameters }>;
  updateSubscription(subscriptionId: string, change: SubscriptionChange): Promise<void>;
  closeSubscription(subscriptionId: string): void;
  /** With everything in it. */
  closeRoom(roomId: RoomId): void;
  onEvent(listener: (event: RoomMediaEvent) => void): Unsubscribe;
  counters(): RoomMediaCounters;
}
