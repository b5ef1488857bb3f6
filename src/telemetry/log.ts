/** The Logger of the house: pino, with secrets cut out by name wherever they might slip in. */
import { destination, pino, stdTimeFunctions } from 'pino';
import pretty from 'pino-pretty';
import type { Logger } from '../kernel/index.ts';

export interface LogOptions {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** auto: pretty on a terminal, JSON lines elsewhere. */
  readonly format: 'auto' | 'json' | 'pretty';
}

const SECRETS = ['password', 'secret', 'token', 'authorization', 'ha1', 'key'].flatMap((name) => [name, `*.${name}`]);

/** Logs go to standard error, so that what the program tells its user on standard output stays readable. */
export function createLogger(options: LogOptions): Logger {
  const isPretty = options.format === 'pretty' || (options.format === 'auto' && process.stderr.isTTY);
  const settings = {
    level: options.level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    redact: { paths: SECRETS, censor: '[secret]' },
  };
  const stream = isPretty
    ? pretty({ destination: 2, sync: true, ignore: 'pid,hostname', singleLine: true })
    : destination({ dest: 2, sync: false });
  return pino(settings, stream);
}
