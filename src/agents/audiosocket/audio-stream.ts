/** One AudioSocket connection, whoever has dialed: frames both ways, bounded in what waits to be sent. */
import type { Socket } from 'node:net';
import type { Clock } from '../../kernel/index.ts';
import { type Frame, FrameReader, frameOf, HANG_UP } from './frames.ts';

export interface AudioStreamOptions {
  readonly socket: Socket;
  readonly clock: Clock;
  readonly onFrame: (frame: Frame) => void;
  /** Once, unless we close it ourselves. With the reason when it broke off. */
  readonly onClose: (cause?: Error) => void;
}

/** Who stops reading is not waited for, bytes. */
const MAX_UNSENT = 262_144;
const CLOSE_TIMEOUT_MS = 2000;

export class AudioStream {
  readonly #options: AudioStreamOptions;
  #isOver = false;

  constructor(options: AudioStreamOptions) {
    this.#options = options;
    const { socket, onFrame } = options;
    const reader = new FrameReader();
    socket.setNoDelay(true);
    socket.on('data', (bytes) => {
      for (const frame of reader.push(bytes)) if (!this.#isOver) onFrame(frame);
    });
    socket.on('end', () => this.#over());
    socket.on('error', (cause) => this.#over(cause));
    socket.on('close', () => this.#over());
  }

  send(type: number, payload?: Uint8Array): void {
    if (!this.#isOver) this.#options.socket.write(frameOf(type, payload));
  }

  /** The same, but dropped when the other side does not read what was sent before. */
  sendAudio(type: number, audio: Uint8Array): void {
    if (this.#options.socket.writableLength < MAX_UNSENT) this.send(type, audio);
  }

  /** Hangs up; `onClose` is not called any more. Idempotent. */
  close(): void {
    if (this.#isOver) return;
    this.send(HANG_UP);
    this.#isOver = true;
    this.#leave();
  }

  #over(cause?: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#leave();
    this.#options.onClose(cause);
  }

  /** Says what is still to be said, and waits for the other side's end, but not for long. */
  #leave(): void {
    const { socket, clock } = this.#options;
    if (socket.destroyed) return;
    if (socket.connecting) {
      socket.destroy();
      return;
    }
    const timer = clock.after(CLOSE_TIMEOUT_MS, () => socket.destroy());
    socket.once('close', () => timer.cancel());
    // Nobody listens any more, but what comes must be read for the end to be seen.
    socket.resume();
    socket.end();
  }
}
