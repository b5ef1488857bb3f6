export type { Clock, Timer } from './clock.ts';
export { Emitter, type Unsubscribe } from './emitter.ts';
export { CodedError, catalogue, type ErrorEntry, type Raise } from './errors.ts';
export type { Brand, CallId, LegId, PortId } from './ids.ts';
export { type LogFields, type Logger, silentLogger } from './logger.ts';
export type { Random } from './random.ts';
export { type Dispose, Scope } from './scope.ts';
export { systemClock, systemRandom } from './system.ts';
