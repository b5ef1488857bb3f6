export { type Edge, type EdgeEvent, type EdgeOptions, startEdge } from './edge.ts';
export type { AgentPortEvent, ConnectInner } from './messages.ts';
export type { Music, MusicPcm } from './sound-library.ts';
