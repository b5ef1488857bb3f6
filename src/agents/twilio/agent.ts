/** One call of an agent that speaks Twilio's protocols: its streams, one after another, as its TwiML or its address says. */
import { createHash } from 'node:crypto';
import type { AgentCall } from '../../calls/index.ts';
import { CodedError } from '../../kernel/index.ts';
import { endpointFor, type FilledEndpoint } from '../endpoint.ts';
import type { AgentLink, AgentVoice, OpenLink } from '../link.ts';
import { clean, filledAll } from '../template.ts';
import type { BookEntry, CallStatus } from './call-book.ts';
import { dialOutcomeOf, dialTo } from './dial.ts';
import { MediaStream } from './media-stream.ts';
import type { TwilioAgent, TwilioParts } from './parts.ts';
import {
  type Fields,
  type ProgramEnd,
  runProgram,
  type Source,
  type StreamOutcome,
  type VerbDoers,
} from './program.ts';
import { StreamStatus } from './stream-status.ts';
import { type Callback, parseTwiml, type StreamNoun, type Verb } from './twiml.ts';
import { askVoiceApp, signatureOf } from './voice-request.ts';

export function openTwilioAgent(agent: TwilioAgent, parts: TwilioParts): OpenLink {
  return (call, voice) => new TwilioCall({ agent, parts, call, voice });
}

interface TwilioCallOptions {
  readonly agent: TwilioAgent;
  readonly parts: TwilioParts;
  readonly call: AgentCall;
  readonly voice: AgentVoice;
}

class TwilioCall implements AgentLink {
  readonly #options: TwilioCallOptions;
  readonly #sid: string;
  /** Its address, filled in for this call. */
  readonly #own: FilledEndpoint;
  readonly #entry: BookEntry;
  readonly #doers: VerbDoers;
  #stream: MediaStream | undefined;
  /** Aborted when something else takes the place of what runs. */
  #program = new AbortController();
  #hasOpened = false;
  #isOver = false;

  constructor(options: TwilioCallOptions) {
    this.#options = options;
    const { agent, parts, call } = options;
    // The same for every attempt at the same call.
    this.#sid = `CA${createHash('sha256').update(`${call.callId} ${call.legId}`).digest('hex').slice(0, 32)}`;
    this.#own = endpointFor(agent, call);
    const { url } = this.#own;
    const isWebhook = !/^wss?:/i.test(url);
    this.#entry = parts.calls.enter({
      sid: this.#sid,
      accountSid: agent.accountSid,
      authToken: agent.authToken,
      base: isWebhook ? url : undefined,
      from: clean(call.from),
      to: clean(call.to),
      control: {
        hangUp: () => this.#finish({ kind: 'hang-up', error: undefined }),
        redirect: (source) => this.#begin(source),
      },
    });
    this.#doers = {
      fetch: (request, fields, signal) => this.#fetch(request, fields, signal),
      connect: (stream, signal) => this.#connect(stream, signal),
      pause: (ms, signal) => this.#pause(ms, signal),
      dial: (targets, signal) => this.#dial(targets, signal),
      pressDigits: (digits) => this.#pressDigits(digits),
      answer: () => this.#answer(),
      skipped: (verb) => parts.logger.warn({ verb, callSid: this.#sid }, 'TwiML verb skipped: not done here'),
    };
    this.#begin(
      isWebhook
        ? { kind: 'url', request: { url, method: 'POST' }, fields: {} }
        : { kind: 'verbs', verbs: [{ kind: 'connect', action: undefined, stream: streamAt(url) }] },
    );
  }

  hear(audio: Uint8Array): void {
    this.#stream?.hear(audio);
  }

  pressDigit(digit: string): void {
    this.#stream?.pressDigit(digit);
  }

  markReached(name: string): void {
    this.#stream?.markReached(name);
  }

  close(): void {
    this.#over('completed');
  }

  /** In place of what runs. What waits to be said is not said any more. */
  #begin(source: Source): void {
    if (this.#isOver) return;
    this.#program.abort();
    this.#program = new AbortController();
    const { signal } = this.#program;
    void runProgram(source, this.#doers, signal).then(
      (end) => (signal.aborted ? undefined : this.#finish(end)),
      (error: unknown) => (signal.aborted ? undefined : this.#finish({ kind: 'hang-up', error: asError(error) })),
    );
  }

  #finish(end: ProgramEnd): void {
    if (this.#isOver || end.kind === 'left') return;
    const { voice } = this.#options;
    if (end.kind === 'reject') {
      this.#over(end.sipStatus === 486 ? 'busy' : 'no-answer');
      voice.refuse(end.sipStatus);
      return;
    }
    this.#over(end.error === undefined ? 'completed' : 'failed');
    voice.onClose(end.error);
  }

  #over(status: CallStatus): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#program.abort();
    this.#entry.ended(status);
  }

  async #fetch({ url, method }: Callback, fields: Fields, signal: AbortSignal): Promise<readonly Verb[]> {
    const { authToken } = this.#options.agent;
    const form = { ...this.#facts(), ...fields };
    const text = await askVoiceApp({ ...this.#endpointAt(url), method, form, authToken, signal });
    return text.trim() === '' ? [] : parseTwiml(text, url);
  }

  /** What the operator has written for one server is not told to another, and TwiML leads into no private network. */
  #endpointAt(url: string): FilledEndpoint {
    const isOwn = originOf(url) === originOf(this.#own.url);
    const mayBePrivate = this.#options.agent.mayBePrivate || hostOf(url) === hostOf(this.#own.url);
    return { ...this.#own, url, mayBePrivate, headers: isOwn ? this.#own.headers : {} };
  }

  /** What every request tells of the call. */
  #facts(): Fields {
    const { agent, call } = this.#options;
    const [from, to] = [clean(call.from), clean(call.to)];
    return {
      CallSid: this.#sid,
      AccountSid: agent.accountSid,
      From: from === '' ? 'anonymous' : from,
      To: to,
      Caller: from === '' ? 'anonymous' : from,
      Called: to,
      Direction: 'inbound',
      CallStatus: this.#entry.status,
      ApiVersion: '2010-04-01',
    };
  }

  async #connect(noun: StreamNoun, signal: AbortSignal): Promise<StreamOutcome> {
    const { agent, parts, voice } = this.#options;
    const { accountSid, authToken } = agent;
    const streamSid = `MZ${parts.random.hex(16)}`;
    const ids = { streamSid, accountSid, callSid: this.#sid };
    const status = new StreamStatus({ noun, ids, authToken, endpointAt: (url) => this.#endpointAt(url), parts });
    const error = await new Promise<Error | undefined>((resolve) => {
      const stream = new MediaStream({
        endpoint: this.#streamAt(noun.url),
        start: { ...ids, customParameters: { ...this.#parameters(), ...noun.parameters } },
        parts,
        voice: { ...this.#voice(), onOpen: () => this.#onStream(status), onClose: resolve },
      });
      this.#stream = stream;
      onAbort(signal, () => {
        stream.close();
        resolve(undefined);
      });
    });
    this.#stream = undefined;
    status.over(error);
    // Its marks come before the answer: nothing of this stream is left for the next one.
    await voice.flush();
    const event = error === undefined ? 'stream-stopped' : 'stream-error';
    return { error, fields: { StreamSid: streamSid, StreamEvent: event } };
  }

  #voice(): Pick<AgentVoice, 'say' | 'mark' | 'flush'> {
    const { voice } = this.#options;
    return {
      say: (utterance, audio) => voice.say(utterance, audio),
      mark: (name) => voice.mark(name),
      flush: async () => voice.flush(),
    };
  }

  #onStream(status: StreamStatus): void {
    status.started();
    this.#entry.answered();
    if (this.#hasOpened) return;
    this.#hasOpened = true;
    this.#options.voice.onOpen();
  }

  #streamAt(url: string): FilledEndpoint {
    const { authToken } = this.#options.agent;
    const endpoint = this.#endpointAt(url);
    const signature = authToken === undefined ? {} : { 'X-Twilio-Signature': signatureOf(authToken, url) };
    return { ...endpoint, headers: { ...endpoint.headers, ...signature } };
  }

  #parameters(): Fields {
    const { agent, call } = this.#options;
    return filledAll(agent.parameters, call);
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#options.parts.clock.after(ms, resolve);
      onAbort(signal, () => {
        timer.cancel();
        resolve();
      });
    });
  }

  async #dial(targets: readonly string[], signal: AbortSignal): Promise<Fields | undefined> {
    const { voice, parts } = this.#options;
    const refusal = await dialTo(targets, { verbs: voice.verbs, clock: parts.clock, signal });
    if (refusal === undefined) return undefined;
    parts.logger.info({ callSid: this.#sid, code: refusal.code, sipStatus: refusal.sipStatus }, 'TwiML Dial failed');
    return { DialCallStatus: dialOutcomeOf(refusal) };
  }

  async #pressDigits(digits: string): Promise<void> {
    const result = await this.#options.voice.verbs.sendDigits(digits);
    if (!result.isDone) this.#options.parts.logger.info({ callSid: this.#sid, code: result.code }, 'digits not sent');
  }

  #answer(): void {
    this.#entry.answered();
    this.#options.voice.answer();
  }
}

function streamAt(url: string): StreamNoun {
  return { url, name: undefined, parameters: {}, statusCallback: undefined };
}

/** The same for https: and wss:, http: and ws:. */
function originOf(url: string): string | undefined {
  return URL.parse(url.replace(/^ws/i, 'http'))?.origin;
}

function hostOf(url: string): string | undefined {
  return URL.parse(url)?.hostname;
}

function onAbort(signal: AbortSignal, act: () => void): void {
  if (signal.aborted) act();
  else signal.addEventListener('abort', act, { once: true });
}

function asError(error: unknown): Error {
  return error instanceof CodedError || error instanceof Error ? error : new Error(String(error));
}
