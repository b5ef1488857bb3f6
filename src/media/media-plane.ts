/** The MediaPlane of this process: browser Legs on mediasoup, SIP Legs and built-in parties on the edge. */
import type {
  AgentAudio,
  ConnectPort,
  ConnectWebRtcPort,
  DigitPress,
  KeyframeResult,
  MediaCounters,
  MediaEvent,
  MediaPlane,
  OpenAgentPort,
  OpenBuiltInPort,
  OpenPort,
  OpenRtpPort,
  OpenWebRtcPort,
  PortReport,
  Sound,
} from '../calls/index.ts';
import { type Clock, type Logger, type PortId, type Unsubscribe } from '../kernel/index.ts';
import type { RoomMedia } from '../rooms/index.ts';
import type { AudioCodecName, LocalRtp, LocalWebRtc, RtpAddress } from '../sdp/index.ts';
import { AgentPorts } from './agent-ports.ts';
import { countAll } from './count-all.ts';
import { type Edge, type EdgeEvent, type EdgeOptions, type EdgeSound, startEdge } from './edge/index.ts';
import { emptyReport } from './empty-report.ts';
import { HandOvers } from './hand-overs.ts';
import { innerPorts, type PortRange } from './inner-ports.ts';
import { mediaErrors } from './media-errors.ts';
import type { MediaWorker } from './media-worker.ts';
import { loadMusic } from './music.ts';
import { directPair, type Port, PortBook, partyOf } from './port-book.ts';
import { PortEvents } from './port-events.ts';
import { type PortFacts, withPath } from './port-path.ts';
import { RoomPlane } from './rooms/index.ts';
import { routerFor } from './router-for.ts';
import { SoundFiles } from './sound-files.ts';
import { ownerOfVideo } from './video-port-id.ts';
import { VideoPorts } from './video-ports.ts';
import type { WebRtcListen } from './webrtc-listen.ts';
import { type IcePatience, usualPatience, WebRtcPort, type WebRtcPortState } from './webrtc-port.ts';
import { addReport } from './webrtc-report.ts';
import { whenToHandOver } from './when-to-hand-over.ts';
import { WorkerPool } from './worker-pool.ts';

export interface MediaPlaneOptions {
  /** Path of mediasoup's worker. */
  readonly workerBin: string;
  /** How many worker processes. */
  readonly workers: number;
  readonly webRtc: WebRtcListen;
  readonly edge: EdgeOptions;
  /** `melody`, the default; `none`; or the path of a WAV file. */
  readonly musicOnHold?: string;
  /** The folder of WAV files that may be played by name; undefined: none. */
  readonly sounds?: string | undefined;
  /**
   * How long a stream must be the same before the edge hands its port over to mediasoup, ms; undefined: it carries
   * every packet.
   */
  readonly handOverAfterMs?: number;
  /** Of browsers whose network is away. */
  readonly icePatience?: IcePatience;
  /** How many participants of a room share a core before another one is asked. */
  readonly participantsPerRouter?: number;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** A MediaPlane with what its owner needs beyond the calls' view of it. */
export interface RunningMediaPlane extends MediaPlane {
  /** Workers that are up: for readiness. */
  readonly workersRunning: number;
  /** Process ids of the workers: for measurements. */
  readonly workerPids: readonly number[];
  readonly rooms: RoomMedia;
  /** Closes every port, ends workers and threads. Idempotent. */
  stop(): Promise<void>;
}

/** Starts workers and edge. Throws a CodedError that names what is missing or taken. */
export async function startMediaPlane(options: MediaPlaneOptions): Promise<RunningMediaPlane> {
  const music = await loadMusic(options.musicOnHold ?? 'melody');
  const stableMs = await whenToHandOver(options);
  const edge = await startEdge({ ...options.edge, music, stableMs });
  const plane = new ProcessMediaPlane({ ...options, stableMs }, edge);
  try {
    await plane.start();
  } catch (error) {
    await edge.stop();
    throw error;
  }
  return plane;
}

class ProcessMediaPlane implements RunningMediaPlane {
  readonly transcodable: readonly AudioCodecName[] = ['opus', 'G722', 'PCMU', 'PCMA', 'L16'];
  readonly #edge: Edge;
  readonly #agents: AgentPorts;
  readonly #video: VideoPorts;
  readonly rooms: RoomPlane;
  readonly #pool: WorkerPool;
  readonly #options: MediaPlaneOptions;
  readonly #innerPorts: PortRange;
  readonly #events: PortEvents;
  readonly #ports = new PortBook();
  /** A port may be closed before it is open: the close waits for it. */
  readonly #opening = new Map<PortId, Promise<unknown>>();
  readonly #handOvers: HandOvers;
  readonly #sounds: SoundFiles;
  /** Whom nobody hears. */
  readonly #muted = new Set<PortId>();

  constructor(options: MediaPlaneOptions & { readonly stableMs: number | undefined }, edge: Edge) {
    this.#edge = edge;
    this.#agents = new AgentPorts(edge);
    this.#sounds = new SoundFiles(options.sounds);
    this.#video = new VideoPorts(edge, options.logger);
    this.#options = options;
    this.#innerPorts = innerPorts(options.edge.portRange);
    this.#pool = new WorkerPool({ ...options, listen: options.webRtc }, (worker) => this.#workerDied(worker));
    const { clock, logger } = options;
    this.#events = new PortEvents({ clock, logger, isPast: (portId) => this.#handOvers.seesDigitsOf(portId) });
    this.rooms = new RoomPlane({
      ...options,
      pool: this.#pool,
      innerPorts: this.#innerPorts,
      iceConsentSec: (options.icePatience ?? usualPatience).consentSec,
    });
    this.#handOvers = new HandOvers({
      ...options,
      edge,
      partnerOf: (portId) => this.#ports.partnerIdOf(portId),
      webRtcOf: (portId) => this.#ports.webRtcOf(portId),
      onDigit: (portId, press) => {
        const port = this.#ports.get(portId);
        if (port !== undefined) this.#events.digitPast(port.owner, press);
      },
      tellStrays: (isTold) => this.#pool.tellStrays(isTold),
    });
    edge.onEvent((event) => this.#onEdgeEvent(event));
  }

  start(): Promise<void> {
    this.#handOvers.start();
    return this.#pool.start();
  }

  get agentAudio(): AgentAudio {
    return this.#agents;
  }

  get workersRunning(): number {
    return this.#pool.running;
  }

  get workerPids(): readonly number[] {
    return this.#pool.pids;
  }

  open(request: OpenRtpPort): Promise<LocalRtp>;
  open(request: OpenWebRtcPort): Promise<LocalWebRtc>;
  open(request: OpenBuiltInPort | OpenAgentPort): Promise<undefined>;
  async open(request: OpenPort): Promise<LocalRtp | LocalWebRtc | undefined> {
    const { portId } = request;
    if (this.#ports.has(portId) || this.#opening.has(portId)) throw mediaErrors.MEDIA_PORT_EXISTS([portId]);
    const opening = this.#open(request);
    this.#opening.set(portId, opening);
    try {
      return await opening;
    } finally {
      this.#opening.delete(portId);
    }
  }

  async connect(request: ConnectPort): Promise<void> {
    const port = this.#ports.of(request.portId);
    if (request.kind !== port.owner.kind) {
      throw mediaErrors.MEDIA_PORT_KIND([request.portId, port.owner.kind, request.kind]);
    }
    await this.#handOvers.beforeConnect(request);
    if (request.kind === 'webrtc') await this.#connectWebRtc(request, port);
    else await this.#edge.connect(request);
    await this.#video.connect(request, partyOf(port));
    await this.#joinVideo(request.portId);
  }

  async openVideo(portId: PortId): Promise<RtpAddress> {
    const { owner } = this.#ports.of(portId);
    if (owner.kind !== 'rtp') throw mediaErrors.MEDIA_PORT_KIND([portId, owner.kind, 'rtp']);
    return this.#video.open(owner);
  }

  async restartIce(portId: PortId): Promise<LocalWebRtc> {
    const port = this.#ports.of(portId);
    if (port.home !== 'mediasoup') throw mediaErrors.MEDIA_PORT_KIND([portId, port.owner.kind, 'webrtc']);
    return port.webRtc.restartIce();
  }

  async requestKeyframe(portId: PortId): Promise<KeyframeResult> {
    const port = this.#ports.get(portId);
    return port === undefined ? 'no-video' : this.#video.requestKeyframe(partyOf(port));
  }

  async bridge(a: PortId, b: PortId): Promise<void> {
    const [portA, portB] = [this.#ports.of(a), this.#ports.of(b)];
    if (this.#ports.partnerIdOf(a) !== b) {
      await Promise.all([this.#handOvers.takeBack(a, 'for-good'), this.#handOvers.takeBack(b, 'for-good')]);
    }
    await Promise.all([this.#leave(a, b), this.#leave(b, a)]);
    this.#ports.join(a, b);
    const pair = directPair(portA, portB);
    if (pair !== undefined) {
      await Promise.all(pair.map((port) => this.#unlink(port)));
      await this.#hearEachOther(pair);
      return;
    }
    await Promise.all([this.#linkToEdge(portA), this.#linkToEdge(portB)]);
    await this.#edge.bridge(a, b);
    this.#release(portA, portB);
    this.#release(portB, portA);
    await this.#joinVideo(a);
  }

  async sendDigit(portId: PortId, press: DigitPress): Promise<void> {
    const port = this.#ports.of(portId);
    // Two browsers of one router hear each other past the edge, which is the one that can make digits.
    if (port.home === 'mediasoup' && !port.webRtc.isLinked) return;
    await this.#handOvers.takeBack(portId, 'all');
    await this.#edge.sendDigit({ portId, ...press });
  }

  async detectTones(portId: PortId, isOn: boolean): Promise<void> {
    const port = this.#ports.of(portId);
    // Two browsers of one router have no ear between them, and events for each other.
    if (port.home === 'mediasoup' && !port.webRtc.isLinked) return;
    if (isOn) await this.#handOvers.watch(portId, 'detector');
    else this.#handOvers.unwatch(portId, 'detector');
    await this.#edge.detectTones(portId, isOn);
  }

  async mute(portId: PortId, isMuted: boolean): Promise<void> {
    const port = this.#ports.of(portId);
    if (isMuted) {
      this.#muted.add(portId);
      await this.#handOvers.watch(portId, 'mute');
    } else {
      this.#muted.delete(portId);
      this.#handOvers.unwatch(portId, 'mute');
    }
    const pair = this.#ports.directPairOf(portId);
    if (pair !== undefined && !pair[1].isLinked) await this.#hear(pair[1], pair[0]);
    if (port.home === 'edge' || port.webRtc.isLinked) await this.#edge.mute(portId, isMuted);
  }

  async play(portId: PortId, sound: Sound): Promise<void> {
    const port = this.#ports.of(portId);
    const edgeSound: EdgeSound =
      sound.kind === 'file'
        ? { kind: 'recording', ...(await this.#sounds.find(sound.name)), isLooped: sound.isLooped }
        : sound;
    await this.#handOvers.watch(portId, 'sound');
    await this.#linkToEdge(port);
    await this.#edge.play(portId, edgeSound);
  }

  async stopPlaying(portId: PortId): Promise<void> {
    this.#handOvers.unwatch(portId, 'sound');
    const port = this.#ports.get(portId);
    if (port === undefined || (port.home === 'mediasoup' && !port.webRtc.isLinked)) return;
    await this.#edge.play(portId, undefined);
    // Two browsers of one router need no edge between them.
    const pair = this.#ports.directPairOf(portId);
    if (pair === undefined) return;
    await this.#unlink(pair[0]);
    await this.#hear(pair[0], pair[1]);
  }

  async quality(portId: PortId): Promise<PortReport | undefined> {
    const port = this.#ports.get(portId);
    if (port === undefined) return undefined;
    const report =
      port.home === 'mediasoup' ? await port.webRtc.quality() : await this.#edge.report(portId).then(this.#completed);
    return report && withPath(report, this.#factsOf(port));
  }

  readonly #completed = async (report: PortReport | undefined): Promise<PortReport | undefined> =>
    report && this.#handOvers.completed(report);

  #factsOf(port: Port): PortFacts {
    const { portId } = port.owner;
    const view = this.#handOvers.viewOf(portId);
    const awayMs = port.home === 'mediasoup' ? port.webRtc.directMs : view.awayMs;
    const isDirect =
      this.#ports.directPairOf(portId) !== undefined && !(port.home === 'mediasoup' && port.webRtc.isLinked);
    return { ...view, awayMs, isDirect, isClosed: !this.#ports.has(portId) };
  }

  async close(portId: PortId): Promise<PortReport> {
    await this.#opening.get(portId)?.catch(() => {});
    const port = this.#ports.get(portId);
    if (port === undefined) return emptyReport(portId);
    this.#ports.remove(portId);
    const facts = this.#factsOf(port);
    if (port.home === 'mediasoup') await this.#handOvers.takeBack(portId, 'for-good');
    const direct = await this.#handOvers.close(portId);
    this.#ports.part(portId);
    this.#muted.delete(portId);
    this.#events.forget(portId);
    const report = withPath(
      port.home === 'edge' ? addReport(await this.#edge.close(portId), direct) : await port.webRtc.close(),
      facts,
    );
    // Not before: what was heard of the agent's last words is told at the end.
    this.#agents.forget(portId);
    await this.#video.close(portId);
    if (port.home === 'edge') return report;
    if (port.webRtc.isLinked) await this.#edge.close(portId);
    return report;
  }

  onEvent(listener: (event: MediaEvent) => void): Unsubscribe {
    return this.#events.on(listener);
  }

  counters(): Promise<MediaCounters> {
    const { digitsPast } = this.#events;
    const portsOpen = this.#ports.size;
    return countAll({ edge: this.#edge, pool: this.#pool, handOvers: this.#handOvers, portsOpen, digitsPast });
  }

  async stop(): Promise<void> {
    this.#handOvers.stop();
    this.rooms.stop();
    await Promise.all([...this.#ports.ids(), ...this.#opening.keys()].map((portId) => this.close(portId)));
    await Promise.all([this.#pool.close(), this.#edge.stop()]);
  }

  async #open(request: OpenPort): Promise<LocalRtp | LocalWebRtc | undefined> {
    if (request.kind === 'webrtc') return this.#openWebRtc(request);
    const local = await this.#openInEdge(request);
    this.#ports.add({ home: 'edge', owner: request });
    return local ?? undefined;
  }

  #openInEdge(request: OpenRtpPort | OpenBuiltInPort | OpenAgentPort): Promise<LocalRtp | undefined> {
    if (request.kind === 'rtp') return this.#edge.openPort(request);
    return request.kind === 'agent' ? this.#edge.openAgent(request) : this.#edge.openBuiltIn(request);
  }

  /** An agent begins to be heard once the other side can hear: a browser not before its DTLS is done. */
  #release(agent: Port, listener: Port): void {
    const isDeaf = listener.home === 'mediasoup' && !listener.webRtc.isUp;
    if (agent.owner.kind === 'agent' && !isDeaf) this.#agents.release(agent.owner.portId);
  }

  async #openWebRtc(request: OpenWebRtcPort): Promise<LocalWebRtc> {
    const joined = request.joinPortId === undefined ? undefined : this.#ports.of(request.joinPortId);
    const shared = await routerFor(request, joined?.home === 'mediasoup' ? joined.webRtc : undefined, {
      pool: this.#pool,
      innerPorts: this.#innerPorts,
    });
    try {
      const webRtc = await WebRtcPort.open({
        owner: request,
        shared,
        clock: this.#options.clock,
        patience: this.#options.icePatience ?? usualPatience,
        onState: (state) => this.#onWebRtcState(request, state),
      });
      this.#ports.add({ home: 'mediasoup', owner: request, webRtc });
      return webRtc.local;
    } catch (error) {
      shared.release();
      throw error;
    }
  }

  async #connectWebRtc(request: ConnectWebRtcPort, port: Port): Promise<void> {
    if (port.home !== 'mediasoup') return;
    await port.webRtc.connect(request);
    const pair = this.#ports.directPairOf(request.portId);
    // Who is played something hears that.
    if (pair !== undefined && !pair[1].isLinked) await this.#hear(pair[1], pair[0]);
  }

  /** Who was bridged with this port so far hears it no more, and is not heard. */
  async #leave(portId: PortId, next: PortId): Promise<void> {
    const formerId = this.#ports.partnerIdOf(portId);
    if (formerId === undefined || formerId === next) return;
    const pair = this.#ports.directPairOf(portId);
    this.#ports.part(portId);
    this.#video.part(portId);
    // Who is played something goes on to hear that.
    await Promise.all((pair ?? []).filter(({ isLinked }) => !isLinked).map((each) => each.hearNobody()));
  }

  async #unlink(webRtc: WebRtcPort): Promise<void> {
    if (!webRtc.isLinked) return;
    await webRtc.hearNobody();
    await this.#edge.close(webRtc.owner.portId);
    await this.#video.close(webRtc.owner.portId);
  }

  async #linkToEdge(port: Port): Promise<void> {
    if (port.home !== 'mediasoup') return;
    const { isLinked } = port.webRtc;
    await port.webRtc.linkToEdge(this.#edge);
    if (!isLinked && this.#muted.has(port.owner.portId)) await this.#edge.mute(port.owner.portId, true);
  }

  async #hearEachOther([a, b]: readonly [WebRtcPort, WebRtcPort]): Promise<void> {
    await Promise.all([this.#hear(a, b), this.#hear(b, a)]);
  }

  async #hear(listener: WebRtcPort, speaker: WebRtcPort): Promise<void> {
    await (this.#muted.has(speaker.owner.portId) ? listener.hearNobody() : listener.hear(speaker));
  }

  async #joinVideo(portId: PortId): Promise<void> {
    const bridge = this.#ports.bridgeOf(portId);
    if (bridge === undefined) return;
    const [port, partner] = bridge;
    const pair = directPair(port, partner);
    if (pair === undefined) await this.#video.join(partyOf(port), partyOf(partner));
    else await this.#hearEachOther(pair);
  }

  #onWebRtcState(owner: OpenWebRtcPort, state: WebRtcPortState): void {
    const bridge = this.#ports.bridgeOf(owner.portId);
    if (state === 'up' && bridge !== undefined) this.#release(bridge[1], bridge[0]);
    this.#events.state(owner, state);
  }

  #workerDied(worker: MediaWorker): void {
    this.rooms.workerDied(worker);
    for (const port of this.#ports.all()) {
      if (port.home !== 'mediasoup' || port.webRtc.shared.worker !== worker) continue;
      this.#events.state(port.owner, 'worker');
    }
  }

  #onEdgeEvent(event: EdgeEvent): void {
    if (event.kind === 'heard' || event.kind === 'playout') return this.#agents.onEvent(event);
    const port = this.#ports.get(
      event.kind === 'keyframe-wanted' ? (ownerOfVideo(event.portId) ?? event.portId) : event.portId,
    );
    if (port === undefined) return;
    if (event.kind === 'flow') return void this.#handOvers.onFlow(event);
    if (event.kind === 'moved') return void this.#handOvers.onMoved(event.portId);
    if (event.kind === 'quiet') return void this.#handOvers.takeBack(event.portId, 'all');
    // A browser Leg is up when its DTLS is, whatever the edge sees of it.
    if (event.kind === 'port-up' && port.home === 'mediasoup') return;
    if (event.kind === 'sound-over') this.#handOvers.unwatch(event.portId, 'sound');
    this.#events.edge(port.owner, event);
  }
}
