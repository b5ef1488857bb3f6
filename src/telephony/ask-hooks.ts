/** From the facts of a call to a decision: the rules decide, and where they say so an HTTP server is asked. */
import type { CallObserver } from '../calls/index.ts';
import {
  type Dialplan,
  decide,
  decideAnswer,
  type Hook,
  type HookFacts,
  type HookReply,
  hookFacts,
  type RouteDecision,
  type RouteHook,
  type RouteRequest,
} from '../dialplan/index.ts';
import type { CallId, Clock } from '../kernel/index.ts';

/** What all hooks of one call together may take, in milliseconds: a caller waits, and hears nothing meanwhile. */
const PATIENCE_MS = 15_000;

export interface HookContext {
  readonly dialplan: Dialplan;
  readonly clock: Clock;
  readonly observer: CallObserver;
  /** Asks an HTTP server. Undefined: rules with a hook go on to the next one. */
  readonly routeHook?: RouteHook | undefined;
}

export interface HookQuery {
  readonly callId: string;
  /** Fires when nobody waits for the answer any more. */
  readonly signal?: AbortSignal | undefined;
}

type HookDecision = Extract<RouteDecision, { kind: 'hook' }>;

/** Asks hooks until a rule or an answer decides. Those that come too late count as failed. */
export async function decideAsking(
  request: RouteRequest,
  query: HookQuery,
  context: HookContext,
): Promise<RouteDecision> {
  const { dialplan, clock } = context;
  let decision = decide(dialplan, request);
  if (decision.kind !== 'hook') return decision;
  const late = new AbortController();
  const timer = clock.after(PATIENCE_MS, () => late.abort('too late'));
  const signals = query.signal === undefined ? [late.signal] : [late.signal, query.signal];
  const signal = AbortSignal.any(signals);
  while (decision.kind === 'hook' && query.signal?.aborted !== true)
    // One after another: each is asked only when those before it had no answer.
    // oxlint-disable-next-line eslint/no-await-in-loop
    decision =
      (await answered(decision, request, { callId: query.callId, signal }, context)) ??
      decide(dialplan, request, decision.rule);
  timer.cancel();
  return decision;
}

/** What the hook or its fallback says; undefined: the next rule. */
async function answered(
  decision: HookDecision,
  request: RouteRequest,
  query: HookQuery,
  context: HookContext,
): Promise<RouteDecision | undefined> {
  const { hook } = decision;
  const { dialplan } = context;
  const facts = hookFacts(hook, request, {
    callId: query.callId,
    isEmergency: decision.isEmergency,
    timestamp: new Date(request.at).toISOString(),
  });
  const reply = await ask({ hook, facts, rule: decision.rule }, query, context);
  if (reply.kind === 'next') return undefined;
  const answer = reply.kind === 'route' ? reply.answer : undefined;
  const routed = answer === undefined ? undefined : decideAnswer(answer, decision, dialplan, request);
  if (routed !== undefined || hook.fallback === undefined) return routed;
  return decideAnswer(hook.fallback, decision, dialplan, request);
}

interface Question {
  readonly hook: Hook;
  readonly facts: HookFacts;
  readonly rule: string;
}

async function ask(
  { hook, facts, rule }: Question,
  { callId, signal }: HookQuery,
  { routeHook, clock, observer }: HookContext,
): Promise<HookReply> {
  if (routeHook === undefined || signal?.aborted === true) return { kind: 'failed' };
  const askedAt = clock.now();
  const reply = await routeHook(hook, facts, signal);
  const durationMs = clock.now() - askedAt;
  observer({ kind: 'hook-asked', callId: callId as CallId, rule, result: reply.kind, durationMs });
  return reply;
}
