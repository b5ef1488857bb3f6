export { type Edge, type EdgeEvent, type EdgeOptions, startEdge } from './edge.ts';
export type { AgentPortEvent, ConnectInner, Place, ProvenFlow } from './messages.ts';
export { sharesPorts } from './shares-ports.ts';
export type { Music, MusicPcm } from './sound-library.ts';
