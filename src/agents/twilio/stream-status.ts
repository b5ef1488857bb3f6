/** Tells a stream's statusCallback that it has started, and how it ended. A call waits for none of it. */

import type { FilledEndpoint } from '../endpoint.ts';
import type { StreamIds } from './messages.ts';
import type { TwilioParts } from './parts.ts';
import type { StreamNoun } from './twiml.ts';
import { askVoiceApp } from './voice-request.ts';

export interface StreamStatusOptions {
  readonly noun: StreamNoun;
  readonly ids: StreamIds;
  readonly authToken: string | undefined;
  readonly endpointAt: (url: string) => FilledEndpoint;
  readonly parts: Pick<TwilioParts, 'clock' | 'logger'>;
}

export class StreamStatus {
  readonly #options: StreamStatusOptions;
  /** One after another, so that they arrive in their order. */
  #told: Promise<void> = Promise.resolve();
  #hasStarted = false;

  constructor(options: StreamStatusOptions) {
    this.#options = options;
  }

  started(): void {
    this.#hasStarted = true;
    this.#tell({ StreamEvent: 'stream-started' });
  }

  over(error: Error | undefined): void {
    if (error !== undefined) this.#tell({ StreamEvent: 'stream-error', StreamError: error.message });
    else if (this.#hasStarted) this.#tell({ StreamEvent: 'stream-stopped' });
  }

  #tell(event: Readonly<Record<string, string>>): void {
    if (this.#options.noun.statusCallback === undefined) return;
    const timestamp = new Date(this.#options.parts.clock.wallTime()).toISOString();
    this.#told = this.#told.then(() => this.#ask({ ...event, Timestamp: timestamp }));
  }

  async #ask(event: Readonly<Record<string, string>>): Promise<void> {
    const { noun, ids, authToken, endpointAt, parts } = this.#options;
    if (noun.statusCallback === undefined) return;
    const { streamSid, accountSid, callSid } = ids;
    const form = {
      AccountSid: accountSid,
      CallSid: callSid,
      StreamSid: streamSid,
      StreamName: noun.name ?? streamSid,
      ...event,
    };
    const { signal } = new AbortController();
    try {
      const { url, method } = noun.statusCallback;
      await askVoiceApp({ ...endpointAt(url), method, form, authToken, signal });
    } catch (error) {
      parts.logger.warn({ err: error, callSid }, 'status callback of a stream failed');
    }
  }
}
