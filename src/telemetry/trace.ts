/**
 * One trace for each call, made from CallEvents: a root span, a span for each INVITE we send, and moments
 * (answered, media up, end) as spans of no length would clutter, so they are events on the root. Without an exporter
 * the OpenTelemetry API hands out spans that do nothing, and calls cost nothing.
 */
import { context, type Span, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import type { CallEvent } from '../calls/index.ts';
import type { CallId, LegId } from '../kernel/index.ts';

interface CallTrace {
  readonly root: Span;
  /** Open spans by what they stand for: `invite <leg>`, `answer`, `media <leg>`. */
  readonly open: Map<string, Span>;
}

export interface Tracing {
  observe(event: CallEvent): void;
  /** How many calls have a trace open. */
  readonly open: number;
}

type LegEvent = CallEvent & { readonly callId: CallId };

function child(tracer: Tracer, call: CallTrace, name: string, key: string): void {
  call.open.set(key, tracer.startSpan(name, {}, trace.setSpan(context.active(), call.root)));
}

function finish(
  call: CallTrace,
  key: string,
  attributes: Record<string, string | number> = {},
  isFailed = false,
): void {
  const span = call.open.get(key);
  if (span === undefined) return;
  span.setAttributes(attributes);
  if (isFailed) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
  call.open.delete(key);
}

function endCall(call: CallTrace, event: LegEvent & { kind: 'call-ended' }): void {
  for (const key of call.open.keys()) finish(call, key);
  call.root.setAttributes({ 'viaduct.end_reason': event.reason, 'sip.status': event.sipStatus ?? 0 });
  if (event.record.answeredAt === undefined) call.root.setStatus({ code: SpanStatusCode.ERROR, message: event.reason });
  call.root.end();
}

/** From the end of what the caller said to the first packet of the answer; it is over when it is told. */
function turnSpan(tracer: Tracer, call: CallTrace, { agent, turn }: LegEvent & { kind: 'agent-turn' }): void {
  const { stoppedAt, agentMs, playoutMs } = turn;
  const attributes = { 'viaduct.agent': agent, 'viaduct.agent_ms': agentMs, 'viaduct.playout_ms': playoutMs };
  const span = tracer.startSpan(
    'agent turn',
    { startTime: stoppedAt, attributes },
    trace.setSpan(context.active(), call.root),
  );
  span.addEvent('first byte', {}, stoppedAt + agentMs);
  span.end(stoppedAt + agentMs + playoutMs);
}

function heardEvent(call: CallTrace, { utterance }: LegEvent & { kind: 'agent-utterance' }): void {
  call.root.addEvent('agent-utterance', {
    'viaduct.utterance': utterance.utterance,
    'viaduct.played_ms': utterance.playedMs,
    'viaduct.flushed_ms': utterance.flushedMs,
  });
}

const invite = (legId: LegId): string => `invite ${legId}`;

function observeCall(tracer: Tracer, call: CallTrace, event: LegEvent): void {
  switch (event.kind) {
    case 'leg-invited':
      return child(tracer, call, 'INVITE', invite(event.legId));
    case 'leg-ringing':
      call.open.get(invite(event.legId))?.addEvent('ringing', { 'sip.status': event.sipStatus });
      return;
    case 'leg-answered':
      finish(call, invite(event.legId), { 'viaduct.codec': event.codec ?? 'bypass' });
      if (!call.open.has('answer')) child(tracer, call, 'answer', 'answer');
      return;
    case 'leg-failed':
      return finish(call, invite(event.legId), { 'sip.status': event.sipStatus }, true);
    case 'call-answered':
      finish(call, 'answer', { 'viaduct.codec': event.codec ?? 'bypass' });
      return child(tracer, call, 'media up', 'media');
    case 'codecs-changed':
      call.root.addEvent('codecs-changed', { 'viaduct.transcoding': event.isTranscoding });
      return;
    case 'media-up':
    case 'media-away':
      call.root.addEvent(event.kind, { 'viaduct.leg': event.legId });
      return finish(call, 'media');
    case 'media-missing':
      call.root.addEvent('media-missing', { 'viaduct.leg': event.legId });
      return;
    case 'toll-refused':
      call.root.addEvent('toll-refused', { 'viaduct.leg': event.legId, 'viaduct.why': event.why });
      return;
    case 'consultation':
    case 'sound-over':
    case 'digit':
      call.root.addEvent(event.kind, { 'viaduct.leg': event.legId });
      return;
    case 'agent-utterance':
      return heardEvent(call, event);
    case 'agent-turn':
      return turnSpan(tracer, call, event);
    case 'keyframe-requested':
      call.root.addEvent('keyframe-requested', { 'viaduct.leg': event.legId, 'viaduct.result': event.result });
      return;
    case 'hook-asked': {
      const { rule, result, durationMs } = event;
      call.root.addEvent('hook-asked', { 'viaduct.rule': rule, 'viaduct.result': result, 'viaduct.ms': durationMs });
      return;
    }
    case 'call-ended':
      child(tracer, call, 'end', 'end');
      return endCall(call, event);
    case 'call-started':
    case 'registered':
    case 'unregistered':
    case 'auth-failed':
    case 'challenge-refused':
    case 'trunk-registration':
    case 'banned':
    case 'toll-tripped':
      return;
  }
}

/** Turns CallEvents into traces of the global OpenTelemetry tracer. */
export function createTracing(tracer: Tracer = trace.getTracer('viaduct')): Tracing {
  const calls = new Map<CallId, CallTrace>();
  return {
    get open() {
      return calls.size;
    },
    observe(event) {
      if (!('callId' in event)) return;
      if (event.kind === 'call-started') {
        const root = tracer.startSpan('call', {
          attributes: {
            'viaduct.call_id': event.callId,
            'sip.call_id': event.sipCallId,
            'viaduct.trunk': event.trunk ?? '',
          },
        });
        calls.set(event.callId, { root, open: new Map() });
        return;
      }
      const call = calls.get(event.callId);
      if (call === undefined) return;
      observeCall(tracer, call, event);
      if (event.kind === 'call-ended') calls.delete(event.callId);
    },
  };
}

/** Starts exporting traces to an OTLP/HTTP collector; the result flushes and stops. Loaded only when configured. */
export async function startTraceExport(endpoint: string): Promise<() => Promise<void>> {
  const [{ OTLPTraceExporter }, sdk, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/resources'),
  ]);
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'viaduct' }),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url: endpoint }) })],
  });
  trace.setGlobalTracerProvider(provider);
  return () => provider.shutdown();
}
