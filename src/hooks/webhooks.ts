/**
 * Tells HTTP servers what happens to calls (Standard Webhooks): signed, in order for each call, again until it is taken or
 * given up, and never more than so many waiting.
 */
import type { FeedEvent, FeedType } from '../calls/index.ts';
import { signWebhook } from '../dialplan/index.ts';
import { askHttp } from '../http-client/index.ts';
import type { Clock, Logger, Random, Timer } from '../kernel/index.ts';
import { hookErrors } from './errors.ts';

export interface WebhookTarget {
  readonly url: string;
  /** `whsec_` and base64. */
  readonly secret: string;
  /** Which events it wants. */
  readonly events: ReadonlySet<FeedType>;
  readonly timeoutMs: number;
  /** After so many in vain an event is given up. */
  readonly attempts: number;
  readonly mayBePrivate: boolean;
}

export interface WebhooksOptions {
  readonly target: WebhookTarget;
  /** Events that may wait; more are given up at once. */
  readonly maxWaiting: number;
  /** Calls whose events are sent at the same time. */
  readonly concurrency: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Since the start. */
export interface WebhookCounters {
  readonly delivered: number;
  readonly retried: number;
  /** Given up. */
  readonly dead: number;
  readonly waiting: number;
}

const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 300_000;
/** Nobody needs to read what the server answers. */
const MAX_ANSWER = 65_536;
/** The server does not want any more of this. */
const GONE = 410;

interface Line {
  readonly events: FeedEvent[];
  attempt: number;
  pause: Timer | undefined;
}

export class Webhooks {
  readonly #options: WebhooksOptions;
  /** By call. */
  readonly #lines = new Map<string, Line>();
  /** Calls whose next event may be sent, in turn: those that wait for another attempt cost nothing meanwhile. */
  readonly #ready = new Set<string>();
  readonly #ended = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  #waiting = 0;
  #delivered = 0;
  #retried = 0;
  #dead = 0;

  constructor(options: WebhooksOptions) {
    this.#options = options;
  }

  get counters(): WebhookCounters {
    return { delivered: this.#delivered, retried: this.#retried, dead: this.#dead, waiting: this.#waiting };
  }

  take(event: FeedEvent): void {
    const { target, maxWaiting } = this.#options;
    if (!target.events.has(event.type) || this.#ended.signal.aborted) return;
    if (this.#waiting >= maxWaiting) return this.#giveUp(event, hookErrors.WEBHOOK_QUEUE([target.url, maxWaiting]));
    this.#waiting += 1;
    const { callId } = event.data;
    const line = this.#lines.get(callId);
    if (line === undefined) {
      this.#lines.set(callId, { events: [event], attempt: 0, pause: undefined });
      this.#beReady(callId);
    } else line.events.push(event);
  }

  /** Gives what is under way some time, and forgets the rest, which it logs. */
  async close(withinMs: number): Promise<void> {
    let timer: Timer | undefined;
    const late = new Promise<void>((resolve) => {
      timer = this.#options.clock.after(withinMs, resolve);
    });
    await Promise.race([this.#drained(), late]);
    timer?.cancel();
    this.#ended.abort('gateway ends');
    for (const { pause } of this.#lines.values()) pause?.cancel();
    await Promise.allSettled(this.#underWay);
    if (this.#waiting > 0) {
      const { logger, target } = this.#options;
      logger.error({ url: target.url, events: this.#waiting }, 'webhooks not sent before the end');
    }
    this.#lines.clear();
  }

  async #drained(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }

  #beReady(callId: string): void {
    this.#ready.add(callId);
    this.#pump();
  }

  #pump(): void {
    for (const callId of this.#ready) {
      if (this.#underWay.size >= this.#options.concurrency || this.#ended.signal.aborted) return;
      this.#ready.delete(callId);
      const line = this.#lines.get(callId);
      if (line === undefined) continue;
      const work = this.#sendFirst(callId, line);
      this.#underWay.add(work);
      void work.finally(() => {
        this.#underWay.delete(work);
        if (this.#lines.get(callId) === line && line.pause === undefined) this.#ready.add(callId);
        this.#pump();
      });
    }
  }

  async #sendFirst(callId: string, line: Line): Promise<void> {
    const [event] = line.events;
    if (event === undefined) return;
    const outcome = await this.#send(event);
    if (this.#ended.signal.aborted && outcome !== 'taken') return;
    if (outcome === 'taken') this.#delivered += 1;
    else if (line.attempt + 1 < this.#options.target.attempts && outcome.mayRetry)
      return this.#again(callId, line, outcome);
    else this.#giveUp(event, outcome.error);
    line.events.shift();
    line.attempt = 0;
    this.#waiting -= 1;
    if (line.events.length === 0) this.#lines.delete(callId);
  }

  /** The others of the call wait behind it. */
  #again(callId: string, line: Line, { retryAfterMs }: Failure): void {
    const { clock, random } = this.#options;
    const backoff = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** line.attempt);
    // Spread, so that a server that comes back is not run over.
    const spread = backoff * (0.75 + (random.uint32() / 2 ** 32) * 0.5);
    line.attempt += 1;
    this.#retried += 1;
    line.pause = clock.after(Math.max(spread, Math.min(MAX_PAUSE_MS, retryAfterMs)), () => {
      line.pause = undefined;
      this.#beReady(callId);
    });
  }

  async #send(event: FeedEvent): Promise<'taken' | Failure> {
    const { target, clock } = this.#options;
    const { url, secret, timeoutMs, mayBePrivate } = target;
    const timestamp = new Date(event.at).toISOString();
    const body = JSON.stringify({ type: event.type, timestamp, data: event.data });
    const signed = signWebhook({ id: event.id, timestampSec: Math.floor(clock.wallTime() / 1000), body }, secret);
    try {
      const { status, retryAfter } = await askHttp({
        url,
        method: 'POST',
        headers: { 'content-type': 'application/json', ...signed },
        body,
        timeoutMs,
        maxBytes: MAX_ANSWER,
        mayBePrivate,
        signal: this.#ended.signal,
      });
      if (status >= 200 && status < 300) return 'taken';
      const error = hookErrors.HOOK_STATUS([url, status]);
      return { error, mayRetry: status !== GONE, retryAfterMs: Number(retryAfter ?? 0) * 1000 || 0 };
    } catch (error) {
      return { error, mayRetry: true, retryAfterMs: 0 };
    }
  }

  #giveUp(event: FeedEvent, error: unknown): void {
    this.#dead += 1;
    const { id, type, data } = event;
    this.#options.logger.error({ err: error, webhookId: id, type, callId: data.callId }, 'webhook given up');
  }
}

interface Failure {
  readonly error: unknown;
  readonly mayRetry: boolean;
  /** What the server has asked for. */
  readonly retryAfterMs: number;
}
