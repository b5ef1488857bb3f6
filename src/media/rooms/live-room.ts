/** The media of one room: its routers, and who listens for speakers on them. */
import type { types } from 'mediasoup';
import { RoomRouters, type RoomRoutersOptions } from './room-routers.ts';
import { type SpeakerListener, Speakers } from './speakers.ts';

export class LiveRoom {
  readonly routers: RoomRouters;
  readonly #listener: SpeakerListener;
  /** Publication → the router it is on. */
  readonly #heard = new Map<string, types.Router>();
  #speakers: Promise<Speakers> | undefined;

  constructor(options: RoomRoutersOptions, listener: SpeakerListener) {
    this.routers = new RoomRouters(options);
    this.#listener = listener;
  }

  /** From now on the publication counts among those who may speak. */
  async hear(publicationId: string, router: types.Router): Promise<void> {
    this.#heard.set(publicationId, router);
    const { home } = this.routers;
    if (home === undefined) return;
    const known = await this.#speakers;
    if (known?.isOpen === true) return this.#add(known, publicationId, home);
    this.#speakers = Speakers.open(home, this.#listener);
    const speakers = await this.#speakers;
    await Promise.all([...this.#heard.keys()].map((each) => this.#add(speakers, each, home)));
  }

  forget(publicationId: string): void {
    this.#heard.delete(publicationId);
    this.routers.forget(publicationId);
  }

  close(): void {
    this.routers.close();
    this.#heard.clear();
  }

  async #add(speakers: Speakers, publicationId: string, home: types.Router): Promise<void> {
    const router = this.#heard.get(publicationId);
    if (router === undefined) return;
    await this.routers.pipe(publicationId, 'media', router, home);
    await speakers.add(publicationId);
  }
}
