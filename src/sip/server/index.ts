export type { SipServerOptions, WireAddress } from './options.ts';
export { type SipServer, type SipServerCounters, startSipServer } from './start.ts';
