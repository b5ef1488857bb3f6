/** What the thread's parts share. */
import type { DigitPress, PortReport } from '../../calls/index.ts';
import type { Clock, PortId } from '../../kernel/index.ts';
import type { AudioFormat, VideoFormat } from '../../sdp/index.ts';
import type { EdgeSound } from './edge-sound.ts';
import type { Arrival } from './incoming.ts';
import type { ClosedPort, EdgeThreadEvent } from './messages.ts';
import type { SoundLibrary } from './sound-library.ts';
import type { Ticker } from './ticker.ts';

/** Who is given what an end receives. */
export interface Hearer {
  readonly format: AudioFormat | undefined;
  /** Whether a key or a sound is being played to its remote, or what it is given is changed. */
  readonly isBusy: boolean;
  /** Of an end that carries video instead of audio. */
  readonly video?: VideoFormat | undefined;
  /** Takes a packet over: its memory is changed. Ends that cannot use it drop it. */
  send(packet: Buffer, arrival: Arrival): void;
  /** The next packet comes from another party. */
  restart(): void;
  /** Who hears this end of video needs a complete picture of its remote. */
  wantKeyframe?(): void;
}

/** One end of a bridge: what its peer received is given to `send`. */
export interface EdgeEnd extends Hearer {
  readonly portId: PortId;
  /** The end that hears this one, or the transcoder before it. */
  peer: Hearer | undefined;
  /** The last packet of comfort noise (RFC 3389) that its remote has sent in this format; nobody else has agreed on it. */
  readonly noise: Buffer | undefined;
  /** What fraction (0 to 1) of our packets the remote loses of late, by its reports. */
  readonly remoteLoss: number;
  /** Called four times a second: reports, timeouts. */
  tick(nowMs: number): void;
  /** Sends a key press, after those before it. */
  pressDigit(press: DigitPress): void;
  /** Plays a sound to the remote in place of what its peer says; undefined: no more. */
  play(sound: EdgeSound | undefined): void;
  /** Listens for keys in the audio of the remote, or no more. */
  detectTones(isOn: boolean): void;
  report(): PortReport;
  close(): Promise<ClosedPort>;
}

/** Counted by every port of the thread. */
export interface Totals {
  rtpPacketsReceived: number;
  rtpPacketsSent: number;
  rtpPacketsRejected: number;
  srtpPacketsFailed: number;
  rtcpPacketsReceived: number;
  digitsRelayed: number;
  transcodedMs: number;
}

export interface ThreadParts {
  readonly clock: Clock;
  readonly totals: Totals;
  readonly ticker: Ticker;
  readonly sounds: SoundLibrary;
  readonly emit: (event: EdgeThreadEvent) => void;
}

/** Audio goes from one end to the other as it is only under the same codec. */
export function sharesCodec(a: Hearer, b: Hearer): boolean {
  const [one, other] = [a.format?.codec, b.format?.codec];
  return one !== undefined && one.name === other?.name && one.clockRate === other.clockRate;
}
