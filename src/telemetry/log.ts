/** The Logger of the house: pino, with secrets cut out by name wherever they might slip in. */
import { type DestinationStream, destination, pino, symbols } from 'pino';
import pretty from 'pino-pretty';
import type { Logger } from '../kernel/index.ts';
import { hiddenSecrets, withoutSecrets } from './redact.ts';

export interface LogOptions {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** auto: pretty on a terminal, JSON lines elsewhere. */
  readonly format: 'auto' | 'json' | 'pretty';
}

/** Lines wait until there are so many bytes of them or so much time has passed: each write is a system call. */
const WRITE_BYTES = 8192;
const WRITE_WITHIN_MS = 100;
const WARN = 40;

/**
 * Standard error, written in portions (0.2 ms less for each call than line by line). A warning or worse is written at
 * once, with all before it; what waits when the process ends is written by pino's exit hook.
 */
function lines(): DestinationStream {
  const out = destination({ dest: 2, sync: false, minLength: WRITE_BYTES, periodicFlush: WRITE_WITHIN_MS });
  return {
    [symbols.needsMetadataGsym]: true,
    lastLevel: 0,
    write(line: string) {
      out.write(line);
      if (this.lastLevel >= WARN) out.flush();
    },
  } as DestinationStream & { lastLevel: number };
}

let lastMs = -1;
let lastText = '';

/** Lines come in bursts: the time of the last one is kept. */
function isoTime(): string {
  const now = Date.now();
  if (now !== lastMs) {
    lastMs = now;
    lastText = `,"time":"${new Date(now).toISOString()}"`;
  }
  return lastText;
}

/** Logs go to standard error, so that what the program tells its user on standard output stays readable. */
export function createLogger(options: LogOptions): Logger {
  const isPretty = options.format === 'pretty' || (options.format === 'auto' && process.stderr.isTTY);
  const settings = {
    level: options.level,
    base: null,
    timestamp: isoTime,
    formatters: { log: withoutSecrets },
    serializers: hiddenSecrets,
  };
  const stream = isPretty ? pretty({ destination: 2, sync: true, ignore: 'pid,hostname', singleLine: true }) : lines();
  return pino(settings, stream);
}
