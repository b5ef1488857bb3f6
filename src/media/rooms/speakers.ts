/** Who speaks in a room, and how loud. */
import type { types } from 'mediasoup';

/** dBov (RFC 6464 §3) below which it is no speech. */
const thresholdDbov = -60;
const levelIntervalMs = 500;
const speakerIntervalMs = 300;
const maxLevels = 8;

export interface SpeakerListener {
  onLevels(levels: readonly { readonly publicationId: string; readonly dBov: number }[]): void;
  onSpeaker(publicationId: string): void;
}

export class Speakers {
  readonly #levels: types.AudioLevelObserver;
  readonly #speaker: types.ActiveSpeakerObserver;

  private constructor(levels: types.AudioLevelObserver, speaker: types.ActiveSpeakerObserver) {
    this.#levels = levels;
    this.#speaker = speaker;
  }

  static async open(router: types.Router, listener: SpeakerListener): Promise<Speakers> {
    const [levels, speaker] = await Promise.all([
      router.createAudioLevelObserver({
        maxEntries: maxLevels,
        threshold: thresholdDbov,
        interval: levelIntervalMs,
      }),
      router.createActiveSpeakerObserver({ interval: speakerIntervalMs }),
    ]);
    levels.on('volumes', (volumes) =>
      listener.onLevels(volumes.map(({ producer, volume }) => ({ publicationId: producer.id, dBov: volume }))),
    );
    levels.on('silence', () => listener.onLevels([]));
    speaker.on('dominantspeaker', ({ producer }) => listener.onSpeaker(producer.id));
    return new Speakers(levels, speaker);
  }

  /** False: the worker is gone. */
  get isOpen(): boolean {
    return !this.#levels.closed;
  }

  async add(publicationId: string): Promise<void> {
    const producerId = publicationId;
    await Promise.all([this.#levels.addProducer({ producerId }), this.#speaker.addProducer({ producerId })]);
  }
}
