/** The sound of the `tone` endpoint, encoded once per tick for all who play it: 440 Hz at -12 dBFS. */
import { type AudioEncoder, createEncoder, ToneGenerator } from '../../audio/index.ts';
import type { AudioCodec } from '../../sdp/index.ts';

const TONE_HZ = 440;
const LEVEL_DBFS = -12;
const FRAME_SEC = 0.02;
/** Opus is encoded from this, any other codec from what it has. */
const OPUS_HZ = 16_000;

class Player {
  readonly #encoder: AudioEncoder;
  readonly #tone: ToneGenerator;
  #tick = -1;
  #frame = Buffer.alloc(0);

  constructor(encoder: AudioEncoder) {
    this.#encoder = encoder;
    this.#tone = new ToneGenerator(TONE_HZ, encoder.rateHz, LEVEL_DBFS);
  }

  frame(tick: number): Buffer {
    if (this.#tick === tick) return this.#frame;
    this.#tick = tick;
    this.#frame = Buffer.from(this.#encoder.encode(this.#tone.next(this.#encoder.rateHz * FRAME_SEC)));
    return this.#frame;
  }
}

export class ToneFrames {
  readonly #players = new Map<string, Promise<Player>>();

  /** The player of a codec: gives the payload of a tick, encoded for whoever asks first. */
  player({ name, clockRate }: AudioCodec): Promise<Player> {
    const key = `${name}/${clockRate}`;
    let player = this.#players.get(key);
    if (!player) {
      const rate = name === 'opus' ? { rateHz: OPUS_HZ } : name === 'L16' ? { rateHz: clockRate } : {};
      player = createEncoder(name, rate).then((encoder) => new Player(encoder));
      this.#players.set(key, player);
    }
    return player;
  }
}
