/**
 * The carrying edge: worker threads that own the SIP-facing sockets and relay RTP between them, the loopback endpoints
 * towards mediasoup, and the built-in parties. This side keeps the books: which port is where, which pairs are free.
 */
import { isIP } from 'node:net';
import type {
  ConnectAgentPort,
  ConnectBuiltInPort,
  ConnectRtpPort,
  HeardSpeech,
  OpenAgentPort,
  OpenBuiltInPort,
  OpenRtpPort,
  PortReport,
} from '../../calls/index.ts';
import { type CallId, Emitter, type PortId, type Unsubscribe } from '../../kernel/index.ts';
import type { SpliceStart } from '../../rtp/index.ts';
import type { AudioFormat, LocalRtp } from '../../sdp/index.ts';
import { emptyReport } from '../empty-report.ts';
import type { Edge, EdgeEvent, EdgeListen, EdgeOptions, EdgeTotals, InnerEndpoint, OpenInner } from './edge-api.ts';
import { addCounters, NOTHING_COUNTED } from './edge-counters.ts';
import type { EdgeSound } from './edge-sound.ts';
import { edgeErrors } from './errors.ts';
import type {
  AgentCommand,
  ConnectInner,
  ConnectVideoInner,
  ConnectVideoPort,
  EdgeCounters,
  FlushSpeech,
  PlacePort,
  SendDigit,
} from './messages.ts';
import { chooseOpus } from './opus-choice.ts';
import { PortRange } from './port-range.ts';
import { plainAddress, reachable } from './remote-address.ts';
import { ThreadBridge } from './thread-bridge.ts';
import { ThreadLink } from './thread-link.ts';

/** Throws MEDIA_NO_NATIVE_OPUS. */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  const edge = new ThreadedEdge(options, await chooseOpus(options.opus ?? 'auto', options.logger));
  await edge.start();
  return edge;
}

interface Thread {
  link: ThreadLink;
  readonly ports: Set<PortId>;
  /** What the threads before this one had counted when they died. */
  former: EdgeCounters;
  /** The last totals known, those of former threads included. */
  seen: EdgeCounters;
}

interface Port {
  readonly thread: Thread;
  /** Undefined for ports without a SIP side. */
  readonly rtpPort: number | undefined;
  /** The local address of its SIP side. */
  readonly address?: string;
  /** Once connected. */
  format?: AudioFormat;
  /** To the port of another thread. */
  bridge?: ThreadBridge;
}

class ThreadedEdge implements Edge {
  readonly #options: EdgeOptions;
  readonly #opus: 'native' | 'wasm';
  readonly #range: PortRange;
  readonly #events = new Emitter<{ edge: EdgeEvent }>();
  readonly #threads: Thread[] = [];
  readonly #ports = new Map<PortId, Port>();
  readonly #cname: string;
  #isStopped = false;

  constructor(options: EdgeOptions, opus: 'native' | 'wasm') {
    this.#options = options;
    this.#opus = opus;
    const { portRange, quarantineMs, clock, random } = options;
    this.#range = new PortRange({ ...portRange, quarantineMs, clock, random });
    // A name that says nothing about the machine (RFC 7022 §4.2).
    this.#cname = random.hex(12);
  }

  async start(): Promise<void> {
    for (let index = 0; index < this.#options.threads; index++) this.#threads.push(this.#startThread(index));
    await this.counters();
  }

  async openPort(request: OpenRtpPort): Promise<LocalRtp> {
    const { portId, callId } = request;
    const { portRange } = this.#options;
    const listen = this.#listenFor(request.family);
    const thread = this.#threadFor(callId);
    for (const rtpPort of this.#range.candidates()) {
      this.#range.take(rtpPort);
      const opened = await this.#openPair(thread, { portId, address: listen.address, rtpPort });
      if (!opened) {
        this.#range.giveUp(rtpPort);
        continue;
      }
      this.#add(portId, { thread, rtpPort, address: listen.address });
      const address = request.announcedAddress ?? listen.announced ?? listen.address;
      return { kind: 'rtp', rtp: { address, rtpPort, rtcpPort: rtpPort + 1 } };
    }
    throw edgeErrors.MEDIA_NO_PORTS([portRange.min, portRange.max]);
  }

  async openInner({ portId, callId }: OpenInner): Promise<InnerEndpoint> {
    const thread = this.#threadFor(callId);
    const start = this.#newStart();
    const port = await thread.link.request({
      op: 'open-inner',
      portId,
      start,
      cname: this.#cname,
      isAlone: false,
    });
    this.#add(portId, { thread, rtpPort: undefined });
    return { address: '127.0.0.1', port, ssrc: start.ssrc };
  }

  async openBuiltIn({ portId, callId, endpoint }: OpenBuiltInPort): Promise<undefined> {
    const thread = this.#threadFor(callId);
    await thread.link.request({ op: 'open-built-in', portId, endpoint, start: this.#newStart() });
    this.#add(portId, { thread, rtpPort: undefined });
  }

  async openAgent({ portId, callId, encoding, prebufferMs }: OpenAgentPort): Promise<undefined> {
    const thread = this.#threadFor(callId);
    await thread.link.request({ op: 'open-agent', portId, encoding, prebufferMs, start: this.#newStart() });
    this.#add(portId, { thread, rtpPort: undefined });
  }

  tellAgent(command: Exclude<AgentCommand, FlushSpeech>): void {
    this.#ports.get(command.portId)?.thread.link.tell(command);
  }

  async flushSpeech(portId: PortId): Promise<readonly HeardSpeech[]> {
    return this.#portOf(portId).thread.link.request({ op: 'flush-speech', portId });
  }

  async connect(request: ConnectRtpPort | ConnectBuiltInPort | ConnectAgentPort): Promise<void> {
    const port = this.#portOf(request.portId);
    const { link } = port.thread;
    if (request.kind !== 'rtp') {
      const { portId, format } = request;
      await link.request({ op: 'connect-built-in', portId, format });
      return this.#noteFormat(port, format);
    }
    const { kind: _, video: __, portId, format, srtp, mediaTimeout, signalingAddress, ...rest } = request;
    const remote = reachable(request.remote, port.address);
    await link.request({
      op: 'connect-port',
      ...rest,
      portId,
      remote,
      format,
      srtp,
      mediaTimeout,
      signalingAddress: signalingAddress === undefined ? undefined : plainAddress(signalingAddress),
    });
    await this.#noteFormat(port, format);
  }

  async connectVideo(request: ConnectVideoPort): Promise<void> {
    const port = this.#portOf(request.portId);
    const remote = reachable(request.remote, port.address);
    const { signalingAddress: from } = request;
    const signalingAddress = from === undefined ? undefined : plainAddress(from);
    await port.thread.link.request({ op: 'connect-video-port', ...request, remote, signalingAddress });
  }

  async connectVideoInner(request: ConnectVideoInner): Promise<void> {
    await this.#portOf(request.portId).thread.link.request({ op: 'connect-video-inner', ...request });
  }

  async wantKeyframe(portId: PortId): Promise<void> {
    await this.#portOf(portId).thread.link.request({ op: 'want-keyframe', portId });
  }

  async connectInner(request: ConnectInner): Promise<void> {
    const port = this.#portOf(request.portId);
    await port.thread.link.request({ op: 'connect-inner', ...request });
    await this.#noteFormat(port, request.format);
  }

  async bridge(a: PortId, b: PortId): Promise<void> {
    const [portA, portB] = [this.#portOf(a), this.#portOf(b)];
    await Promise.all([this.#dropBridge(portA), this.#dropBridge(portB)]);
    if (portA.thread === portB.thread) {
      await portA.thread.link.request({ op: 'bridge', a, b });
      return;
    }
    const bridge = await ThreadBridge.open({
      ends: [
        { portId: a, link: portA.thread.link },
        { portId: b, link: portB.thread.link },
      ],
      newStart: () => this.#newStart(),
      cname: this.#cname,
    });
    portA.bridge = bridge;
    portB.bridge = bridge;
    const format = portA.format ?? portB.format;
    if (format !== undefined) await bridge.connect(format);
  }

  async sendDigit(digit: SendDigit): Promise<void> {
    await this.#portOf(digit.portId).thread.link.request({ op: 'send-digit', ...digit });
  }

  async detectTones(portId: PortId, isOn: boolean): Promise<void> {
    await this.#portOf(portId).thread.link.request({ op: 'detect-tones', portId, isOn });
  }

  async mute(portId: PortId, isMuted: boolean): Promise<void> {
    await this.#portOf(portId).thread.link.request({ op: 'mute', portId, isMuted });
  }

  async play(portId: PortId, sound: EdgeSound | undefined): Promise<void> {
    await this.#portOf(portId).thread.link.request({ op: 'play', portId, sound });
  }

  async noteLoss(portId: PortId, fraction: number): Promise<void> {
    await this.#ports.get(portId)?.thread.link.request({ op: 'note-loss', portId, fraction });
  }

  async report(portId: PortId): Promise<PortReport | undefined> {
    return this.#ports.get(portId)?.thread.link.request({ op: 'report', portId });
  }

  boundTo(portId: PortId): { readonly address: string; readonly rtpPort: number } {
    const { address, rtpPort } = this.#portOf(portId);
    if (address === undefined || rtpPort === undefined) throw edgeErrors.MEDIA_UNKNOWN_PORT([portId]);
    return { address, rtpPort };
  }

  async shield(portId: PortId): Promise<void> {
    await this.#portOf(portId).thread.link.request({ op: 'shield', portId });
  }

  async rise(portId: PortId): Promise<void> {
    await this.#portOf(portId).thread.link.request({ op: 'rise', portId });
  }

  async place(request: PlacePort): Promise<void> {
    await this.#portOf(request.portId).thread.link.request({ op: 'place', ...request });
  }

  async close(portId: PortId): Promise<PortReport> {
    const port = this.#ports.get(portId);
    if (!port) return emptyReport(portId);
    this.#ports.delete(portId);
    port.thread.ports.delete(portId);
    await this.#dropBridge(port);
    try {
      const closed = await port.thread.link.request({ op: 'close', portId });
      if (port.rtpPort !== undefined) this.#range.release(port.rtpPort, closed?.stream);
      return closed?.report ?? emptyReport(portId);
    } catch {
      // The thread died meanwhile, and the sockets with it; that is reported on its own.
      if (port.rtpPort !== undefined) this.#range.release(port.rtpPort, undefined);
      return emptyReport(portId);
    }
  }

  onEvent(listener: (event: EdgeEvent) => void): Unsubscribe {
    return this.#events.on('edge', listener);
  }

  async counters(): Promise<EdgeTotals> {
    const counted = await Promise.all(this.#threads.map((thread) => this.#count(thread)));
    const sum = counted.reduce(addCounters, NOTHING_COUNTED);
    return { ...sum, portsOpen: this.#ports.size, portsQuarantined: this.#range.resting };
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#range.stop();
    this.#ports.clear();
    await Promise.allSettled(this.#threads.map(({ link }) => link.stop()));
  }

  #listenFor(family: 4 | 6 | undefined): EdgeListen {
    const { listen } = this.#options;
    const found = family === undefined ? listen[0] : listen.find(({ address }) => isIP(address) === family);
    if (found === undefined) throw edgeErrors.MEDIA_NO_FAMILY([`IPv${family}`]);
    return found;
  }

  async #openPair(
    thread: Thread,
    { portId, address, rtpPort }: { readonly portId: PortId; readonly address: string; readonly rtpPort: number },
  ): Promise<boolean> {
    try {
      return await thread.link.request({
        op: 'open-port',
        portId,
        address,
        rtpPort,
        start: this.#newStart(),
        cname: this.#cname,
        refused: this.#range.formerStream(rtpPort),
        stableMs: this.#options.stableMs,
      });
    } catch (error) {
      this.#range.giveUp(rtpPort);
      throw error;
    }
  }

  async #noteFormat(port: Port, format: AudioFormat): Promise<void> {
    port.format = format;
    await port.bridge?.connect(format);
  }

  async #dropBridge(port: Port): Promise<void> {
    const { bridge } = port;
    if (bridge === undefined) return;
    delete port.bridge;
    for (const portId of bridge.ports) {
      const end = this.#ports.get(portId);
      if (end?.bridge === bridge) delete end.bridge;
    }
    await bridge.close();
  }

  #add(portId: PortId, port: Port): void {
    this.#ports.set(portId, port);
    port.thread.ports.add(portId);
  }

  #portOf(portId: PortId): Port {
    const port = this.#ports.get(portId);
    if (!port) throw edgeErrors.MEDIA_UNKNOWN_PORT([portId]);
    return port;
  }

  /** All ports of a Call on one thread, without asking who came first; ids are random, so threads get even shares. */
  #threadFor(callId: CallId): Thread {
    let hash = 0;
    for (let i = 0; i < callId.length; i++) hash = (Math.imul(hash, 31) + callId.charCodeAt(i)) >>> 0;
    const thread = this.#threads[hash % this.#threads.length];
    if (!thread) throw edgeErrors.MEDIA_EDGE_FAILED(['no threads']);
    return thread;
  }

  #newStart(): SpliceStart {
    const { random } = this.#options;
    // In the lower half of its range: a wrap soon after the start, with packets lost, would confuse SRTP (RFC 4568 §6.4).
    return { ssrc: random.uint32(), sequence: random.uint32() & 0x7fff, timestamp: random.uint32() };
  }

  #startThread(index: number): Thread {
    const thread: Thread = {
      link: this.#newLink(index),
      ports: new Set(),
      former: NOTHING_COUNTED,
      seen: NOTHING_COUNTED,
    };
    thread.link.start();
    return thread;
  }

  #newLink(index: number): ThreadLink {
    return new ThreadLink({
      name: `edge-${index}`,
      data: { music: this.#options.music ?? 'melody', opus: this.#opus },
      onEvent: (event) => this.#events.emit('edge', event),
      onCrash: (cause) => this.#onCrash(index, cause),
    });
  }

  /** A dead thread took its sockets with it: its Legs have no media any more, new ones get a new thread. */
  #onCrash(index: number, cause: Error): void {
    const thread = this.#threads[index];
    if (!thread || this.#isStopped) return;
    this.#options.logger.error({ err: cause, thread: index, ports: thread.ports.size }, 'edge thread died');
    const dead = [...thread.ports];
    thread.ports.clear();
    thread.former = thread.seen;
    thread.link = this.#newLink(index);
    thread.link.start();
    for (const portId of dead) {
      const rtpPort = this.#ports.get(portId)?.rtpPort;
      if (rtpPort !== undefined) this.#range.release(rtpPort, undefined);
      this.#ports.delete(portId);
      this.#events.emit('edge', { kind: 'port-failed', portId, reason: 'edge' });
    }
  }

  /** A thread's totals; they do not run backwards when it dies. */
  async #count(thread: Thread): Promise<EdgeCounters> {
    thread.seen = addCounters(thread.former, await thread.link.request({ op: 'counters' }));
    return thread.seen;
  }
}
