/** One bidirectional Media Stream: we are the platform, the agent's application is the WebSocket server. */

import { AgentSocket } from '../agent-socket.ts';
import { Complaints } from '../complaints.ts';
import type { FilledEndpoint } from '../endpoint.ts';
import type { AgentVoice } from '../link.ts';
import { readStreamMessage, type StreamMessage, type StreamStart, StreamWriter } from './messages.ts';
import type { TwilioParts } from './parts.ts';

export interface MediaStreamOptions {
  readonly endpoint: FilledEndpoint;
  readonly start: StreamStart;
  readonly parts: TwilioParts;
  readonly voice: Pick<AgentVoice, 'onOpen' | 'say' | 'mark' | 'flush' | 'onClose'>;
}

/** Marks an agent may have under way. */
const MAX_MARKS = 10_000;
/** Of one message of audio, ms. */
const FRAME_MS = 20;
/** So far may the stream's clock be from real time before it is set anew, ms. */
const MAX_SKEW_MS = 500;
/** Begins the names that we give to marks without one. */
const UNNAMED = '(unnamed) ';

export class MediaStream {
  readonly #options: MediaStreamOptions;
  readonly #writer: StreamWriter;
  readonly #socket: AgentSocket;
  readonly #complaints: Complaints;
  #utterance = 1;
  #lastUnnamed = 0;
  #marks = 0;
  #isOpen = false;
  #startedMs = 0;
  /** The timestamp of the frame that comes next. */
  #timestampMs = 0;

  constructor(options: MediaStreamOptions) {
    this.#options = options;
    const { endpoint, parts, voice } = options;
    this.#writer = new StreamWriter(options.start);
    this.#complaints = new Complaints(parts.logger);
    this.#socket = new AgentSocket({
      ...endpoint,
      clock: parts.clock,
      onOpen: () => this.#onOpen(),
      onMessage: (data) => this.#onMessage(data),
      onClose: (error) => voice.onClose(error),
    });
  }

  /**
   * The timestamp counts frames, so that one follows the other without the jitter of their arrival: applications fill
   * what seems to be missing between two of them with silence. It goes on in real time, whatever is dropped or held,
   * because they measure by it what has been played.
   */
  hear(audio: Uint8Array): void {
    if (!this.#isOpen) return;
    const elapsedMs = this.#options.parts.clock.now() - this.#startedMs;
    if (Math.abs(elapsedMs - this.#timestampMs) > MAX_SKEW_MS)
      this.#timestampMs = Math.max(this.#timestampMs, Math.floor(elapsedMs / FRAME_MS) * FRAME_MS);
    if (this.#socket.takesAudio) this.#socket.send(this.#writer.media(audio, this.#timestampMs));
    this.#timestampMs += FRAME_MS;
  }

  pressDigit(digit: string): void {
    if (this.#isOpen) this.#socket.send(this.#writer.dtmf(digit));
  }

  markReached(name: string): void {
    this.#marks--;
    this.#socket.send(name.startsWith(UNNAMED) ? this.#writer.unnamedMark() : this.#writer.mark(name));
  }

  /** Says goodbye; `onClose` is not called any more. */
  close(): void {
    if (this.#isOpen) this.#socket.send(this.#writer.stop());
    this.#isOpen = false;
    this.#socket.close();
  }

  #onOpen(): void {
    this.#isOpen = true;
    this.#startedMs = this.#options.parts.clock.now();
    this.#socket.send(this.#writer.connected());
    this.#socket.send(this.#writer.start());
    this.#options.voice.onOpen();
  }

  #onMessage(data: string | Buffer): void {
    if (typeof data !== 'string') return this.#complaints.about(new TypeError('a binary message'));
    try {
      const message = readStreamMessage(data);
      if (message !== undefined) this.#obey(message);
    } catch (error) {
      this.#complaints.about(error);
    }
  }

  #obey(message: StreamMessage): void {
    const { voice } = this.#options;
    switch (message.event) {
      case 'media':
        return voice.say(`${this.#utterance}`, message.audio);
      case 'mark':
        return this.#mark(message.name);
      case 'clear':
        this.#utterance++;
        void voice.flush();
    }
  }

  #mark(name: string | undefined): void {
    if (this.#marks >= MAX_MARKS)
      return this.#complaints.about(new RangeError(`more than ${MAX_MARKS} marks under way`));
    this.#marks++;
    this.#options.voice.mark(name ?? `${UNNAMED}${++this.#lastUnnamed}`);
  }
}
