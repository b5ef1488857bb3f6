/** Fields bound to a log line. Never secrets; telephone numbers and names only where an operator needs them. */
export type LogFields = Record<string, unknown>;

/** What pino offers, as far as we use it. Messages are constant; what varies goes into the fields. */
export interface Logger {
  trace(fields: LogFields, message: string): void;
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  child(fields: LogFields): Logger;
}

const nothing = (): void => {};
/** A Logger that keeps nothing: for tests and tools. */
export const silentLogger: Logger = {
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger,
};
