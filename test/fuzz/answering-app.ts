/** An application that takes every request and answers it at once with whatever comes next, so that dialogs come and go. */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import type { WireAddress } from '../../src/sip/server/index.ts';

const VERBS = ['invite', 'register', 'options', 'message', 'subscribe', 'publish', 'notify', 'info', 'refer'];
const STATUSES = [200, 404, 486, 180, 401, 503, 603];
const NONE = Buffer.alloc(0);

export class AnsweringApp {
  readonly #socket: Socket;
  #pending: Buffer = NONE;
  #serial = 0;
  #turn = 0;
  /** Called once the engine knows what it takes. */
  #onRouted: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', () => {});
  }

  static async connect(wire: WireAddress): Promise<AnsweringApp> {
    const socket = createConnection(wire.port, wire.host);
    await once(socket, 'connect');
    const app = new AnsweringApp(socket);
    app.#send(`authenticate|${wire.secret}|`);
    for (const verb of VERBS) app.#send(`route|${verb}`);
    await new Promise<void>((resolve) => {
      app.#onRouted = resolve;
    });
    return app;
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  close(): void {
    this.#socket.destroy();
  }

  #send(text: string): void {
    const payload = `${idOf((this.#serial += 1))}|${text}`;
    this.#socket.write(`${Buffer.byteLength(payload)}#${payload}`);
  }

  #read(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    for (;;) {
      const hash = this.#pending.indexOf('#');
      if (hash < 0) return;
      const end = hash + 1 + Number(this.#pending.toString('latin1', 0, hash));
      if (this.#pending.length < end) return;
      this.#take(this.#pending.subarray(hash + 1, end));
      this.#pending = this.#pending.subarray(end);
    }
  }

  #take(payload: Buffer): void {
    // Its commands are answered in order.
    if (this.#onRouted !== undefined && payload.includes(`|response|${idOf(this.#serial)}|`)) this.#onRouted();
    const lineEnd = payload.indexOf('\r\n');
    if (lineEnd < 0) return;
    const fields = payload.toString('latin1', 0, lineEnd).split('|');
    const start = payload.toString('latin1', lineEnd + 2, lineEnd + 14);
    if (fields[1] !== 'sip' || fields[2] !== 'network' || start.startsWith('SIP/2.0')) return;
    const transactionId = fields[8] ?? '';
    const status = this.#choose(start);
    this.#answer(transactionId, status);
    if (status === 180) this.#answer(transactionId, 480);
  }

  /** A subscription would last until somebody ends it. */
  #choose(start: string): number {
    if (start.startsWith('OPTIONS')) return 200;
    if (start.startsWith('SUBSCRIBE') || start.startsWith('REFER')) return 489;
    return STATUSES[this.#turn++ % STATUSES.length] ?? 500;
  }

  #answer(transactionId: string, status: number): void {
    const body = status === 200 ? 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n' : '';
    this.#send(`sip|${transactionId}|\r\nSIP/2.0 ${status} Answer\r\n\r\n${body}`);
  }
}

function idOf(serial: number): string {
  return `00000000-0000-4000-8000-${String(serial).padStart(12, '0')}`;
}
