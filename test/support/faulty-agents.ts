/**
 * One server for agents of every protocol that misbehaves as the path says: refuses, never answers, dies in the middle of
 * a sentence, talks nonsense, floods, stops reading.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

export interface Dialect {
  readonly protocol: 'twilio' | 'openai' | 'vonage' | 'jambonz';
  /** What the server says as soon as somebody is there. */
  readonly hello?: string;
  /** From this message of ours on the agent takes part. */
  readonly isReady: (text: string) => boolean;
  /** Said then, before anything else. */
  readonly welcome?: readonly string[];
  readonly bytesPerMs: number;
  /** Of its audio. */
  readonly loud: number;
  readonly say: (audio: Buffer) => string | Buffer;
  readonly clear: string;
}

export const DIALECTS: readonly Dialect[] = [
  {
    protocol: 'twilio',
    isReady: (text) => text.includes('"event":"start"'),
    bytesPerMs: 8,
    loud: 0x10,
    say: (audio) => JSON.stringify({ event: 'media', media: { payload: audio.toString('base64') } }),
    clear: '{"event":"clear"}',
  },
  {
    protocol: 'openai',
    hello: '{"type":"session.created"}',
    isReady: (text) => text.includes('session.update'),
    welcome: ['{"type":"session.updated"}', '{"type":"response.created","response":{"id":"r"}}'],
    bytesPerMs: 8,
    loud: 0x10,
    say: (audio) =>
      JSON.stringify({
        type: 'response.output_audio.delta',
        response_id: 'r',
        item_id: 'i',
        delta: audio.toString('base64'),
      }),
    clear: '{"type":"input_audio_buffer.speech_started"}',
  },
  {
    protocol: 'vonage',
    isReady: (text) => text.includes('websocket:connected'),
    bytesPerMs: 32,
    loud: 0x30,
    say: (audio) => audio,
    clear: '{"action":"clear"}',
  },
  {
    protocol: 'jambonz',
    isReady: (text) => text.startsWith('{'),
    bytesPerMs: 32,
    loud: 0x30,
    say: (audio) => audio,
    clear: '{"type":"killAudio"}',
  },
];

export type Fault = 'refuse' | 'hang' | 'mute' | 'talk' | 'die' | 'garbage' | 'huge' | 'flood' | 'deaf';
export const FAULTS: readonly Fault[] = ['refuse', 'hang', 'mute', 'talk', 'die', 'garbage', 'huge', 'flood', 'deaf'];

const GARBAGE: readonly (string | Buffer)[] = [
  '',
  'no json',
  '{}',
  '[]',
  'null',
  '"text"',
  '{"event":"media"}',
  '{"event":"media","media":{"payload":7}}',
  '{"event":"mark","mark":"x"}',
  `{"event":"mark","mark":{"name":"${'x'.repeat(5000)}"}}`,
  '{"type":"response.output_audio.delta"}',
  '{"type":"response.output_item.done","item":{"type":"function_call","call_id":7}}',
  '{"type":"error"}',
  '{"action":"notify"}',
  '{"type":"playAudio","data":{}}',
  '{"type":"mark","data":{}}',
  '{"__proto__":{"event":"media"},"constructor":{"prototype":{}}}',
  `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
];

const MINUTE_MS = 60_000;

interface Running {
  readonly dialect: Dialect;
  readonly socket: WebSocket;
  readonly say: (ms: number) => void;
}

const faults: Readonly<Record<Exclude<Fault, 'refuse' | 'hang'>, (agent: Running) => void>> = {
  mute: () => {},
  talk: ({ say }) => say(3000),
  die: ({ say, socket }) => {
    say(2000);
    setTimeout(() => socket.terminate(), 300);
  },
  garbage: ({ dialect, say, socket }) => {
    for (const text of GARBAGE) socket.send(text);
    // Where audio is binary every byte is audio.
    if (dialect.bytesPerMs === 8) socket.send(Buffer.from([1, 2, 3]));
    say(200);
  },
  huge: ({ say, socket }) => {
    say(2000);
    setTimeout(() => socket.send(`{"event":"${'x'.repeat(5_000_000)}"}`), 300);
  },
  flood: ({ say }) => {
    for (let minute = 0; minute < 11; minute++) for (let part = 0; part < 4; part++) say(MINUTE_MS / 4);
  },
  deaf: ({ say, socket }) => {
    say(1000);
    socket.pause();
  },
};

export class FaultyAgents {
  /** Connections that are open, WebSocket or not yet. */
  readonly sockets = new Set<Socket>();
  readonly #running = new Map<string, Running>();
  readonly #server: Server;
  readonly #upgrades = new WebSocketServer({ noServer: true, perMessageDeflate: false });

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      socket.on('error', () => {});
    });
    server.on('upgrade', (request, socket: Socket, head) => {
      const [, protocol = '', fault = ''] = (request.url ?? '').split(/[/?]/);
      // Whoever does not read does not see the end either.
      if (fault === 'hang') return void socket.resume().on('end', () => socket.end());
      if (fault === 'refuse') {
        socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
        return;
      }
      this.#upgrades.handleUpgrade(request, socket, head, (webSocket) =>
        this.#run(protocol, fault as Fault, webSocket),
      );
    });
  }

  static async start(): Promise<FaultyAgents> {
    const server = createServer((_request, response) => response.writeHead(404).end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FaultyAgents(server);
  }

  urlOf({ protocol }: Dialect, fault: Fault): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${protocol}/${fault}`;
  }

  /** The one that was there last. */
  clear(protocol: string, fault: Fault): void {
    const running = this.#running.get(`${protocol} ${fault}`);
    running?.socket.send(running.dialect.clear);
  }

  /** Those that do not read begin to, and so see the end. */
  wake(): void {
    for (const { socket } of this.#running.values()) if (socket.isPaused) socket.resume();
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.#upgrades.close();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #run(protocol: string, fault: Fault, socket: WebSocket): void {
    const dialect = DIALECTS.find((each) => each.protocol === protocol);
    if (dialect === undefined || fault === 'refuse' || fault === 'hang') return;
    const running: Running = {
      dialect,
      socket,
      say: (ms) => socket.send(dialect.say(Buffer.alloc(ms * dialect.bytesPerMs, dialect.loud))),
    };
    this.#running.set(`${protocol} ${fault}`, running);
    socket.on('error', () => {});
    if (dialect.hello !== undefined) socket.send(dialect.hello);
    let hasBegun = false;
    socket.on('message', (data) => {
      if (hasBegun || !dialect.isReady((data as Buffer).toString('latin1'))) return;
      hasBegun = true;
      for (const text of dialect.welcome ?? []) socket.send(text);
      faults[fault](running);
    });
  }
}
