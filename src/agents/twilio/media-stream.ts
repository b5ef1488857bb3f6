/** A call as one bidirectional Media Stream: we are the platform, the agent's application is the WebSocket server. */
import { createHmac } from 'node:crypto';
import type { AgentCall } from '../../calls/index.ts';
import type { Clock, Logger, Random } from '../../kernel/index.ts';
import { AgentSocket } from '../agent-socket.ts';
import { type AgentEndpoint, endpointFor } from '../endpoint.ts';
import type { AgentLink, AgentVoice, OpenLink } from '../link.ts';
import { filledAll, type Template } from '../template.ts';
import { readStreamMessage, type StreamIds, type StreamMessage, StreamWriter } from './messages.ts';

export interface MediaStreamAgent extends AgentEndpoint {
  /** Handed to the application as `customParameters`. */
  readonly parameters: Readonly<Record<string, Template>>;
  /** Signs the upgrade, as X-Twilio-Signature. */
  readonly authToken: string | undefined;
}

export interface MediaStreamParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** All calls of a gateway are of one account. */
const ACCOUNT_SID = `AC${'0'.repeat(31)}1`;
/** An agent that sends nothing but nonsense is told of in the log so often. */
const MAX_COMPLAINTS = 3;
/** Marks an agent may have under way. */
const MAX_UNNAMED = 10_000;

export function openMediaStream(agent: MediaStreamAgent, parts: MediaStreamParts): OpenLink {
  return (call, voice) => new MediaStream({ agent, parts, call, voice });
}

interface MediaStreamOptions {
  readonly agent: MediaStreamAgent;
  readonly parts: MediaStreamParts;
  readonly call: AgentCall;
  readonly voice: AgentVoice;
}

class MediaStream implements AgentLink {
  readonly #options: MediaStreamOptions;
  readonly #writer: StreamWriter;
  readonly #socket: AgentSocket;
  /** Marks of ours that stand for those that came without a name. */
  readonly #unnamed = new Set<string>();
  #utterance = 1;
  #lastUnnamed = 0;
  #complaints = 0;
  #startedMs = 0;

  constructor(options: MediaStreamOptions) {
    this.#options = options;
    const { agent, parts, call } = options;
    const customParameters = filledAll(agent.parameters, call);
    this.#writer = new StreamWriter({ ...idsOf(parts.random), customParameters });
    const endpoint = endpointFor(agent, call);
    this.#socket = new AgentSocket({
      ...endpoint,
      headers: { ...endpoint.headers, ...signature(agent, endpoint.url) },
      clock: parts.clock,
      onOpen: () => this.#onOpen(),
      onMessage: (data) => this.#onMessage(data),
      onClose: (error) => options.voice.onClose(error),
    });
  }

  hear(audio: Uint8Array): void {
    // In real time from the start of the stream, whatever is lost or held: applications measure playback by it.
    const { clock } = this.#options.parts;
    this.#socket.sendAudio(this.#writer.media(audio, Math.round(clock.now() - this.#startedMs)));
  }

  pressDigit(digit: string): void {
    this.#socket.send(this.#writer.dtmf(digit));
  }

  markReached(name: string): void {
    this.#socket.send(this.#unnamed.delete(name) ? this.#writer.unnamedMark() : this.#writer.mark(name));
  }

  close(): void {
    this.#socket.send(this.#writer.stop());
    this.#socket.close();
  }

  #onOpen(): void {
    this.#startedMs = this.#options.parts.clock.now();
    this.#socket.send(this.#writer.connected());
    this.#socket.send(this.#writer.start());
    this.#options.voice.onOpen();
  }

  #onMessage(data: string | Buffer): void {
    if (typeof data !== 'string') return this.#complain(new TypeError('a binary message'));
    try {
      const message = readStreamMessage(data);
      if (message !== undefined) this.#obey(message);
    } catch (error) {
      this.#complain(error);
    }
  }

  #obey(message: StreamMessage): void {
    const { voice } = this.#options;
    switch (message.event) {
      case 'media':
        return voice.say(`${this.#utterance}`, message.audio);
      case 'mark':
        return voice.mark(message.name ?? this.#nextUnnamed());
      case 'clear':
        this.#utterance++;
        void voice.flush();
    }
  }

  #nextUnnamed(): string {
    const name = `\0${++this.#lastUnnamed}`;
    if (this.#unnamed.size < MAX_UNNAMED) this.#unnamed.add(name);
    return name;
  }

  #complain(error: unknown): void {
    if (++this.#complaints <= MAX_COMPLAINTS)
      this.#options.parts.logger.warn({ err: error }, 'message of an agent not understood');
  }
}

function idsOf(random: Random): StreamIds {
  return { streamSid: `MZ${random.hex(16)}`, callSid: `CA${random.hex(16)}`, accountSid: ACCOUNT_SID };
}

function signature({ authToken }: MediaStreamAgent, url: string): Record<string, string> {
  if (authToken === undefined) return {};
  return { 'X-Twilio-Signature': createHmac('sha1', authToken).update(url).digest('base64') };
}
