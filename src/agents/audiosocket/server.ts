/**
 * Where Asterisk's AudioSocket application dials in: the UUID that it says first names what it wants to reach. Towards
 * Asterisk nothing but audio and the hang-up may be sent: everything else ends its call.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { AgentAudio, LocalCall, LocalCallDesk } from '../../calls/index.ts';
import type { Clock, Logger, Timer } from '../../kernel/index.ts';
import { WholeSamples } from '../whole-samples.ts';
import { AudioStream } from './audio-stream.ts';
import { audioType, DTMF, type Frame, HANG_UP, UUID, uuidOf } from './frames.ts';

export interface AudioSocketEntry {
  readonly uuid: string;
  /** A number, or the name of a user or an agent. */
  readonly to: string;
  /** What the called party sees. */
  readonly from: string;
  readonly tenant?: string | undefined;
}

export interface AudioSocketServerOptions {
  readonly address: string;
  readonly port: number;
  /** Connections at a time. */
  readonly maxCalls: number;
  readonly entries: readonly AudioSocketEntry[];
  readonly desk: LocalCallDesk;
  readonly audio: AgentAudio;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The rate of Asterisk's application. */
const ENCODING = 'L16/8000';
const PREBUFFER_MS = 40;
/** Within this it must have said its UUID. */
const UUID_TIMEOUT_MS = 5_000;
const KEY_MS = 160;
/** What it says is one stream. */
const UTTERANCE = '1';

export class AudioSocketServer {
  readonly #options: AudioSocketServerOptions;
  readonly #server: Server;
  readonly #connections = new Set<DialedIn>();

  private constructor(options: AudioSocketServerOptions) {
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#take(socket));
    this.#server.maxConnections = options.maxCalls;
  }

  /** Throws as `listen` does, when the address is in use. */
  static async start(options: AudioSocketServerOptions): Promise<AudioSocketServer> {
    const server = new AudioSocketServer(options);
    server.#server.listen(options.port, options.address);
    await once(server.#server, 'listening');
    return server;
  }

  /** Hangs up what is there. */
  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const connection of this.#connections) connection.close();
    await closed;
  }

  #take(socket: Socket): void {
    const connection = new DialedIn(socket, this.#options);
    this.#connections.add(connection);
    socket.once('close', () => this.#connections.delete(connection));
  }
}

class DialedIn {
  readonly #options: AudioSocketServerOptions;
  readonly #stream: AudioStream;
  readonly #samples = new WholeSamples(ENCODING);
  readonly #source: string;
  readonly #timer: Timer;
  #call: LocalCall | undefined;
  #isAnswered = false;

  constructor(socket: Socket, options: AudioSocketServerOptions) {
    this.#options = options;
    this.#source = `audiosocket:${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`;
    this.#stream = new AudioStream({
      socket,
      clock: options.clock,
      onFrame: (frame) => this.#onFrame(frame),
      onClose: () => this.#leave(),
    });
    this.#timer = options.clock.after(UUID_TIMEOUT_MS, () => this.#refuse('no UUID in time'));
  }

  close(): void {
    this.#stream.close();
    this.#leave();
  }

  #onFrame({ type, payload }: Frame): void {
    if (this.#call === undefined) {
      if (type === UUID) this.#begin(uuidOf(payload));
      else this.#refuse('no UUID at the beginning');
    } else if (type === audioType(ENCODING)) this.#say(this.#call, payload);
    else if (type === DTMF) this.#press(this.#call, payload.toString('latin1'));
    else if (type === HANG_UP) this.close();
  }

  #begin(uuid: string | undefined): void {
    this.#timer.cancel();
    const { entries, desk, audio } = this.#options;
    const entry = entries.find((each) => each.uuid.toLowerCase() === uuid);
    if (entry === undefined) return this.#refuse('no such UUID');
    const { to, from, tenant } = entry;
    this.#call = desk.place(
      { name: from, to, tenant, encoding: ENCODING, prebufferMs: PREBUFFER_MS, source: this.#source },
      {
        onAnswered: () => {
          this.#isAnswered = true;
        },
        onOver: () => this.#stream.close(),
      },
    );
    audio.listen(this.#call.portId, {
      onFrame: (frame) => this.#stream.sendAudio(audioType(ENCODING), frame),
      onPlayout: () => {},
    });
  }

  /** What is said before somebody hears it would be heard late. */
  #say({ portId }: LocalCall, payload: Buffer): void {
    const audio = this.#samples.of(payload);
    if (this.#isAnswered && audio.length > 0) this.#options.audio.speak(portId, { utterance: UTTERANCE, audio });
  }

  #press(call: LocalCall, digit: string): void {
    if (/^[0-9*#A-D]$/.test(digit)) call.pressDigit(digit, KEY_MS);
  }

  #refuse(why: string): void {
    this.#options.logger.warn({ source: this.#source, why }, 'AudioSocket refused');
    this.close();
  }

  #leave(): void {
    this.#timer.cancel();
    this.#call?.end();
  }
}
