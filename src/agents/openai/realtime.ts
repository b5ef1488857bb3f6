/** A call as one Realtime session: we are the client, and the server decides when the caller has finished speaking. */
import { type AgentCall, type AgentEncoding, agentRateHz, type HeardSpeech } from '../../calls/index.ts';
import type { Clock, Logger } from '../../kernel/index.ts';
import { AgentSocket } from '../agent-socket.ts';
import { type AgentEndpoint, bearer, endpointFor } from '../endpoint.ts';
import type { AgentLink, AgentVoice, OpenLink } from '../link.ts';
import { filled } from '../template.ts';
import type { Tool } from '../tools/tool.ts';
import { ToolBox } from '../tools/tool-box.ts';
import { WholeSamples } from '../whole-samples.ts';
import {
  appendAudio,
  CANCEL_RESPONSE,
  createResponse,
  type FunctionCall,
  functionOutput,
  messageItem,
  type RealtimeEvent,
  readRealtimeEvent,
  truncateItem,
  userText,
} from './events.ts';
import { ConversationMemory } from './memory.ts';

export interface RealtimeAgent extends AgentEndpoint {
  /** Sent as bearer token. */
  readonly apiKey: string | undefined;
  readonly encoding: AgentEncoding;
  readonly instructions: string;
  /** What it says first; undefined: it waits for the caller. */
  readonly greeting: string | undefined;
  /** Keys of session.update beside ours, as the operator wrote them. */
  readonly session: Readonly<Record<string, unknown>>;
  /** Functions beside `hang_up`. */
  readonly tools: readonly Tool[];
}

export interface RealtimeParts {
  readonly clock: Clock;
  readonly logger: Logger;
}

export function openRealtime(agent: RealtimeAgent, parts: RealtimeParts): OpenLink {
  return (call, voice, earlier) =>
    new Realtime({ agent, parts, call, voice, earlier: earlier instanceof Realtime ? earlier : undefined });
}

interface RealtimeOptions {
  readonly agent: RealtimeAgent;
  readonly parts: RealtimeParts;
  readonly call: AgentCall;
  readonly voice: AgentVoice;
  /** The session that has broken off. */
  readonly earlier: Realtime | undefined;
}

/** Here and no verb, because the model's last words are to be heard first. */
const HANG_UP = {
  type: 'function',
  name: 'hang_up',
  description: 'Ends the call, once what was said before has been heard.',
  parameters: { type: 'object', properties: {} },
};
/** Told when the last words before a hang-up have been played. */
const FAREWELL = 'farewell';
/** So many answers in a row that failed, and the agent counts as gone. */
const MAX_FAILURES = 3;
const MAX_COMPLAINTS = 10;
/** Said to a model that takes over in the middle of a call. */
const TAKE_OVER =
  '[The connection was interrupted for a moment. The caller is still there and has heard a short pause. ' +
  'Go on from where the conversation was, without greeting again.]';

class Realtime implements AgentLink {
  readonly #options: RealtimeOptions;
  readonly #socket: AgentSocket;
  readonly #samples: WholeSamples;
  readonly #tools: ToolBox;
  /** Responses that the caller has talked over: what still comes of them is not heard. */
  readonly #discarded = new Set<string>();
  readonly #memory: ConversationMemory;
  /** The response being made; the server makes one at a time. */
  #responding: string | undefined;
  /** A response that is to be asked for when this one is done. */
  #isOwed = false;
  #isOpen = false;
  #failures = 0;
  #complaints = 0;

  constructor(options: RealtimeOptions) {
    this.#options = options;
    const { agent, parts, call, voice, earlier } = options;
    this.#samples = new WholeSamples(agent.encoding);
    this.#tools = new ToolBox(agent.tools, { call, verbs: voice.verbs });
    const endpoint = endpointFor(agent, call);
    this.#memory = new ConversationMemory(earlier === undefined ? [] : earlier.#memory.lines);
    this.#socket = new AgentSocket({
      ...endpoint,
      headers: { ...bearer(agent.apiKey), ...endpoint.headers },
      clock: parts.clock,
      onOpen: () => {},
      onMessage: (data) => this.#onMessage(data),
      onClose: (error) => voice.onClose(error),
    });
  }

  hear(audio: Uint8Array): void {
    this.#socket.sendAudio(appendAudio(audio));
  }

  pressDigit(digit: string): void {
    this.#socket.send(userText(`[The caller pressed the key ${digit}.]`));
    this.#ask();
  }

  markReached(name: string): void {
    if (name !== FAREWELL) return;
    this.close();
    this.#options.voice.onClose();
  }

  /** We were the one to notice: the server, which talks on, is told as if it had been. */
  interrupted(heard: readonly HeardSpeech[]): void {
    if (this.#responding !== undefined) {
      this.#discarded.add(this.#responding);
      this.#socket.send(CANCEL_RESPONSE);
    }
    this.#truncate(heard);
  }

  close(): void {
    this.#tools.close();
    this.#socket.close();
  }

  #onMessage(data: string | Buffer): void {
    try {
      const event = readRealtimeEvent(String(data));
      if (event !== undefined) this.#obey(event);
    } catch (error) {
      this.#complain({ err: error });
    }
  }

  #obey(event: RealtimeEvent): void {
    switch (event.kind) {
      case 'created':
        return this.#socket.send(JSON.stringify({ type: 'session.update', session: this.#session() }));
      case 'updated':
        return this.#begin();
      case 'speech-started':
        return void this.#fallSilent();
      case 'response-created':
        this.#responding = event.responseId;
        return;
      case 'response-done':
        return this.#onDone(event);
      case 'audio':
        return this.#say(event);
      case 'transcript':
        return this.#memory.add(event.role, event.text);
      case 'function-call':
        return void this.#serve(event.call);
      case 'error':
        return this.#complain({ code: event.code, text: event.text });
    }
  }

  #say({ responseId, itemId, audio }: Extract<RealtimeEvent, { kind: 'audio' }>): void {
    if (!this.#discarded.has(responseId)) this.#options.voice.say(itemId, this.#samples.of(audio));
  }

  /** Audio that were sent before the server has taken the format would be misread. */
  #begin(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#options.voice.onOpen();
    const { agent, earlier } = this.#options;
    if (earlier !== undefined && earlier.#isOpen) return this.#takeOver();
    const { greeting } = agent;
    if (greeting !== undefined) this.#socket.send(createResponse(greeting === '' ? undefined : greeting));
  }

  /** A new session knows nothing of the call: it is told what was said, as far as the server has told us. */
  #takeOver(): void {
    for (const { role, text } of this.#memory.lines) this.#socket.send(messageItem(role, text));
    this.#socket.send(userText(TAKE_OVER));
    this.#ask();
  }

  /** The caller speaks: silence at once, and the server is told how much of its answer was heard. */
  async #fallSilent(): Promise<void> {
    if (this.#responding !== undefined) this.#discarded.add(this.#responding);
    this.#samples.forget();
    this.#truncate(await this.#options.voice.flush());
  }

  #truncate(heard: readonly HeardSpeech[]): void {
    for (const { utterance, playedMs, flushedMs, skippedMs } of heard)
      if (flushedMs > skippedMs) this.#socket.send(truncateItem(utterance, playedMs + skippedMs));
  }

  #onDone({ responseId, status }: Extract<RealtimeEvent, { kind: 'response-created' | 'response-done' }>): void {
    this.#discarded.delete(responseId);
    this.#responding = undefined;
    this.#failures = status === 'failed' ? this.#failures + 1 : 0;
    if (this.#failures >= MAX_FAILURES) {
      this.close();
      this.#options.voice.onClose(new Error('the agent fails again and again'));
    } else if (this.#isOwed) this.#ask();
  }

  /** Two responses at a time are an error. */
  #ask(): void {
    this.#isOwed = this.#responding !== undefined;
    if (!this.#isOwed) this.#socket.send(createResponse());
  }

  async #serve({ callId, name, arguments: text }: FunctionCall): Promise<void> {
    if (name === HANG_UP.name) {
      this.#socket.send(functionOutput(callId, { ok: true }));
      return this.#options.voice.mark(FAREWELL);
    }
    const output = await this.#tools.run(name, text);
    if (output === undefined) return undefined;
    this.#socket.send(functionOutput(callId, output));
    return this.#ask();
  }

  #session(): object {
    const { agent, call } = this.#options;
    const format = formatOf(agent.encoding);
    const { audio, tools, ...more } = agent.session as { audio?: Record<string, object>; tools?: readonly object[] };
    return {
      type: 'realtime',
      instructions: filled(agent.instructions, call),
      output_modalities: ['audio'],
      ...more,
      tools: [HANG_UP, ...this.#tools.terms.map((terms) => ({ type: 'function', ...terms })), ...(tools ?? [])],
      audio: {
        ...audio,
        input: { turn_detection: { type: 'server_vad' }, ...audio?.['input'], format },
        output: { ...audio?.['output'], format },
      },
    };
  }

  #complain(fields: object): void {
    if (++this.#complaints <= MAX_COMPLAINTS)
      this.#options.parts.logger.warn({ ...fields }, 'message of an agent not understood');
  }
}

/** As session.update writes it. */
function formatOf(encoding: AgentEncoding): object {
  if (encoding === 'PCMU') return { type: 'audio/pcmu' };
  return encoding === 'PCMA' ? { type: 'audio/pcma' } : { type: 'audio/pcm', rate: agentRateHz(encoding) };
}
