/** T5: so many fuzzed packets to the ports of calls, plain, protected and WebRTC, and what must hold meanwhile. */
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Srtp, type SrtpKeyPair, type SrtpSuiteName } from '../../src/rtp/index.ts';
import { formatOf, owner, pcmu, startTestPlane, type TestPlane } from '../media/support/test-plane.ts';
import { until } from '../support/until.ts';
import { Chance } from './chance.ts';
import { fuzzedPacket, made, type PacketKind } from './media-packets.ts';

export interface MediaCampaign {
  readonly seed: number;
  readonly count: number;
  readonly log: (line: string) => void;
}

export interface MediaCampaignResult {
  readonly sent: number;
  /** Of this process and of the media worker since the first tenth, in bytes. */
  readonly growth: number;
  readonly workerGrowth: number;
}

const LOOPBACK = '127.0.0.1';
const WEB_PORT = 44_485;
/** As many as fit into the receive buffers. */
const BATCH = 100;
const LOOKS = 10;
const GROWTH = 96 * 1024 * 1024;
const SUITES: readonly (SrtpSuiteName | undefined)[] = [undefined, 'AES_CM_128_HMAC_SHA1_80', 'AEAD_AES_128_GCM'];

/** A phone in a call with `echo`. */
class FuzzedLeg {
  readonly port: number;
  readonly #socket: Socket;
  readonly #srtp: Srtp | undefined;
  #echoes = 0;
  #sequence = 1;

  private constructor(socket: Socket, port: number, keys: SrtpKeyPair | undefined) {
    this.#socket = socket;
    this.port = port;
    this.#srtp = keys && new Srtp({ send: keys.receive, receive: keys.send });
    socket.on('message', () => {
      this.#echoes++;
    });
  }

  static async open({ plane }: TestPlane, suite: SrtpSuiteName | undefined, index: number): Promise<FuzzedLeg> {
    const socket = createSocket('udp4').bind(0, LOOPBACK);
    await once(socket, 'listening');
    const leg = owner(`leg-${index}`, `call-${index}`);
    const echo = owner(`echo-${index}`, `call-${index}`);
    const format = formatOf(pcmu);
    const { rtp } = await plane.open({ kind: 'rtp', ...leg });
    await plane.open({ kind: 'built-in', ...echo, endpoint: 'echo' });
    const keys = suite === undefined ? undefined : newKeys(suite);
    const { port } = socket.address();
    await plane.connect({
      kind: 'rtp',
      portId: leg.portId,
      remote: { address: LOOPBACK, rtpPort: port, rtcpPort: port },
      rtcpMux: true,
      sourcePolicy: 'latch',
      format,
      direction: 'sendrecv',
      srtp: keys,
    });
    await plane.connect({ kind: 'built-in', portId: echo.portId, format });
    await plane.bridge(leg.portId, echo.portId);
    return new FuzzedLeg(socket, rtp.rtpPort, keys);
  }

  /** From the address that is believed: what is in it is read. Protected first, or as it is. */
  send(kind: PacketKind, chance: Chance): void {
    const isProtected = this.#srtp !== undefined && chance.oneIn(2);
    const packet = isProtected ? this.#protected(made(kind, chance), kind) : fuzzedPacket(kind, chance);
    this.#socket.send(packet, chance.oneIn(5) ? this.port + 1 : this.port, LOOPBACK);
  }

  #protected(packet: Buffer, kind: PacketKind): Buffer {
    if (packet.length < 12) return packet;
    try {
      return (kind === 'rtcp' ? this.#srtp?.sealRtcp(packet) : this.#srtp?.sealRtp(packet)) ?? packet;
    } catch {
      return packet;
    }
  }

  /** A packet as it should be comes back. */
  async isAlive(): Promise<boolean> {
    const before = this.#echoes;
    const isBack = (): boolean => {
      const packet = Buffer.alloc(172, 0x55);
      packet.writeUInt16BE(0x8000);
      packet.writeUInt16BE(this.#sequence++ & 0xffff, 2);
      packet.writeUInt32BE(0x7777, 8);
      this.#socket.send(this.#srtp?.sealRtp(packet) ?? packet, this.port, LOOPBACK);
      return this.#echoes > before;
    };
    return until(isBack, { within: 5_000, every: 20, what: 'an echo' }).then(
      () => true,
      () => false,
    );
  }

  close(): void {
    this.#socket.close();
  }
}

function newKeys(suite: SrtpSuiteName): SrtpKeyPair {
  const salt = suite.startsWith('AEAD') ? 12 : 14;
  const keys = (): SrtpKeyPair['send'] => ({ suite, key: randomBytes(16), salt: randomBytes(salt) });
  return { send: keys(), receive: keys() };
}

/** Rejects with what failed and the seed that shows it again. */
export async function runMediaCampaign({ seed, count, log }: MediaCampaign): Promise<MediaCampaignResult> {
  const media = await startTestPlane(WEB_PORT);
  const legs = await Promise.all(SUITES.map((suite, index) => FuzzedLeg.open(media, suite, index)));
  const stranger = createSocket('udp4').bind(0, LOOPBACK);
  try {
    let base: readonly [number, number] | undefined;
    let now = memoryOf(media);
    for (let sent = 0; sent < count; ) {
      const end = Math.min(count, sent + Math.max(BATCH, Math.ceil(count / LOOKS)));
      for (; sent < end; sent++) await sendOne(sent, new Chance(seed, 'media', sent), legs, stranger);
      const why = await whatFailed(media, legs);
      if (why !== undefined) throw new Error(`seed ${seed}: ${why} before packet ${sent}`);
      now = memoryOf(media);
      base ??= now;
      log(`media: ${sent} sent, RSS ${megabytes(now[0])} MB, worker ${megabytes(now[1])} MB`);
    }
    const [growth, workerGrowth] = [now[0] - (base?.[0] ?? 0), now[1] - (base?.[1] ?? 0)];
    if (growth > GROWTH || workerGrowth > GROWTH / 4)
      throw new Error(`seed ${seed}: memory has grown by ${growth} bytes, that of the worker by ${workerGrowth}`);
    return { sent: count, growth, workerGrowth };
  } finally {
    for (const leg of legs) leg.close();
    stranger.close();
    await media.plane.stop();
  }
}

async function whatFailed({ plane, events }: TestPlane, legs: readonly FuzzedLeg[]): Promise<string | undefined> {
  if (plane.workersRunning !== 1) return 'the media worker died';
  if (events.some(({ kind }) => kind === 'port-failed')) return 'a port failed';
  const alive = await Promise.all(legs.map((leg) => leg.isAlive()));
  return alive.includes(false) ? `leg ${alive.indexOf(false)} fell silent` : undefined;
}

/** Waits now and then, so that the receive buffers hold what comes. */
async function sendOne(index: number, chance: Chance, legs: readonly FuzzedLeg[], stranger: Socket): Promise<void> {
  const kind = chance.pick<PacketKind>(['rtp', 'rtp', 'rtcp', 'dtls', 'stun']);
  if (chance.oneIn(3)) stranger.send(fuzzedPacket(kind, chance), WEB_PORT, LOOPBACK);
  else if (chance.oneIn(4)) stranger.send(fuzzedPacket(kind, chance), chance.pick(legs).port, LOOPBACK);
  else chance.pick(legs).send(kind, chance);
  if (index % BATCH === 0) await sleep(1);
}

function memoryOf({ plane }: TestPlane): readonly [number, number] {
  const [pid = 0] = plane.workerPids;
  const worker = /VmRSS:\s+(\d+) kB/u.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return [process.memoryUsage.rss(), Number(worker) * 1024];
}

const megabytes = (bytes: number): string => (bytes / 1_048_576).toFixed(1);
