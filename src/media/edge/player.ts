/**
 * What one port plays to its remote by itself: a sound until it is told to stop, and keys as tones before that. It makes
 * packets of a source of their own; the port's splice makes them part of its one stream.
 */
import type { Unsubscribe } from '../../kernel/index.ts';
import { RTP_HEADER_BYTES, writeHeader } from '../../rtp/index.ts';
import type { AudioFormat } from '../../sdp/index.ts';
import type { EdgeSound } from './edge-sound.ts';
import type { EncodedSound } from './encoded-sound.ts';
import type { Arrival } from './incoming.ts';
import { KeyTones } from './key-tones.ts';
import { isSilent } from './silence.ts';
import type { SoundLibrary } from './sound-library.ts';
import { TICK_MS, type Ticker } from './ticker.ts';

/** Music waits until the other side has been silent for so long. */
const YIELD_MS = 400;

export interface PlayerOptions {
  readonly ticker: Ticker;
  readonly sounds: SoundLibrary;
  readonly ssrc: number;
  /** Of the port, now. */
  readonly format: () => AudioFormat | undefined;
  /** Takes a packet over. */
  readonly emit: (packet: Buffer, arrival: Arrival) => void;
  /** A recording has been played to its end. */
  readonly onOver: () => void;
}

interface Playing {
  readonly encoded: EncodedSound;
  at: number;
}

export class Player {
  readonly #options: PlayerOptions;
  readonly #arrival: Arrival = { isEvent: false, isNoise: false, clockRate: 8000, nowMs: 0 };
  #sound: EdgeSound | undefined;
  #playing: Playing | undefined;
  readonly #keys = new KeyTones();
  #codec: AudioFormat['codec'] | undefined;
  #sequence = 0;
  #timestamp = 0;
  #heardMs = Number.NEGATIVE_INFINITY;
  #stopTicking: Unsubscribe | undefined;

  constructor(options: PlayerOptions) {
    this.#options = options;
  }

  /** Something is played or about to be: the port's packets must come by here. */
  get isPlaying(): boolean {
    return this.#sound !== undefined || this.#keys.isPlaying;
  }

  play(sound: EdgeSound): void {
    this.#sound = sound;
    this.#playing = undefined;
    this.#codec = undefined;
    this.#heardMs = Number.NEGATIVE_INFINITY;
    this.#start();
  }

  stop(): void {
    this.#sound = undefined;
    this.#playing = undefined;
    if (!this.#keys.isPlaying) this.#rest();
  }

  /** After those that are still to be played. */
  pressKey(digit: string, durationMs: number): void {
    const codec = this.#options.format()?.codec;
    if (codec === undefined) return;
    this.#keys.push(digit, durationMs, codec.name);
    this.#start();
  }

  close(): void {
    this.#keys.close();
    this.stop();
  }

  /** Whether a packet of the other party must give way to what is played. */
  overrides(packet: Buffer, arrival: Arrival): boolean {
    if (arrival.isEvent) return false;
    if (this.#keys.isPlaying) return true;
    if (this.#playing === undefined || this.#sound === undefined) return false;
    if (this.#sound.kind !== 'music') return true;
    // Who holds plays music of its own, or is there but silent.
    const codec = this.#options.format()?.codec.name;
    if (codec !== undefined && !isSilent(codec, packet)) this.#heardMs = arrival.nowMs;
    return !this.#isYielding(arrival.nowMs);
  }

  #isYielding(nowMs: number): boolean {
    return this.#sound?.kind === 'music' && nowMs - this.#heardMs < YIELD_MS;
  }

  #start(): void {
    this.#follow();
    this.#stopTicking ??= this.#options.ticker.add((_tick, nowMs) => this.#tick(nowMs));
  }

  #rest(): void {
    this.#stopTicking?.();
    this.#stopTicking = undefined;
  }

  /** The port may come to know its codec, or change it, while it plays. */
  #follow(): void {
    const codec = this.#options.format()?.codec;
    if (codec === undefined || codec.name === this.#codec?.name) return;
    this.#codec = codec;
    const encoded = this.#sound && this.#options.sounds.find(this.#sound, codec.name);
    this.#playing = encoded && { encoded, at: 0 };
  }

  #tick(nowMs: number): void {
    this.#follow();
    const frame = this.#nextFrame(nowMs);
    if (frame !== undefined) this.#send(frame, nowMs);
    else if (!this.isPlaying) this.#rest();
  }

  #nextFrame(nowMs: number): Buffer | undefined {
    if (this.#keys.isPlaying) return this.#keys.next();
    if (this.#playing === undefined || this.#isYielding(nowMs)) return undefined;
    // Stays where it is as long as the frame is not there.
    const frame = this.#playing.encoded.frame(this.#playing.at);
    if (frame !== undefined) this.#playing.at++;
    if (this.#playing.at >= this.#playing.encoded.length) this.#end(this.#playing);
    return frame;
  }

  /** Again from the beginning, unless once was wanted. */
  #end(playing: Playing): void {
    playing.at = 0;
    if (this.#sound?.kind !== 'recording' || this.#sound.isLooped) return;
    this.#sound = undefined;
    this.#playing = undefined;
    this.#options.onOver();
  }

  #send(frame: Buffer, nowMs: number): void {
    const codec = this.#options.format()?.codec;
    if (codec === undefined) return;
    const packet = Buffer.allocUnsafe(RTP_HEADER_BYTES + frame.length);
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#timestamp = (this.#timestamp + (codec.clockRate * TICK_MS) / 1000) >>> 0;
    writeHeader(packet, {
      payloadType: codec.payloadType,
      marker: false,
      sequence: this.#sequence,
      timestamp: this.#timestamp,
      ssrc: this.#options.ssrc,
    });
    frame.copy(packet, RTP_HEADER_BYTES);
    this.#arrival.clockRate = codec.clockRate;
    this.#arrival.nowMs = nowMs;
    this.#options.emit(packet, this.#arrival);
  }
}
