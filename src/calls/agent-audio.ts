/** What an agent says and hears, as plain data between `agents` and the media plane (decisions D7, D11). */
import type { PortId } from '../kernel/index.ts';

/** How an agent's audio is written, in both directions the same. L16 is 16-bit linear PCM, little endian, with its rate. */
export type AgentEncoding = 'PCMU' | 'PCMA' | AgentL16;
export type AgentL16 = 'L16/8000' | 'L16/16000' | 'L16/24000';

/** Of the samples, Hz. */
export function agentRateHz(encoding: AgentEncoding): number {
  return isL16(encoding) ? Number(encoding.slice('L16/'.length)) : 8000;
}

export function agentSampleBytes(encoding: AgentEncoding): number {
  return isL16(encoding) ? 2 : 1;
}

function isL16(encoding: AgentEncoding): encoding is AgentL16 {
  return encoding !== 'PCMU' && encoding !== 'PCMA';
}

/** Of one utterance: how much of it arrived, has been played, and was thrown away. Milliseconds. */
export interface HeardSpeech {
  readonly utterance: string;
  readonly receivedMs: number;
  readonly playedMs: number;
  readonly flushedMs: number;
  /** How much of `flushedMs` was silence within what was played, left out to make up for a lag. */
  readonly skippedMs: number;
}

export type PlayoutNotice =
  /** `resumed`: after a pause. */
  | { readonly kind: 'started' | 'resumed'; readonly utterance: string }
  /** Everything before the mark has been played, or (`isCleared`) was thrown away. */
  | { readonly kind: 'mark'; readonly name: string; readonly isCleared: boolean }
  | ({ readonly kind: 'over' } & HeardSpeech);

/** What a port tells the one who listens to it. */
export interface AgentEar {
  /** 20 ms of the other party, in the agent's encoding, one after another without gaps. */
  onFrame(audio: Uint8Array): void;
  onPlayout(notice: PlayoutNotice): void;
}

export interface AgentAudio {
  /** From now on until the port is closed. One ear to a port. */
  listen(portId: PortId, ear: AgentEar): void;
  /** Queues whole samples, as many as there are. What exceeds ten minutes is dropped. */
  speak(portId: PortId, speech: { readonly utterance: string; readonly audio: Uint8Array }): void;
  /** Told to the ear when everything queued before it has been played. */
  mark(portId: PortId, name: string): void;
  /** Throws away what is queued; silence follows within 40 ms. What was heard of each utterance that was not over. */
  flush(portId: PortId): Promise<readonly HeardSpeech[]>;
  /** Plays the agent quieter by so much, dB; 0: as it is. */
  duck(portId: PortId, db: number): void;
}
