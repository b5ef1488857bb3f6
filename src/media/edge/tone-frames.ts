/** The sound of the `tone` endpoint, encoded once per tick for all who play it: 440 Hz at -12 dBFS. */
import { encodeG711, G722Encoder, ToneGenerator } from '../../audio/index.ts';
import type { AudioCodecName } from '../../sdp/index.ts';

const TONE_HZ = 440;
const LEVEL_DBFS = -12;
const FRAME_SEC = 0.02;

interface Player {
  next(): Buffer;
}

function g711Player(law: 'PCMU' | 'PCMA'): Player {
  const tone = new ToneGenerator(TONE_HZ, 8000, LEVEL_DBFS);
  return { next: () => Buffer.from(encodeG711(law, tone.next(8000 * FRAME_SEC))) };
}

function g722Player(): Player {
  const tone = new ToneGenerator(TONE_HZ, 16_000, LEVEL_DBFS);
  const encoder = new G722Encoder();
  return { next: () => Buffer.from(encoder.encode(tone.next(16_000 * FRAME_SEC))) };
}

const players: Readonly<Record<Exclude<AudioCodecName, 'opus' | 'L16'>, () => Player>> = {
  PCMU: () => g711Player('PCMU'),
  PCMA: () => g711Player('PCMA'),
  G722: g722Player,
};

export type ToneCodec = keyof typeof players;

export function isToneCodec(name: AudioCodecName): name is ToneCodec {
  return name !== 'opus' && name !== 'L16';
}

export class ToneFrames {
  readonly #playing = new Map<ToneCodec, { readonly player: Player; tick: number; frame: Buffer }>();

  /** The payload of this tick. Whoever asks first in a tick has it encoded. */
  frame(codec: ToneCodec, tick: number): Buffer {
    let entry = this.#playing.get(codec);
    if (!entry) {
      const player = players[codec]();
      entry = { player, tick, frame: player.next() };
      this.#playing.set(codec, entry);
    } else if (entry.tick !== tick) {
      entry.frame = entry.player.next();
      entry.tick = tick;
    }
    return entry.frame;
  }
}
