/**
 * What happens to calls as the outside is told of it: one stream of plain data, made of the CallEvents. Whatever strangers
 * have said of themselves is data in it: of bounded length, without control characters (T15). Which keys were pressed is
 * not told.
 */
import type { Clock, Random, Unsubscribe } from '../kernel/index.ts';
import type { CallEvent } from './call-event.ts';
import { cleanData } from './clean-data.ts';

export const FEED_TYPES = [
  'call.started',
  'call.ringing',
  'call.answered',
  'call.failed',
  'call.digit',
  'call.played',
  'call.transferred',
  'call.ended',
] as const;

export type FeedType = (typeof FEED_TYPES)[number];

export interface FeedEvent {
  /** The same for whoever is told of it, however often. */
  readonly id: string;
  readonly type: FeedType;
  /** ISO 8601, UTC. */
  readonly timestamp: string;
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
      const timestamp = new Date(clock.wallTime()).toISOString();
      const news: FeedEvent = { id: `msg_${random.uuid()}`, type, timestamp, data: cleanData(data) };
      for (const listener of this.#listeners) listener(news);
    }
  }
}

type News = Pick<FeedEvent, 'type' | 'data'>;

function told(event: CallEvent): readonly News[] {
  switch (event.kind) {
    case 'call-started': {
      const { kind: _, ...data } = event;
      return [{ type: 'call.started', data }];
    }
    case 'leg-ringing':
      return [{ type: 'call.ringing', data: { callId: event.callId, legId: event.legId, sipStatus: event.sipStatus } }];
    case 'leg-failed':
      return [{ type: 'call.failed', data: { callId: event.callId, legId: event.legId, sipStatus: event.sipStatus } }];
    case 'call-answered':
      return [{ type: 'call.answered', data: { callId: event.callId, codec: event.codec } }];
    case 'digit':
      return [{ type: 'call.digit', data: { callId: event.callId, legId: event.legId, durationMs: event.durationMs } }];
    case 'sound-over':
      return [{ type: 'call.played', data: { callId: event.callId, legId: event.legId } }];
    case 'call-ended': {
      const { callId, reason, sipStatus, record } = event;
      const ended: News = {
        type: 'call.ended',
        data: { callId, reason, sipStatus, q850: record.q850, record },
      };
      return reason === 'transferred' ? [{ type: 'call.transferred', data: { callId } }, ended] : [ended];
    }
    default:
      return [];
  }
}
