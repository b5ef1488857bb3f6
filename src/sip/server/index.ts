export type { Exemptions, SipListenerOptions, TlsPeer, TlsServerMaterial } from '../net/index.ts';
export type { LoggedMessage } from './message-log.ts';
export type { SipServerOptions, WireAddress } from './options.ts';
export { type SipServer, type SipServerCounters, startSipServer } from './start.ts';
