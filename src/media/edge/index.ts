export { startEdge } from './edge.ts';
export type { Edge, EdgeEvent, EdgeOptions } from './edge-api.ts';
export type { EdgeSound, SharedPcm } from './edge-sound.ts';
export type { AgentPortEvent, ConnectInner, Place, ProvenFlow } from './messages.ts';
export { sharesPorts } from './shares-ports.ts';
export type { Music } from './sound-library.ts';
