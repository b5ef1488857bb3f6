export { logCallEvent } from './call-log.ts';
export { createLogger, type LogOptions } from './log.ts';
export { createMetrics, type MetricSources, type Metrics } from './metrics.ts';
export { RecordFile } from './record-file.ts';
export type { RoomFigures } from './room-metrics.ts';
export { createTracing, startTraceExport, type Tracing } from './trace.ts';
