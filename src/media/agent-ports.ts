/** Agents' ports as agents see them: who listens to each, and what is said to it. */
import type { AgentAudio, AgentEar, HeardSpeech } from '../calls/index.ts';
import type { PortId } from '../kernel/index.ts';
import type { AgentPortEvent, Edge } from './edge/index.ts';

export class AgentPorts implements AgentAudio {
  readonly #edge: Edge;
  readonly #ears = new Map<PortId, AgentEar>();

  constructor(edge: Edge) {
    this.#edge = edge;
  }

  listen(portId: PortId, ear: AgentEar): void {
    this.#ears.set(portId, ear);
  }

  speak(portId: PortId, { utterance, audio }: { readonly utterance: string; readonly audio: Uint8Array }): void {
    // A view would take all that it is a view of along to the other thread: messages of a WebSocket share large buffers.
    const isWhole = audio.byteLength === audio.buffer.byteLength;
    this.#edge.tellAgent({ op: 'speak', portId, utterance, audio: isWhole ? audio : Uint8Array.from(audio) });
  }

  mark(portId: PortId, name: string): void {
    this.#edge.tellAgent({ op: 'mark-speech', portId, name });
  }

  async flush(portId: PortId): Promise<readonly HeardSpeech[]> {
    // A call that has just ended has no port any more.
    return this.#edge.flushSpeech(portId).catch(() => []);
  }

  duck(portId: PortId, db: number): void {
    this.#edge.tellAgent({ op: 'duck-speech', portId, db });
  }

  /** The other side hears from now on. */
  release(portId: PortId): void {
    this.#edge.tellAgent({ op: 'release-agent', portId });
  }

  onEvent(event: AgentPortEvent): void {
    const ear = this.#ears.get(event.portId);
    if (event.kind === 'heard') ear?.onFrame(event.audio);
    else ear?.onPlayout(event.notice);
  }

  forget(portId: PortId): void {
    this.#ears.delete(portId);
  }
}
