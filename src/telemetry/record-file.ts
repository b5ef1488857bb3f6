/**
 * Finished calls as lines of JSON in a file, for whoever bills them. The file is opened anew for each write, so that it may
 * be rotated by renaming it.
 */
import { appendFile } from 'node:fs/promises';
import type { CallEvent } from '../calls/index.ts';
import type { Logger } from '../kernel/index.ts';

/** Lines that wait while the disk is full or gone; the oldest are given up first. They are in the Store all the same. */
const MOST_WAITING = 10_000;

export class RecordFile {
  readonly #path: string;
  readonly #logger: Logger;
  #waiting: string[] = [];
  #writing: Promise<void> | undefined;

  constructor(path: string, logger: Logger) {
    this.#path = path;
    this.#logger = logger;
  }

  observe(event: CallEvent): void {
    if (event.kind !== 'call-ended') return;
    this.#waiting.push(`${JSON.stringify(event.record)}\n`);
    void this.flush();
  }

  /** Resolves when everything so far is written, or has failed to be: then it is tried again with the next call. */
  async flush(): Promise<void> {
    this.#writing ??= this.#write();
    await this.#writing;
  }

  async #write(): Promise<void> {
    let isWritable = true;
    while (isWritable && this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      isWritable = await this.#append(lines);
    }
    this.#writing = undefined;
  }

  async #append(lines: string[]): Promise<boolean> {
    try {
      await appendFile(this.#path, lines.join(''), { mode: 0o640 });
      return true;
    } catch (error) {
      this.#logger.error(
        { err: error, file: this.#path, calls: lines.length },
        'call records not written to their file',
      );
      this.#waiting = [...lines, ...this.#waiting].slice(-MOST_WAITING);
      return false;
    }
  }
}
