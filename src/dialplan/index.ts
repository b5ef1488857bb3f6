export { allowsNext, causeOf, DEFAULT_FALLBACK, type FallbackCause } from './cause.ts';
export { decide, decideAnswer, type Explanation, explain, type RouteDecision } from './decide.ts';
export type { Destination, Place, PlannedStage } from './destination.ts';
export { type HookFacts, type HookReply, hookFacts, type RouteHook, signWebhook } from './hook.ts';
export { keyProblem as hookKeyProblem } from './hook-schema.ts';
export { parseDialplan, parseHookAnswer } from './parse.ts';
export type { RouteRequest } from './request.ts';
export type { Hook, HookAnswer } from './route-schema.ts';
export { agentsOf, type CallSource, type Dialplan, trunksOf } from './schema.ts';
