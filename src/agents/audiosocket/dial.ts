/** A call with an agent that is an AudioSocket server: we dial it as Asterisk would. */
import { connect } from 'node:net';
import type { AgentCall, AgentL16 } from '../../calls/index.ts';
import type { Clock, Logger, Random, Timer } from '../../kernel/index.ts';
import { Complaints } from '../complaints.ts';
import { agentErrors } from '../errors.ts';
import type { AgentLink, AgentVoice, OpenLink } from '../link.ts';
import { WholeSamples } from '../whole-samples.ts';
import { AudioStream } from './audio-stream.ts';
import { audioType, DTMF, FAULT, type Frame, HANG_UP, UUID, uuidBytes } from './frames.ts';

export interface AudioSocketAgent {
  readonly host: string;
  readonly port: number;
  readonly encoding: AgentL16;
  readonly connectTimeoutMs: number;
}

export interface AudioSocketParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export function openAudioSocket(agent: AudioSocketAgent, parts: AudioSocketParts): OpenLink {
  return (_call: AgentCall, voice) => new DialedSocket(agent, parts, voice);
}

/** The protocol knows no utterances, and no way to call one off. */
const UTTERANCE = '1';

class DialedSocket implements AgentLink {
  readonly #agent: AudioSocketAgent;
  readonly #parts: AudioSocketParts;
  readonly #voice: AgentVoice;
  readonly #stream: AudioStream;
  readonly #samples: WholeSamples;
  readonly #complaints: Complaints;
  readonly #timer: Timer;
  #isOpen = false;

  constructor(agent: AudioSocketAgent, parts: AudioSocketParts, voice: AgentVoice) {
    this.#agent = agent;
    this.#parts = parts;
    this.#voice = voice;
    this.#samples = new WholeSamples(agent.encoding);
    this.#complaints = new Complaints(parts.logger);
    const { host, port, connectTimeoutMs } = agent;
    const socket = connect({ host, port });
    socket.once('connect', () => this.#onOpen());
    this.#stream = new AudioStream({
      socket,
      clock: parts.clock,
      onFrame: (frame) => this.#onFrame(frame),
      onClose: (cause) => this.#onClose(cause && this.#broken(cause)),
    });
    this.#timer = parts.clock.after(connectTimeoutMs, () => {
      socket.destroy();
      this.#onClose(agentErrors.AGENT_TIMEOUT([this.#place, connectTimeoutMs]));
    });
  }

  hear(audio: Uint8Array): void {
    this.#stream.sendAudio(audioType(this.#agent.encoding), audio);
  }

  pressDigit(digit: string): void {
    this.#stream.send(DTMF, Buffer.from(digit));
  }

  markReached(): void {}

  close(): void {
    this.#timer.cancel();
    this.#stream.close();
  }

  get #place(): string {
    return `${this.#agent.host}:${this.#agent.port}`;
  }

  #onOpen(): void {
    this.#timer.cancel();
    this.#isOpen = true;
    const uuid = this.#parts.random.uuid();
    this.#parts.logger.info({ uuid }, 'agent dialed');
    this.#stream.send(UUID, uuidBytes(uuid));
    this.#voice.onOpen();
  }

  #onFrame({ type, payload }: Frame): void {
    switch (type) {
      case audioType(this.#agent.encoding):
        return this.#voice.say(UTTERANCE, this.#samples.of(payload));
      case HANG_UP:
        this.close();
        return this.#voice.onClose();
      case FAULT:
        this.close();
        return this.#voice.onClose(agentErrors.AGENT_FAULT([this.#place, payload.toString('hex').slice(0, 32)]));
      default:
        this.#complaints.about(new TypeError(`frames of type ${type}`));
    }
  }

  #broken(cause: NodeJS.ErrnoException): Error {
    return this.#isOpen
      ? agentErrors.AGENT_LOST([this.#place, cause.code ?? cause.message], { cause })
      : agentErrors.AGENT_UNREACHABLE([this.#place, cause.message], { cause });
  }

  /** An end before the beginning is no good order. */
  #onClose(error: Error | undefined): void {
    this.#timer.cancel();
    this.#stream.close();
    const early = this.#isOpen ? undefined : agentErrors.AGENT_UNREACHABLE([this.#place, 'closed at once']);
    this.#voice.onClose(error ?? early);
  }
}
