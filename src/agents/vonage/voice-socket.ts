/** A call as Vonage's Voice WebSocket: we are the platform, the agent's application is the server. */
import { type AgentCall, type AgentL16, agentRateHz } from '../../calls/index.ts';
import type { Clock, Logger } from '../../kernel/index.ts';
import { AgentSocket } from '../agent-socket.ts';
import { Complaints } from '../complaints.ts';
import { type AgentEndpoint, bearer, endpointFor } from '../endpoint.ts';
import type { AgentLink, AgentVoice, OpenLink } from '../link.ts';
import { filledAll, type Template } from '../template.ts';
import { WholeSamples } from '../whole-samples.ts';
import { cleared, connected, dtmf, notified, readCommand, type VonageCommand } from './messages.ts';

export interface VonageAgent extends AgentEndpoint {
  readonly encoding: AgentL16;
  /** Beside the format in the first message. */
  readonly parameters: Readonly<Record<string, Template>>;
  /** Sent as bearer token. */
  readonly token: string | undefined;
}

export interface VonageParts {
  readonly clock: Clock;
  readonly logger: Logger;
}

export function openVoiceSocket(agent: VonageAgent, parts: VonageParts): OpenLink {
  return (call, voice) => new VoiceSocket({ agent, parts, call, voice });
}

interface VoiceSocketOptions {
  readonly agent: VonageAgent;
  readonly parts: VonageParts;
  readonly call: AgentCall;
  readonly voice: AgentVoice;
}

/** So many may be under way; what is wished for beyond is never told. */
const MAX_NOTIFICATIONS = 1000;
/** As text, characters. */
const MAX_PAYLOAD = 4096;

class VoiceSocket implements AgentLink {
  readonly #options: VoiceSocketOptions;
  readonly #socket: AgentSocket;
  readonly #samples: WholeSamples;
  readonly #complaints: Complaints;
  /** What is to be said at which mark. */
  readonly #notifications = new Map<string, unknown>();
  #lastMark = 0;
  #utterance = 1;

  constructor(options: VoiceSocketOptions) {
    this.#options = options;
    const { agent, parts, call, voice } = options;
    this.#samples = new WholeSamples(agent.encoding);
    this.#complaints = new Complaints(parts.logger);
    const endpoint = endpointFor(agent, call);
    this.#socket = new AgentSocket({
      ...endpoint,
      headers: { ...bearer(agent.token), ...endpoint.headers },
      clock: parts.clock,
      onOpen: () => this.#onOpen(),
      onMessage: (data) => this.#onMessage(data),
      onClose: (error) => voice.onClose(error),
    });
  }

  hear(audio: Uint8Array): void {
    this.#socket.sendAudio(audio);
  }

  pressDigit(digit: string, durationMs: number): void {
    this.#socket.send(dtmf(digit, durationMs));
  }

  /** What a clear has thrown away was not reached. */
  markReached(name: string, isCleared: boolean): void {
    const payload = this.#notifications.get(name);
    if (!this.#notifications.delete(name) || isCleared) return;
    this.#socket.send(notified(payload));
  }

  close(): void {
    this.#socket.close();
  }

  #onOpen(): void {
    const { agent, call, voice } = this.#options;
    this.#socket.send(connected(agentRateHz(agent.encoding), filledAll(agent.parameters, call)));
    voice.onOpen();
  }

  #onMessage(data: string | Buffer): void {
    if (typeof data !== 'string') return this.#options.voice.say(`${this.#utterance}`, this.#samples.of(data));
    try {
      const command = readCommand(data);
      if (command !== undefined) this.#obey(command);
    } catch (error) {
      this.#complaints.about(error);
    }
  }

  #obey(command: VonageCommand): void {
    if (command.action === 'notify') return this.#notifyLater(command.payload);
    this.#utterance++;
    this.#samples.forget();
    void this.#options.voice.flush().then(() => this.#socket.send(cleared()));
  }

  #notifyLater(payload: unknown): void {
    if (this.#notifications.size >= MAX_NOTIFICATIONS || JSON.stringify(payload).length > MAX_PAYLOAD)
      return this.#complaints.about(new RangeError('more notifications, or longer ones, than are served'));
    const name = `${++this.#lastMark}`;
    this.#notifications.set(name, payload);
    this.#options.voice.mark(name);
  }
}
