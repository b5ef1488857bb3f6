export { allowsNext, DEFAULT_FALLBACK, type FallbackCause } from './cause.ts';
export { decide, type RouteDecision, type RouteRequest } from './decide.ts';
export { parseDialplan } from './parse.ts';
export type { Dialplan } from './schema.ts';
