/** What 20 ms are in each encoding of an agent, and what must be done to them between the agent and RTP. */
import { decodeG711, encodeG711, type G711Law } from '../../audio/index.ts';
import { type AgentEncoding, agentRateHz, agentSampleBytes } from '../../calls/index.ts';

export interface AgentFrames {
  readonly rateHz: number;
  readonly samples: number;
  readonly bytes: number;
  /** The byte that silence is made of. */
  readonly silence: number;
  /** To silence within half a frame, in place. */
  fadeOut(frame: Uint8Array): void;
  /** Whether no sample is as loud as speech. */
  isQuiet(audio: Uint8Array): boolean;
  /** Quieter, in place. */
  scale(frame: Uint8Array, gain: number): void;
  /** From the agent's order of bytes to that of RTP (RFC 3551 §4.5.11: the high one first), or back, in place. */
  turn(audio: Uint8Array): void;
}

export function agentFrames(encoding: AgentEncoding, frameMs: number): AgentFrames {
  const rateHz = agentRateHz(encoding);
  const samples = (rateHz * frameMs) / 1000;
  const common = { rateHz, samples, bytes: samples * agentSampleBytes(encoding) };
  if (encoding === 'PCMU' || encoding === 'PCMA') {
    const silence = encodeG711(encoding, new Int16Array(1))[0] ?? 0;
    return {
      ...common,
      silence,
      fadeOut: (frame) => scaleG711(encoding, frame, remains),
      isQuiet: (audio) => audio.every((code) => quietCodes[encoding][code] === 1),
      scale: (frame, gain) => scaleG711(encoding, frame, () => gain),
      turn: () => {},
    };
  }
  return {
    ...common,
    silence: 0,
    fadeOut: (frame) => scaleL16(frame, remains),
    isQuiet: isQuietL16,
    scale: (frame, gain) => scaleL16(frame, () => gain),
    turn: swap,
  };
}

/** The loudest that is no speech: -46 dB of full scale. */
const QUIET_PEAK = 164;

const quietCodes: Readonly<Record<G711Law, Uint8Array>> = { PCMU: quietIn('PCMU'), PCMA: quietIn('PCMA') };

function quietIn(law: G711Law): Uint8Array {
  const all = decodeG711(
    law,
    Uint8Array.from({ length: 256 }, (_, code) => code),
  );
  return Uint8Array.from(all, (sample) => (Math.abs(sample) <= QUIET_PEAK ? 1 : 0));
}

function isQuietL16(audio: Uint8Array): boolean {
  const view = new DataView(audio.buffer, audio.byteOffset, audio.byteLength);
  for (let at = 0; at + 1 < audio.length; at += 2) if (Math.abs(view.getInt16(at, true)) > QUIET_PEAK) return false;
  return true;
}

/** The gain for one of so many samples. */
type Gain = (at: number, samples: number) => number;

/** How much of sample `at` remains. */
function remains(at: number, samples: number): number {
  return Math.max(0, 1 - (2 * at) / samples);
}

function scaleG711(law: G711Law, frame: Uint8Array, gain: Gain): void {
  const pcm = decodeG711(law, frame);
  for (let at = 0; at < pcm.length; at++) pcm[at] = (pcm[at] ?? 0) * gain(at, pcm.length);
  frame.set(encodeG711(law, pcm));
}

function scaleL16(frame: Uint8Array, gain: Gain): void {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const samples = frame.byteLength >> 1;
  for (let at = 0; at < samples; at++)
    view.setInt16(2 * at, Math.round(view.getInt16(2 * at, true) * gain(at, samples)), true);
}

function swap(audio: Uint8Array): void {
  for (let at = 0; at + 1 < audio.length; at += 2) {
    const low = audio[at] ?? 0;
    audio[at] = audio[at + 1] ?? 0;
    audio[at + 1] = low;
  }
}
