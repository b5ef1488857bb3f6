export type { SignalingLimits } from './limits.ts';
export type { StatsReport } from './protocol/index.ts';
export {
  type RoomSummary,
  type Signaling,
  type SignalingFigures,
  type SignalingOptions,
  startSignaling,
} from './signaling.ts';
