/** A Logger whose lines cross a thread boundary as plain data. */
import type { LogFields, Logger } from '../../kernel/index.ts';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LEVELS)[number];

export interface LogLine {
  readonly level: LogLevel;
  readonly fields: LogFields;
  readonly message: string;
}

const ignore = (): void => {};

/** Passes on lines of `least` and above. */
export function remoteLogger(least: LogLevel, post: (line: LogLine) => void, bound: LogFields = {}): Logger {
  const at = (level: LogLevel): ((fields: LogFields, message: string) => void) =>
    LEVELS.indexOf(level) < LEVELS.indexOf(least)
      ? ignore
      : (fields, message) => post({ level, fields: plain({ ...bound, ...fields }), message });
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => remoteLogger(least, post, { ...bound, ...fields }),
  };
}

/** Replaces what the structured clone would refuse or strip: errors lose their code, functions throw. */
function plain(fields: LogFields): LogFields {
  const result: LogFields = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value instanceof Error) {
      const code: unknown = Reflect.get(value, 'code');
      result[name] = {
        type: value.name,
        message: value.message,
        stack: value.stack,
        ...(typeof code === 'string' ? { code } : {}),
      };
    } else if (typeof value === 'object' && value !== null) {
      result[name] = JSON.parse(JSON.stringify(value)) as unknown;
    } else if (typeof value !== 'function' && typeof value !== 'symbol') {
      result[name] = value;
    }
  }
  return result;
}
