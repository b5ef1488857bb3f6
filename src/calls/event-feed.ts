/**
 * What happens to calls as the outside is told of it: one stream of plain data, made of the CallEvents. Whatever strangers
 * have said of themselves is data in it: of bounded length, without control characters (T15). Which keys were pressed is
 * not told.
 */
import type { CallId, Clock, Random, Unsubscribe } from '../kernel/index.ts';
import type { CallEvent } from './call-event.ts';
import { cleanData } from './clean-data.ts';

export const FEED_TYPES = [
  'call.started',
  'call.ringing',
  'call.answered',
  'call.failed',
  'call.digit',
  'call.played',
  'call.consultation',
  'call.transferred',
  'call.ended',
  'agent.utterance',
] as const;

export type FeedType = (typeof FEED_TYPES)[number];

export interface FeedEvent {
  /** The same for whoever is told of it, however often. */
  readonly id: string;
  readonly type: FeedType;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly data: { readonly callId: string } & Readonly<Record<string, unknown>>;
}

export type FeedListener = (event: FeedEvent) => void;

export interface CallEventFeedOptions {
  readonly clock: Clock;
  readonly random: Random;
}

export class CallEventFeed {
  readonly #options: CallEventFeedOptions;
  readonly #listeners = new Set<FeedListener>();

  constructor(options: CallEventFeedOptions) {
    this.#options = options;
  }

  subscribe(listener: FeedListener): Unsubscribe {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  observe(event: CallEvent): void {
    if (this.#listeners.size === 0) return;
    for (const { type, data } of told(event)) {
      const { random, clock } = this.#options;
      const news: FeedEvent = { id: `msg_${random.uuid()}`, type, at: clock.wallTime(), data: cleanData(data) };
      for (const listener of this.#listeners) listener(news);
    }
  }
}

type News = Pick<FeedEvent, 'type' | 'data'>;
type Kind = CallEvent['kind'];
type Tellers = { readonly [K in Kind]?: (event: Extract<CallEvent, { kind: K }>) => readonly News[] };

const TELLERS: Tellers = {
  'call-started': (event) => [{ type: 'call.started', data: factsOf(event) }],
  'leg-ringing': (event) => [{ type: 'call.ringing', data: factsOf(event) }],
  'leg-failed': (event) => [{ type: 'call.failed', data: factsOf(event) }],
  'call-answered': (event) => [{ type: 'call.answered', data: factsOf(event) }],
  digit: ({ callId, legId, durationMs }) => [{ type: 'call.digit', data: { callId, legId, durationMs } }],
  consultation: (event) => [{ type: 'call.consultation', data: factsOf(event) }],
  'sound-over': (event) => [{ type: 'call.played', data: factsOf(event) }],
  'agent-utterance': (event) => [{ type: 'agent.utterance', data: factsOf(event) }],
  'call-ended': ({ callId, reason, sipStatus, record }) => {
    const ended: News = { type: 'call.ended', data: { callId, reason, sipStatus, q850: record.q850, record } };
    return reason === 'transferred' ? [{ type: 'call.transferred', data: { callId } }, ended] : [ended];
  },
};

function factsOf<Event extends CallEvent & { readonly callId: CallId }>(event: Event) {
  const { kind: _, ...facts } = event;
  return facts;
}

function told(event: CallEvent): readonly News[] {
  const tell = TELLERS[event.kind] as ((event: CallEvent) => readonly News[]) | undefined;
  return tell?.(event) ?? [];
}
