export { type Edge, type EdgeEvent, type EdgeOptions, startEdge } from './edge.ts';
export type { ConnectInner, EdgePortReport } from './messages.ts';
