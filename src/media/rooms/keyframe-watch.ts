/**
 * Counts how often publishers are asked for keyframes. Each costs as much as many pictures, and who asks all the time
 * loses more than retransmission can mend (some 3 to 5 % of the packets).
 */
import type { types } from 'mediasoup';
import type { Clock, Logger, Timer } from '../../kernel/index.ts';

const everyMs = 10_000;
/** Asked in one interval; joining and switching layers asks now and then. */
const alarmAt = 3;

interface Watched {
  readonly producer: types.Producer;
  readonly consumers: Set<types.Consumer>;
  asked: number;
  wanted: number;
  isAlarming: boolean;
}

export class KeyframeWatch {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #watched = new Map<string, Watched>();
  #timer: Timer | undefined;
  #asked = 0;
  #wanted = 0;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  get figures(): { readonly asked: number; readonly wanted: number; readonly alarms: number } {
    const alarms = [...this.#watched.values()].filter(({ isAlarming }) => isAlarming).length;
    return { asked: this.#asked, wanted: this.#wanted, alarms };
  }

  add(producer: types.Producer): void {
    this.#watched.set(producer.id, { producer, consumers: new Set(), asked: 0, wanted: 0, isAlarming: false });
    producer.observer.once('close', () => this.#watched.delete(producer.id));
    this.#timer ??= this.#clock.after(everyMs, () => void this.#look());
  }

  addConsumer(consumer: types.Consumer): void {
    const watched = this.#watched.get(consumer.producerId);
    watched?.consumers.add(consumer);
    consumer.observer.once('close', () => watched?.consumers.delete(consumer));
  }

  stop(): void {
    this.#timer?.cancel();
    this.#watched.clear();
  }

  async #look(): Promise<void> {
    this.#timer = undefined;
    for (const watched of this.#watched.values()) await this.#lookAt(watched).catch(() => {});
    if (this.#watched.size > 0) this.#timer = this.#clock.after(everyMs, () => void this.#look());
  }

  async #lookAt(watched: Watched): Promise<void> {
    const sent = await watched.producer.getStats();
    const received = (await Promise.all([...watched.consumers].map((each) => each.getStats().catch(() => [])))).flat();
    const asked = sum(sent.map((each) => each.pliCount + each.firCount));
    const wanted = sum(received.filter(isOutbound).map((each) => each.pliCount + each.firCount));
    const since = asked - watched.asked;
    this.#asked += since;
    // A subscriber that has gone takes its count with it.
    this.#wanted += Math.max(0, wanted - watched.wanted);
    Object.assign(watched, { asked, wanted });
    const isAlarming = since >= alarmAt;
    if (isAlarming && !watched.isAlarming)
      this.#logger.warn(
        {
          publicationId: watched.producer.id,
          keyframes: since,
          publisherLossPercent: percent(sent),
          subscriberLossPercent: percent(received.filter(isOutbound)),
        },
        'a publisher is asked for keyframes all the time',
      );
    watched.isAlarming = isAlarming;
  }
}

type AnyStat = Awaited<ReturnType<types.Consumer['getStats']>>[number];

function isOutbound(stat: AnyStat): boolean {
  return stat.type === 'outbound-rtp';
}

function sum(values: readonly number[]): number {
  return values.reduce((total, each) => total + each, 0);
}

/** The worst of them; RTCP counts loss in 256ths (RFC 3550 §6.4.1). */
function percent(stats: readonly { readonly fractionLost: number }[]): number {
  return Math.round((Math.max(0, ...stats.map((each) => each.fractionLost)) / 256) * 100);
}
