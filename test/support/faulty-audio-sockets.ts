/** Agents that are AudioSocket servers, one for each fault, and misbehave as faulty-agents.ts says. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { AudioSocketPeer } from './audio-socket.ts';
import type { Fault } from './faulty-agents.ts';

const AUDIO = 0x10;
const BYTES_PER_MS = 16;
const LOUD = 0x30;
/** The longest frame of whole samples. */
const MAX_PAYLOAD = 65_534;
const MINUTE_MS = 60_000;

type Misbehavior = (peer: AudioSocketPeer) => void;

function say(peer: AudioSocketPeer, ms: number): void {
  for (let left = ms * BYTES_PER_MS; left > 0; left -= MAX_PAYLOAD)
    peer.send(AUDIO, Buffer.alloc(Math.min(left, MAX_PAYLOAD), LOUD));
}

/** Frames have no length that is too much. */
export const SOCKET_FAULTS = ['mute', 'talk', 'die', 'garbage', 'flood', 'deaf'] as const satisfies readonly Fault[];

const faults: Readonly<Record<(typeof SOCKET_FAULTS)[number], Misbehavior>> = {
  mute: () => {},
  talk: (peer) => say(peer, 3000),
  die: (peer) => {
    say(peer, 2000);
    setTimeout(() => peer.kill(), 300);
  },
  garbage: (peer) => {
    for (const type of [0x02, 0x04, 0x13, 0x42, 0xfe]) peer.send(type, Buffer.from('nonsense'));
    peer.send(0x01, Buffer.from('no uuid'));
    peer.send(AUDIO);
    // In pieces, and no whole sample.
    peer.sendRaw(Buffer.from([AUDIO, 0]));
    peer.sendRaw(Buffer.from([3, 1]));
    peer.sendRaw(Buffer.from([2, 3]));
    say(peer, 200);
  },
  flood: (peer) => say(peer, 11 * MINUTE_MS),
  deaf: (peer) => {
    say(peer, 1000);
    peer.pause();
  },
};

/** Listens, and takes no connection: its thread sleeps for ever, and the few that the system takes for it are taken. */
const SLEEPER = `
const { parentPort } = require('node:worker_threads');
const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  parentPort.postMessage(server.address().port);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});`;
const TAKEN_BY_SYSTEM = 4;

export class FaultyAudioSockets {
  /** Connections that are open. */
  readonly sockets = new Set<Socket>();
  readonly #servers = new Map<string, Server>();
  readonly #peers: AudioSocketPeer[] = [];
  readonly #sleeper = new Worker(SLEEPER, { eval: true });
  readonly #crowd: Socket[] = [];
  #sleeperPort = 0;

  static async start(): Promise<FaultyAudioSockets> {
    const agents = new FaultyAudioSockets();
    for (const fault of SOCKET_FAULTS) await agents.#listen(fault);
    const [port] = (await once(agents.#sleeper, 'message')) as [number];
    agents.#sleeperPort = port;
    for (let i = 0; i < TAKEN_BY_SYSTEM; i++) agents.#crowd.push(connect(port, '127.0.0.1').on('error', () => {}));
    return agents;
  }

  addressOf(fault: Fault): string {
    // Nobody listens at the discard port.
    if (fault === 'refuse') return '127.0.0.1:9';
    if (fault === 'hang') return `127.0.0.1:${this.#sleeperPort}`;
    const address = this.#servers.get(fault)?.address();
    if (address === undefined || address === null) throw new Error(`no agent that does ${fault}`);
    return `127.0.0.1:${(address as AddressInfo).port}`;
  }

  /** Those that do not read begin to, and so see the end. */
  wake(): void {
    for (const peer of this.#peers) peer.resume();
  }

  async stop(): Promise<void> {
    for (const socket of [...this.sockets, ...this.#crowd]) socket.destroy();
    await this.#sleeper.terminate();
    for (const server of this.#servers.values()) {
      server.close();
      await once(server, 'close');
    }
  }

  async #listen(fault: (typeof SOCKET_FAULTS)[number]): Promise<void> {
    const server = createServer((socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      const peer = new AudioSocketPeer(socket);
      this.#peers.push(peer);
      faults[fault](peer);
    });
    this.#servers.set(fault, server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
}
