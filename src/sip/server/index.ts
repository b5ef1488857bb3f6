export { serverErrors } from './errors.ts';
export type { SipServerOptions, WireAddress } from './options.ts';
export { openSipParts, type SipCounters, type SipParts, type SipPartsContext } from './parts.ts';
export type { LogLevel } from './remote-log.ts';
export { type SipServer, type SipServerCounters, startSipServer } from './start.ts';
