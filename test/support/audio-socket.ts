/** The other end of an AudioSocket, whoever has dialed, and a server of such ends. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { littleEndian } from './linear-agent.ts';
import { until } from './until.ts';

export interface SocketFrame {
  readonly type: number;
  readonly payload: Buffer;
}

export class AudioSocketPeer {
  readonly frames: SocketFrame[] = [];
  isEnded = false;
  readonly #socket: Socket;
  #rest = Buffer.alloc(0);
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => this.#take(bytes));
    socket.on('end', () => (this.isEnded = true));
    socket.on('close', () => {
      this.isEnded = true;
      clearInterval(this.#timer);
    });
    socket.on('error', () => {});
  }

  static async dial(port: number): Promise<AudioSocketPeer> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new AudioSocketPeer(socket);
  }

  of(type: number): readonly SocketFrame[] {
    return this.frames.filter((frame) => frame.type === type);
  }

  /** The last `ms` of audio of that type. */
  heard(type: number, rateHz: number, ms: number): Int16Array {
    const bytes = Buffer.concat(this.of(type).map(({ payload }) => payload)).subarray((-2 * rateHz * ms) / 1000);
    return Int16Array.from({ length: bytes.length / 2 }, (_, at) => bytes.readInt16LE(2 * at));
  }

  send(type: number, payload: Buffer = Buffer.alloc(0)): void {
    this.#socket.write(Buffer.concat([Buffer.from([type, payload.length >> 8, payload.length & 255]), payload]));
  }

  sendRaw(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  sendUuid(uuid: string): void {
    this.send(0x01, Buffer.from(uuid.replaceAll('-', ''), 'hex'));
  }

  /** At once, in pieces of 20 ms. */
  say(type: number, rateHz: number, pcm: Int16Array): void {
    const bytes = littleEndian(pcm);
    const step = rateHz / 25;
    for (let at = 0; at < bytes.length; at += step) this.send(type, bytes.subarray(at, at + step));
  }

  /** In real time, again and again. */
  loop(type: number, rateHz: number, pcm: Int16Array): void {
    const bytes = littleEndian(pcm);
    const step = rateHz / 25;
    const begin = performance.now();
    let sent = 0;
    this.#timer = setInterval(() => {
      for (; sent * 20 <= performance.now() - begin; sent++) {
        const at = (sent * step) % bytes.length;
        this.send(type, bytes.subarray(at, at + step));
      }
    }, 10);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  kill(): void {
    this.#socket.resetAndDestroy();
  }

  #take(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= 3 && this.#rest.length >= 3 + this.#rest.readUInt16BE(1)) {
      const end = 3 + this.#rest.readUInt16BE(1);
      this.frames.push({ type: this.#rest[0] ?? -1, payload: Buffer.from(this.#rest.subarray(3, end)) });
      this.#rest = this.#rest.subarray(end);
    }
  }
}

/** An agent that is an AudioSocket server. */
export class AudioSocketAgent {
  readonly calls: AudioSocketPeer[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      this.calls.push(new AudioSocketPeer(socket));
    });
  }

  static async start(): Promise<AudioSocketAgent> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new AudioSocketAgent(server);
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The call that comes next, once it has said which it is. */
  next(): () => Promise<AudioSocketPeer> {
    const index = this.calls.length;
    return () =>
      until(
        () => {
          const call = this.calls[index];
          return call !== undefined && call.frames.length > 0 ? call : undefined;
        },
        { within: 5_000, what: `call ${index} of the agent` },
      );
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
