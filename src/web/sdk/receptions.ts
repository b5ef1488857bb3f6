/** What is received of others: each of their publications is subscribed to when it comes, and let go when it ends. */
import type { types } from 'mediasoup-client';
import type { RoomView, Source } from '../../signaling/protocol/index.ts';
import { RoomError } from './room-error.ts';
import type { RoomMedia } from './room-media.ts';
import { type Offer, offersTo } from './room-state.ts';
import type { Session } from './session.ts';

export interface RemoteTrack {
  readonly participantId: string;
  readonly publicationId: string;
  readonly source: Source;
  readonly track: MediaStreamTrack;
}

export interface ReceptionsListener {
  onTrack(track: RemoteTrack): void;
  onTrackEnded(track: RemoteTrack): void;
  /** From now on what is sent over it arrives. */
  onChannel(channel: { participantId: string; publicationId: string; label: string }): void;
  onData(data: { participantId: string; label: string; data: string | ArrayBuffer }): void;
  onProblem(error: RoomError): void;
}

interface Reception {
  subscriptionId: string | undefined;
  consumer: types.Consumer | types.DataConsumer | undefined;
  track: RemoteTrack | undefined;
}

export class Receptions {
  readonly #listener: ReceptionsListener;
  /** By publication. */
  readonly #all = new Map<string, Reception>();
  #media: RoomMedia | undefined;
  #session: Session | undefined;

  constructor(listener: ReceptionsListener) {
    this.#listener = listener;
  }

  get tracks(): readonly RemoteTrack[] {
    return [...this.#all.values()].flatMap(({ track }) => track ?? []);
  }

  subscriptionOf(publicationId: string): string | undefined {
    return this.#all.get(publicationId)?.subscriptionId;
  }

  publicationOf(subscriptionId: string): string | undefined {
    return [...this.#all].find(([, each]) => each.subscriptionId === subscriptionId)?.[0];
  }

  /** What comes from now on is received over this. */
  use(media: RoomMedia, session: Session): void {
    this.#media = media;
    this.#session = session;
  }

  /** Subscribes to what is new, and ends what is over. */
  follow(room: RoomView, self: string): void {
    // While media is made anew; what is there then is followed.
    if (this.#media === undefined) return;
    const offers = offersTo(room, self);
    const there = new Set(offers.map(({ publication }) => publication.publicationId));
    for (const publicationId of this.#all.keys()) if (!there.has(publicationId)) this.#end(publicationId);
    for (const offer of offers) if (!this.#all.has(offer.publication.publicationId)) this.#begin(offer);
  }

  clear(): void {
    for (const publicationId of this.#all.keys()) this.#end(publicationId);
    this.#media = undefined;
  }

  #begin(offer: Offer): void {
    const reception: Reception = { subscriptionId: undefined, consumer: undefined, track: undefined };
    const { publicationId, kind } = offer.publication;
    this.#all.set(publicationId, reception);
    const beginning = kind === 'data' ? this.#beginData(offer, reception) : this.#beginMedia(offer, reception);
    beginning.catch((error: unknown) => {
      // It has ended meanwhile, or the connection has: what is there then is followed anew.
      if (this.#all.get(publicationId) !== reception) return;
      this.#all.delete(publicationId);
      if (!(error instanceof RoomError && error.code === 'CONNECTION_LOST'))
        this.#listener.onProblem(error instanceof RoomError ? error : new RoomError('INTERNAL', String(error)));
    });
  }

  async #beginMedia({ participantId, publication }: Offer, reception: Reception): Promise<void> {
    const { publicationId, source } = publication;
    const [media, session] = [this.#media, this.#session];
    if (media === undefined || session === undefined) return;
    const { subscriptionId, consumer } = await media.subscribe(publicationId);
    if (this.#all.get(publicationId) !== reception) return consumer.close();
    const track = { participantId, publicationId, source, track: consumer.track };
    Object.assign(reception, { subscriptionId, consumer, track });
    this.#listener.onTrack(track);
    await session.request('updateSubscription', { subscriptionId, isPaused: false });
  }

  async #beginData({ participantId, publication }: Offer, reception: Reception): Promise<void> {
    const { publicationId } = publication;
    if (this.#media === undefined) return;
    const { subscriptionId, consumer } = await this.#media.subscribeData(publicationId);
    if (this.#all.get(publicationId) !== reception) return consumer.close();
    Object.assign(reception, { subscriptionId, consumer });
    const { label } = consumer;
    consumer.on('message', (data) =>
      this.#listener.onData({ participantId, label, data: data as string | ArrayBuffer }),
    );
    const opened = (): void => this.#listener.onChannel({ participantId, publicationId, label });
    if (consumer.readyState === 'open') opened();
    else consumer.on('open', opened);
  }

  #end(publicationId: string): void {
    const reception = this.#all.get(publicationId);
    this.#all.delete(publicationId);
    reception?.consumer?.close();
    if (reception?.track !== undefined) this.#listener.onTrackEnded(reception.track);
  }
}
