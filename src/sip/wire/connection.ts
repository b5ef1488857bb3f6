/** One application's connection: authentication first, then commands in and messages out. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Clock, Logger, Timer } from '../../kernel/index.ts';
import type { AppId, AppMessage, EngineInput, ListenerAddress } from '../engine/index.ts';
import { parseCommand, type WireCommand } from './command.ts';
import { encodeFrame, FrameDecoder } from './frame.ts';
import { formatLeader, formatTime } from './leader.ts';
import { AFTER_ALL, Outbox } from './outbox.ts';
import { RingDecoder } from './ring-decoder.ts';

export interface WireContext {
  readonly secret: string;
  readonly version: string;
  readonly listeners: () => readonly ListenerAddress[];
  readonly input: EngineInput;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Take frames in as drachtio-server does. */
  readonly strict: boolean;
}

/** Largest payload an application may send, in bytes (drachtio-protocol §10.1). */
const PAYLOAD_LIMIT = 256 * 1024;
/** An application that leaves this many bytes unread is gone or broken. */
const UNREAD_LIMIT = 32 * 1024 * 1024;
/** Time to say `authenticate`, in milliseconds. */
const AUTHENTICATE_WITHIN = 5_000;
/**
 * Time for an application to read an echo before more about its transaction follows, in milliseconds. Two turns of our
 * own event loop are not enough, because its thread wakes later than that: of 200 instant responses 64 were lost, with
 * 2 ms one, with 4 ms none. Only peers that answer within that time are delayed by it.
 */
const SETTLE_MS = 4;
/** Where an OK echo names its transaction, counted from its 'OK' (drachtio-protocol §3.2, §3.3). */
const ECHO_TRANSACTION_FIELD = 7;
const UNSOLICITED = 'unsolicited';

export class WireConnection {
  readonly app: AppId;
  readonly #socket: Socket;
  readonly #context: WireContext;
  readonly #decoder: FrameDecoder | RingDecoder;
  readonly #outbox: Outbox;
  #authenticated = false;
  #onAuthenticated: () => void = () => {};
  #closed = false;
  #deadline: Timer | undefined;
  #frames = 0;

  constructor(app: AppId, socket: Socket, context: WireContext) {
    this.app = app;
    this.#socket = socket;
    this.#context = context;
    this.#decoder = context.strict ? new RingDecoder() : new FrameDecoder(PAYLOAD_LIMIT);
    this.#outbox = new Outbox({
      write: (data, flushed) => this.#write(data, flushed),
      defer: (turn) => setImmediate(turn),
      settle: (settled) => this.#context.clock.after(SETTLE_MS, settled),
    });
  }

  get remotePort(): number | undefined {
    return this.#socket.remotePort;
  }

  get bytesWritten(): number {
    return this.#socket.bytesWritten;
  }

  /** `onAuthenticated` is called once, after the application has been told so. */
  start(onClosed: () => void, onAuthenticated: () => void = () => {}): void {
    this.#onAuthenticated = onAuthenticated;
    this.#socket.setNoDelay(true);
    this.#socket.setKeepAlive(true, 45_000);
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#socket.on('error', (error) =>
      this.#context.logger.debug({ app: this.app, err: error }, 'application connection failed'),
    );
    this.#socket.on('close', () => {
      this.#closed = true;
      this.#deadline?.cancel();
      onClosed();
      if (this.#authenticated) this.#context.input.appClosed(this.app);
    });
    this.#deadline = this.#context.clock.after(AUTHENTICATE_WITHIN, () => this.#socket.destroy());
  }

  send(message: AppMessage, afterEcho: boolean): void {
    if (this.#closed) return;
    this.#frames += 1;
    const leader = formatLeader(message, this.#frames.toString(16), formatTime(this.#context.clock.wallTime()));
    const frame = encodeFrame(leader, message.kind === 'refuse' ? undefined : message.message);
    this.#outbox.push({ frame, echoOf: echoedTransaction(message), after: afterEcho ? precedingEcho(message) : '' });
    if (message.kind === 'refuse') this.#end();
    else if (this.#socket.writableLength + this.#outbox.heldBytes > UNREAD_LIMIT) {
      this.#context.logger.error(
        { app: this.app, unread: this.#socket.writableLength },
        'application does not read: closed',
      );
      this.destroy();
    }
  }

  /** Closes at once, losing what was not sent. */
  destroy(): void {
    this.#closed = true;
    this.#socket.destroy();
  }

  /** Closes after what is ready has been sent; nothing is read any more. */
  #end(): void {
    this.#outbox.flush();
    this.#closed = true;
    this.#socket.end();
    this.#socket.resume();
    // A peer that never closes its half must not keep the descriptor.
    this.#deadline?.cancel();
    this.#deadline = this.#context.clock.after(AUTHENTICATE_WITHIN, () => this.#socket.destroy());
  }

  #write(data: Buffer, flushed: () => void): void {
    if (!this.#socket.writable) return;
    this.#socket.write(data, (error) => {
      if (error === undefined || error === null) flushed();
    });
  }

  #read(chunk: Buffer): void {
    if (this.#closed) return;
    const { payloads, failure } = this.#decoder.push(chunk);
    for (const payload of payloads) {
      if (this.#closed) return;
      this.#execute(parseCommand(payload));
    }
    if (failure === undefined || this.#closed) return;
    this.#context.logger.warn({ app: this.app, failure }, 'application sent an unreadable frame: closed');
    this.destroy();
  }

  #execute(command: WireCommand): void {
    if (command.kind === 'authenticate') {
      this.#authenticate(command);
      return;
    }
    // The real server executes commands before authentication; we do not (drachtio-protocol §11).
    if (!this.#authenticated) {
      this.#context.logger.warn({ app: this.app }, 'application did not authenticate first: closed');
      this.destroy();
      return;
    }
    if (command.kind === 'command') this.#context.input.appCommand(this.app, command.command);
    else if (command.kind === 'ping') this.#answer(command.id, ['OK', 'pong']);
    else this.send({ kind: 'refuse', id: command.id, text: command.text }, false);
  }

  #authenticate(command: WireCommand & { kind: 'authenticate' }): void {
    if (!isSame(command.secret, this.#context.secret)) {
      this.#context.logger.warn({ app: this.app }, 'application gave a wrong secret');
      this.send({ kind: 'refuse', id: command.id, text: 'incorrect secret' }, false);
      return;
    }
    this.#deadline?.cancel();
    const first = !this.#authenticated;
    this.#authenticated = true;
    const listeners = this.#context.listeners();
    const advertised = listeners.map((at) => `${at.transport}/${at.advertisedAddress}:${at.advertisedPort}`).join(',');
    const local = listeners.map((at) => `${at.transport}/${at.address}:${at.port}`).join(',');
    this.#answer(command.id, ['OK', advertised, this.#context.version, local]);
    if (!first) return;
    this.#context.input.appConnected(this.app, command.tags);
    this.#onAuthenticated();
  }

  #answer(id: string, fields: readonly string[]): void {
    this.send({ kind: 'response', id, fields, message: undefined }, false);
  }
}

/** Compares without telling by its duration how much was right, nor how long the secret is. */
function isSame(given: string, secret: string): boolean {
  return timingSafeEqual(digest(given), digest(secret));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function echoedTransaction(message: AppMessage): string {
  if (message.kind !== 'response' || message.message === undefined) return '';
  return message.fields[ECHO_TRANSACTION_FIELD] ?? '';
}

function precedingEcho(message: AppMessage): string {
  if (message.kind === 'sip' && message.transactionId !== UNSOLICITED) return message.transactionId;
  return AFTER_ALL;
}
