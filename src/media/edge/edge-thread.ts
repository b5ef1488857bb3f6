/** The ports of one thread and the commands on them. */
import { type Clock, CodedError, type PortId, type Timer } from '../../kernel/index.ts';
import { WorkQueue } from '../transcoder/index.ts';
import { AgentPort } from './agent-port.ts';
import { EchoPort, TonePort } from './built-in-port.ts';
import type { EdgeEnd, ThreadParts, Totals } from './end.ts';
import { edgeErrors } from './errors.ts';
import { InnerPort } from './inner-port.ts';
import { InnerSockets } from './inner-sockets.ts';
import { Joint } from './joint.ts';
import type { AgentCommand, EdgeCommand, EdgeResults, EdgeThreadEvent } from './messages.ts';
import { SipPort } from './sip-port.ts';
import { type Music, SoundLibrary } from './sound-library.ts';
import { Ticker } from './ticker.ts';
import { ToneFrames } from './tone-frames.ts';

/** Between two looks at reports due and digits unfinished, ms. */
const HOUSEKEEPING_MS = 250;
/** Between two looks at what is overdue in transcoded calls, ms. */
const FILL_MS = 10;

type AnyPort = SipPort | InnerPort | EchoPort | TonePort | AgentPort;
type Of<Op extends EdgeCommand['op']> = Extract<EdgeCommand, { op: Op }>;
type Result = EdgeResults[EdgeCommand['op']];

export interface EdgeThreadOptions {
  readonly clock: Clock;
  readonly music: Music;
  readonly emit: (event: EdgeThreadEvent) => void;
}

export class EdgeThread {
  readonly #ports = new Map<PortId, AnyPort>();
  readonly #totals: Totals = {
    rtpPacketsReceived: 0,
    rtpPacketsSent: 0,
    rtpPacketsRejected: 0,
    srtpPacketsFailed: 0,
    rtcpPacketsReceived: 0,
    digitsRelayed: 0,
    transcodedMs: 0,
  };
  readonly #parts: ThreadParts;
  readonly #inner = new InnerSockets(() => this.#onStranger());
  readonly #frames = new ToneFrames();
  readonly #joints = new Map<EdgeEnd, Joint>();
  readonly #muted = new Set<EdgeEnd>();
  readonly #work = new WorkQueue();
  #housekeeping: Timer | undefined;
  #filling: Timer | undefined;

  constructor({ clock, music, emit }: EdgeThreadOptions) {
    const sounds = new SoundLibrary(music);
    this.#parts = { clock, totals: this.#totals, ticker: new Ticker(clock), sounds, emit };
  }

  /** Carries out one command; CodedErrors are answers to it. */
  async perform(command: EdgeCommand): Promise<Result> {
    switch (command.op) {
      case 'open-port':
        return this.#openPort(command);
      case 'open-inner':
        return this.#openInner(command);
      case 'open-built-in':
        return this.#openBuiltIn(command);
      case 'open-agent':
        return this.#add(new AgentPort({ ...command, parts: this.#parts }));
      case 'release-agent':
      case 'speak':
      case 'mark-speech':
      case 'flush-speech':
      case 'duck-speech':
        return this.#agent(command);
      case 'connect-port':
      case 'connect-inner':
      case 'connect-built-in':
        return this.#connect(command);
      case 'connect-video-port':
      case 'connect-video-inner':
        return this.#connectVideo(command);
      case 'want-keyframe':
        return this.#wantKeyframe(command.portId);
      case 'bridge':
        return this.#bridge(this.#portOf(command.a), this.#portOf(command.b));
      case 'send-digit':
        return this.#pressDigit(command);
      case 'detect-tones':
        return this.#detectTones(command);
      case 'mute':
        return this.#mute(command);
      case 'play':
        return this.#play(command);
      case 'note-loss':
        return this.#noteLoss(command);
      case 'report':
        return this.#ports.get(command.portId)?.report();
      case 'shield':
        return this.#sipPortOf(command.portId).shield();
      case 'rise':
        return this.#sipPortOf(command.portId).rise();
      case 'place':
        return this.#sipPortOf(command.portId).place(command);
      case 'close':
        return this.#close(command.portId);
      case 'counters':
        return { ...this.#totals };
      case 'stop':
        return this.#stop();
    }
  }

  async #openPort(command: Of<'open-port'>): Promise<boolean> {
    const port = await SipPort.open({ ...command, parts: this.#parts });
    if (!port) return false;
    this.#add(port);
    return true;
  }

  async #openInner({ portId, start, cname, isAlone }: Of<'open-inner'>): Promise<number> {
    const port = await InnerPort.open({ portId, start, cname, isAlone, parts: this.#parts }, this.#inner);
    this.#add(port);
    return port.localPort;
  }

  #openBuiltIn({ portId, endpoint, start }: Of<'open-built-in'>): undefined {
    if (endpoint === 'echo') this.#add(new EchoPort(portId));
    else this.#add(new TonePort({ portId, start, parts: this.#parts, frames: this.#frames }));
  }

  async #connect(command: Of<'connect-port' | 'connect-inner' | 'connect-built-in'>): Promise<undefined> {
    const port = this.#portOf(command.portId);
    if (command.op === 'connect-port' && port instanceof SipPort) port.connect(command);
    else if (command.op === 'connect-inner' && port instanceof InnerPort) port.connect(command);
    else if (command.op === 'connect-built-in' && isOurs(port)) {
      await port.connect(command.format);
    } else throw edgeErrors.MEDIA_UNKNOWN_PORT([command.portId]);
    await this.#fit(this.#joints.get(port));
  }

  #agent(command: AgentCommand): EdgeResults['flush-speech'] | undefined {
    const port = this.#portOf(command.portId);
    if (!(port instanceof AgentPort)) throw edgeErrors.MEDIA_UNKNOWN_PORT([command.portId]);
    if (command.op === 'flush-speech') return port.flush();
    if (command.op === 'speak') port.speak(command.utterance, command.audio);
    else if (command.op === 'mark-speech') port.mark(command.name);
    else if (command.op === 'duck-speech') port.duck(command.db);
    else port.release();
    return undefined;
  }

  #connectVideo(command: Of<'connect-video-port' | 'connect-video-inner'>): undefined {
    const port = this.#portOf(command.portId);
    if (command.op === 'connect-video-port' && port instanceof SipPort) port.connectVideo(command);
    else if (command.op === 'connect-video-inner' && port instanceof InnerPort) port.connectVideo(command);
    else throw edgeErrors.MEDIA_UNKNOWN_PORT([command.portId]);
  }

  #wantKeyframe(portId: PortId): undefined {
    const port: EdgeEnd = this.#portOf(portId);
    port.wantKeyframe?.();
  }

  async #bridge(a: EdgeEnd, b: EdgeEnd): Promise<undefined> {
    this.#unbridge(a);
    this.#unbridge(b);
    const joint = new Joint({
      ends: [a, b],
      work: this.#work,
      isMuted: (end) => this.#muted.has(end),
      onTranscoded: (ms) => this.#onTranscoded(ms),
    });
    this.#joints.set(a, joint);
    this.#joints.set(b, joint);
    a.restart();
    b.restart();
    await this.#fit(joint);
  }

  /** Whose formats have no path between them hear nothing of each other but digits. */
  async #fit(joint: Joint | undefined): Promise<void> {
    await joint?.fit(this.#parts.clock.now());
    if (joint?.isTranscoding === true) this.#filling ??= this.#fill();
  }

  #unbridge(port: EdgeEnd): void {
    const joint = this.#joints.get(port);
    if (!joint) return;
    for (const end of joint.ends) this.#joints.delete(end);
    joint.part(this.#parts.clock.now());
  }

  /** Losses of transcoded calls show by time passing, too. Ends with the last such call. */
  #fill(): Timer {
    return this.#parts.clock.after(FILL_MS, () => {
      const nowMs = this.#parts.clock.now();
      let isTranscoding = false;
      for (const [end, joint] of this.#joints) {
        if (end !== joint.ends[0] || !joint.isTranscoding) continue;
        joint.fill(nowMs);
        isTranscoding = true;
      }
      this.#filling = isTranscoding ? this.#fill() : undefined;
    });
  }

  #onTranscoded(ms: number): void {
    this.#totals.transcodedMs += ms;
  }

  #pressDigit({ portId, ...press }: Of<'send-digit'>): undefined {
    this.#portOf(portId).pressDigit(press);
  }

  #detectTones({ portId, isOn }: Of<'detect-tones'>): undefined {
    this.#portOf(portId).detectTones(isOn);
  }

  #mute({ portId, isMuted }: Of<'mute'>): undefined {
    const port = this.#portOf(portId);
    if (isMuted === this.#muted.has(port)) return;
    if (isMuted) this.#muted.add(port);
    else this.#muted.delete(port);
    this.#joints.get(port)?.remute();
  }

  #play({ portId, sound }: Of<'play'>): undefined {
    this.#portOf(portId).play(sound);
  }

  #noteLoss({ portId, fraction }: Of<'note-loss'>): undefined {
    const port = this.#ports.get(portId);
    if (port instanceof InnerPort) port.noteLoss(fraction);
  }

  async #close(portId: PortId): Promise<EdgeResults['close']> {
    const port = this.#ports.get(portId);
    if (!port) return undefined;
    this.#ports.delete(portId);
    this.#unbridge(port);
    this.#muted.delete(port);
    if (this.#ports.size === 0) this.#rest();
    return port.close();
  }

  async #stop(): Promise<undefined> {
    await Promise.all([...this.#ports.keys()].map((portId) => this.#close(portId)));
    this.#rest();
  }

  #add(port: AnyPort): undefined {
    this.#ports.set(port.portId, port);
    this.#housekeeping ??= this.#keepHouse();
  }

  #rest(): void {
    this.#housekeeping?.cancel();
    this.#housekeeping = undefined;
    this.#filling?.cancel();
    this.#filling = undefined;
  }

  #keepHouse(): Timer {
    return this.#parts.clock.after(HOUSEKEEPING_MS, () => {
      const nowMs = this.#parts.clock.now();
      for (const port of this.#ports.values()) port.tick(nowMs);
      for (const joint of new Set(this.#joints.values())) {
        joint.tick(nowMs);
        if (joint.isOutdated) void this.#fit(joint);
      }
      this.#housekeeping = this.#keepHouse();
    });
  }

  #portOf(portId: PortId): AnyPort {
    const port = this.#ports.get(portId);
    if (!port) throw edgeErrors.MEDIA_UNKNOWN_PORT([portId]);
    return port;
  }

  #sipPortOf(portId: PortId): SipPort {
    const port = this.#portOf(portId);
    if (port instanceof SipPort) return port;
    throw edgeErrors.MEDIA_UNKNOWN_PORT([portId]);
  }

  #onStranger(): void {
    this.#totals.rtpPacketsReceived++;
    this.#totals.rtpPacketsRejected++;
  }
}

/** A party without a network side. */
function isOurs(port: AnyPort): port is EchoPort | TonePort | AgentPort {
  return port instanceof EchoPort || port instanceof TonePort || port instanceof AgentPort;
}

/** An error as an answer: its code and words survive the way between threads, its class does not. */
export function refusalOf(error: unknown): { code: string; text: string } {
  if (error instanceof CodedError) return { code: error.code, text: error.message };
  return { code: 'MEDIA_EDGE_FAILED', text: error instanceof Error ? error.message : String(error) };
}
