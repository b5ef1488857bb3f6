export type { NetCounters } from './counters.ts';
export type { Exemptions } from './flood-governor.ts';
export type { FloodLimits } from './flood-limits.ts';
export type { SipNetLimits } from './limits.ts';
export type { SipListenerOptions } from './listener.ts';
export { openSipNet, type SipNet, type SipNetOptions, type TlsUpdate } from './open-sip-net.ts';
export type { TlsPeer, TlsServerMaterial } from './tls-material.ts';
