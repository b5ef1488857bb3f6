/**
 * Two ends that hear each other: directly when they share a codec, through a pair of transcoders when they do not, want
 * packets of different lengths, or one sends comfort noise that the other one would not understand. It is fitted again
 * whenever the format of one changes.
 */
import { FecSwitch, Transcoder, type WorkQueue } from '../transcoder/index.ts';
import { type EdgeEnd, type Hearer, sharesCodec } from './end.ts';
import { edgeErrors } from './errors.ts';
import type { Arrival } from './incoming.ts';
import { Silenced } from './silenced.ts';

export interface JointParts {
  readonly ends: readonly [EdgeEnd, EdgeEnd];
  readonly work: WorkQueue;
  /** Whether nobody is to hear this end. */
  readonly isMuted: (end: EdgeEnd) => boolean;
  /** So much time of the call was transcoded since the last time, ms. */
  readonly onTranscoded: (ms: number) => void;
}

export class Joint {
  readonly ends: readonly [EdgeEnd, EdgeEnd];
  readonly #parts: JointParts;
  #ways: readonly TranscodedWay[] = [];
  /** Of the formats that the transcoders were made for; '' when there are none. */
  #fitsFor = '';
  #isCounted = false;
  #countedMs = 0;

  constructor(parts: JointParts) {
    this.#parts = parts;
    this.ends = parts.ends;
  }

  /** There are transcoders. */
  get isTranscoding(): boolean {
    return this.#ways.length > 0;
  }

  /** A remote does since the last `fit` what asks for another one. */
  get isOutdated(): boolean {
    return this.#wanted !== this.#fitsFor;
  }

  get #wanted(): string {
    const [a, b] = this.ends;
    return needsTranscoding(a, b) ? `${describe(a)} ${describe(b)}` : '';
  }

  /** Joins the ends as their formats are now. Throws MEDIA_NO_PATH when no path leads from one to the other. */
  async fit(nowMs: number): Promise<void> {
    const [a, b] = this.ends;
    const wanted = this.#wanted;
    if (wanted !== '' && wanted === this.#fitsFor) return;
    this.#closeWays(nowMs);
    this.#fitsFor = wanted;
    // Without transcoders ends of different codecs do not hear each other's audio, but their digits.
    this.#aim();
    if (wanted === '') return;
    const ways = await this.#openWays(a, b);
    // Something else may have been wanted meanwhile.
    if (this.#fitsFor !== wanted || this.isTranscoding) return closeAll(ways);
    this.#ways = ways;
    this.#isCounted = !sharesCodec(a, b);
    this.#countedMs = nowMs;
    this.#aim();
    a.restart();
    b.restart();
    for (const way of ways) way.begin(nowMs);
  }

  /** After an end was muted, or is heard again. */
  remute(): void {
    this.#aim();
    for (const end of this.ends) end.restart();
  }

  /** Who hears whom: through transcoders, if there are any, and nobody a muted end. */
  #aim(): void {
    const [a, b] = this.ends;
    const [fromA, fromB] = this.#ways;
    a.peer = this.#parts.isMuted(a) ? new Silenced(b) : (fromA ?? b);
    b.peer = this.#parts.isMuted(b) ? new Silenced(a) : (fromB ?? a);
  }

  /** Called a hundred times a second while there are transcoders: losses show by time passing, too. */
  fill(nowMs: number): void {
    for (const way of this.#ways) way.fill(nowMs);
  }

  /** Called four times a second. */
  tick(nowMs: number): void {
    for (const way of this.#ways) way.followLoss(nowMs);
    this.#count(nowMs);
  }

  /** The ends hear each other no more. */
  part(nowMs: number): void {
    this.#closeWays(nowMs);
    this.#fitsFor = '';
    for (const end of this.ends) end.peer = undefined;
  }

  async #openWays(a: EdgeEnd, b: EdgeEnd): Promise<[TranscodedWay, TranscodedWay]> {
    const { work } = this.#parts;
    const opening = [TranscodedWay.open(a, b, work), TranscodedWay.open(b, a, work)] as const;
    try {
      return await Promise.all(opening);
    } catch (cause) {
      for (const each of await Promise.allSettled(opening)) if (each.status === 'fulfilled') each.value.close();
      throw edgeErrors.MEDIA_NO_PATH([a.format?.codec.name ?? 'nothing', b.format?.codec.name ?? 'nothing'], { cause });
    }
  }

  #closeWays(nowMs: number): void {
    this.#count(nowMs);
    closeAll(this.#ways);
    this.#ways = [];
  }

  #count(nowMs: number): void {
    if (this.isTranscoding && this.#isCounted) this.#parts.onTranscoded(nowMs - this.#countedMs);
    this.#countedMs = nowMs;
  }
}

/** What one end hears of the other: transcoded, a frame at a time. */
class TranscodedWay implements Hearer {
  /** It must see every packet. */
  readonly isBusy = true;
  readonly #speaker: EdgeEnd;
  readonly #listener: EdgeEnd;
  readonly #work: WorkQueue;
  readonly #transcoder: Transcoder;
  readonly #arrival: Arrival;
  readonly #fec = new FecSwitch();
  #isClosed = false;

  private constructor(speaker: EdgeEnd, listener: EdgeEnd, work: WorkQueue, transcoder: Transcoder) {
    this.#speaker = speaker;
    this.#listener = listener;
    this.#work = work;
    this.#transcoder = transcoder;
    this.#arrival = { isEvent: false, isNoise: false, clockRate: listener.format?.codec.clockRate ?? 8000, nowMs: 0 };
  }

  static async open(speaker: EdgeEnd, listener: EdgeEnd, work: WorkQueue): Promise<TranscodedWay> {
    const [from, to] = [speaker.format, listener.format];
    if (!from || !to) throw new RangeError('nothing to transcode before both formats are known');
    const opened: { way?: TranscodedWay } = {};
    const transcoder = await Transcoder.open({
      from,
      to,
      ssrc: OUR_SSRC,
      send: (packet, nowMs) => opened.way?.deliver(packet, nowMs),
    });
    opened.way = new TranscodedWay(speaker, listener, work, transcoder);
    return opened.way;
  }

  /** The speaker finds its own format at the other end: whatever comes from there is in it. */
  get format() {
    return this.#speaker.format;
  }

  send(packet: Buffer, { isEvent, isNoise, nowMs, clockRate }: Arrival): void {
    if (isEvent) {
      this.#transcoder.passEvent(packet);
      return this.#listener.send(packet, { isEvent, isNoise, nowMs, clockRate });
    }
    this.#work.add(() => {
      if (!this.#isClosed) this.#transcoder.take(packet, nowMs, isNoise);
    });
  }

  restart(): void {
    this.#listener.restart();
  }

  deliver(packet: Buffer, nowMs: number): void {
    this.#arrival.nowMs = nowMs;
    this.#listener.send(packet, this.#arrival);
  }

  /** What the speaker was silent with already. */
  begin(nowMs: number): void {
    const { noise } = this.#speaker;
    if (noise !== undefined) this.#transcoder.take(noise, nowMs, true);
  }

  fill(nowMs: number): void {
    if (nowMs < this.#transcoder.dueMs) return;
    this.#work.add(() => {
      if (!this.#isClosed) this.#transcoder.fill(nowMs);
    });
  }

  followLoss(nowMs: number): void {
    this.#transcoder.expectLoss(this.#fec.take(this.#listener.remoteLoss, nowMs));
  }

  close(): void {
    this.#isClosed = true;
    this.#transcoder.close();
  }
}

/** Of the transcoders' own streams, which no remote sees: each end has a splice that puts its own in place. */
const OUR_SSRC = 1;

/** Whether the two cannot simply be given each other's packets. */
function needsTranscoding(a: EdgeEnd, b: EdgeEnd): boolean {
  const [one, other] = [a.format, b.format];
  if (one === undefined || other === undefined) return false;
  if (!sharesCodec(a, b)) return true;
  // Between decoder and encoder of the same G.711 nothing is lost. Opus has silence of its own, and its packets any length.
  return one.codec.name !== 'opus' && (one.ptimeMs !== other.ptimeMs || a.noise !== undefined || b.noise !== undefined);
}

function describe({ format }: EdgeEnd): string {
  return JSON.stringify([format?.codec, format?.ptimeMs]);
}

function closeAll(ways: readonly TranscodedWay[]): void {
  for (const way of ways) way.close();
}
