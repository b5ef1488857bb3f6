/** A call as jambonz' `listen` verb opens it: we are the platform, the agent's application is the server. */
import { type AgentCall, type AgentL16, agentRateHz } from '../../calls/index.ts';
import type { Clock, Logger, Random } from '../../kernel/index.ts';
import { AgentSocket } from '../agent-socket.ts';
import { Complaints } from '../complaints.ts';
import { type AgentEndpoint, endpointFor } from '../endpoint.ts';
import type { AgentLink, AgentVoice, OpenLink } from '../link.ts';
import { filledAll, type Template } from '../template.ts';
import { WholeSamples } from '../whole-samples.ts';
import { dtmf, type ListenCommand, mark, type PlayAudio, playDone, preamble, readCommand } from './messages.ts';
import { samplesOf } from './recorded.ts';

export interface JambonzAgent extends AgentEndpoint {
  readonly encoding: AgentL16;
  /** Beside the call's attributes in the first message. */
  readonly parameters: Readonly<Record<string, Template>>;
  /** For HTTP Basic authentication. */
  readonly login: { readonly username: string; readonly password: string } | undefined;
}

export interface JambonzParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export function openListen(agent: JambonzAgent, parts: JambonzParts): OpenLink {
  return (call, voice) => new Listen({ agent, parts, call, voice });
}

interface ListenOptions {
  readonly agent: JambonzAgent;
  readonly parts: JambonzParts;
  readonly call: AgentCall;
  readonly voice: AgentVoice;
}

const SUBPROTOCOL = 'audio.jambonz.org';
/** So many of one call may be outstanding, as in jambonz. */
const MAX_MARKS = 30;

/** Something the application is to be told when what is before it has been played. */
type Due = { readonly kind: 'mark'; readonly name: string } | { readonly kind: 'play'; readonly id: string };

class Listen implements AgentLink {
  readonly #options: ListenOptions;
  readonly #socket: AgentSocket;
  readonly #samples: WholeSamples;
  readonly #complaints: Complaints;
  readonly #due = new Map<string, Due>();
  #lastMark = 0;
  #utterance = 1;

  constructor(options: ListenOptions) {
    this.#options = options;
    const { agent, parts, call, voice } = options;
    this.#samples = new WholeSamples(agent.encoding);
    this.#complaints = new Complaints(parts.logger);
    const endpoint = endpointFor(agent, call);
    this.#socket = new AgentSocket({
      ...endpoint,
      headers: { ...authorization(agent), ...endpoint.headers },
      protocols: [SUBPROTOCOL],
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

  markReached(name: string, isCleared: boolean): void {
    const due = this.#due.get(name);
    this.#due.delete(name);
    if (due?.kind === 'mark') this.#socket.send(mark(due.name, isCleared ? 'cleared' : 'playout'));
    else if (due?.kind === 'play') this.#socket.send(playDone(due.id));
  }

  close(): void {
    this.#socket.close();
  }

  #onOpen(): void {
    const { agent, call, parts, voice } = this.#options;
    const { callId, from, to } = call;
    const sampleRate = agentRateHz(agent.encoding);
    const parameters = filledAll(agent.parameters, call);
    this.#socket.send(preamble({ callSid: parts.random.uuid(), callId, from, to, sampleRate, parameters }));
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

  #obey(command: ListenCommand): void {
    switch (command.type) {
      case 'killAudio':
        return this.#fallSilent();
      case 'mark':
        return this.#markLater(command.name);
      case 'clearMarks':
        return this.#clearMarks();
      case 'playAudio':
        return this.#play(command.play);
      case 'disconnect':
        this.close();
        return this.#options.voice.onClose();
    }
  }

  #fallSilent(): void {
    this.#utterance++;
    this.#samples.forget();
    void this.#options.voice.flush();
  }

  #play(play: PlayAudio): void {
    const audio = samplesOf(play, agentRateHz(this.#options.agent.encoding));
    if (!play.isQueued) this.#fallSilent();
    this.#options.voice.say(`${this.#utterance}`, audio);
    if (this.#due.size < 2 * MAX_MARKS) this.#tellLater({ kind: 'play', id: play.id });
  }

  #markLater(name: string): void {
    const marks = [...this.#due.values()].filter(({ kind }) => kind === 'mark').length;
    if (marks >= MAX_MARKS) this.#complaints.about(new RangeError(`more than ${MAX_MARKS} marks`));
    else this.#tellLater({ kind: 'mark', name });
  }

  /** Under names of ours: the application may give the same to several. */
  #tellLater(due: Due): void {
    const name = `${++this.#lastMark}`;
    this.#due.set(name, due);
    this.#options.voice.mark(name);
  }

  #clearMarks(): void {
    for (const [name, due] of this.#due) {
      if (due.kind === 'mark') this.markReached(name, true);
    }
  }
}

function authorization({ login }: JambonzAgent): Record<string, string> {
  if (login === undefined) return {};
  return { Authorization: `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}` };
}
