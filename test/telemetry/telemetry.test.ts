import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { describe, expect, it } from 'vitest';
import type { CallEvent, CallRecord, LegRecord, MediaCounters, PortReport } from '../../src/calls/index.ts';
import type { CallId, LegId, PortId } from '../../src/kernel/index.ts';
import { createMetrics, createTracing } from '../../src/telemetry/index.ts';

const callId = 'call-1' as CallId;
const a = 'leg-a' as LegId;
const b = 'leg-b' as LegId;

function record(changes: Partial<CallRecord> = {}): CallRecord {
  return {
    callId,
    from: 'sip:alice@v',
    to: 'sip:bob@v',
    trunk: undefined,
    tenant: 'default',
    user: 'alice',
    source: undefined,
    route: 'users',
    startedAt: 1000,
    ringingAt: 1100,
    answeredAt: 1500,
    answeredBy: undefined,
    endedAt: 61_500,
    endReason: 'hangup-caller',
    sipStatus: 200,
    q850: 16,
    codecs: undefined,
    legs: [],
    ...changes,
  };
}

function leg(kind: LegRecord['kind'], quality: PortReport | undefined): LegRecord {
  return {
    legId: a,
    kind,
    direction: 'inbound',
    stage: undefined,
    party: 'sip:alice@v',
    trunk: undefined,
    sipCallId: undefined,
    tries: [],
    ringingAt: undefined,
    answeredAt: 1500,
    endedAt: 61_500,
    sipStatus: 200,
    q850: undefined,
    codec: 'PCMU',
    ptimeMs: 20,
    telephoneEvent: undefined,
    media: quality,
    agent: undefined,
  };
}

const answered: readonly CallEvent[] = [
  { kind: 'call-started', callId, legId: a, from: 'sip:alice@v', to: 'sip:bob@v', trunk: undefined, sipCallId: 'x@y' },
  { kind: 'leg-invited', callId, legId: b, to: 'sip:bob@192.0.2.1' },
  { kind: 'leg-ringing', callId, legId: b, sipStatus: 180 },
  { kind: 'leg-answered', callId, legId: b, codec: 'opus' },
  { kind: 'call-answered', callId, codec: 'opus' },
  { kind: 'media-up', callId, legId: a },
  { kind: 'call-ended', callId, reason: 'hangup-caller', sipStatus: 200, record: record() },
];

const turn = { stoppedAt: 2000, agentMs: 400, playoutMs: 50 };

const media: MediaCounters = {
  rtpPacketsReceived: 5,
  rtpPacketsSent: 6,
  rtpPacketsRejected: 0,
  srtpPacketsFailed: 3,
  digitsRelayed: 0,
  transcodedSeconds: 0,
  portsHandedOver: 1,
  portsOpen: 2,
  portsQuarantined: 1,
  routersOpen: 0,
  webRtcTransportsOpen: 0,
};

function metrics() {
  return createMetrics({
    media: () => Promise.resolve(media),
    sip: () => Promise.resolve({ messagesIn: 7 }),
    activeCalls: () => 3,
    registrations: () => 4,
    rooms: () => undefined,
    trunks: () => [
      {
        name: 'carrier',
        inbound: 1,
        outbound: 2,
        refusedInbound: 0,
        refusedOutbound: 5,
        registration: { state: 'registered' },
        servers: [
          { transport: 'udp', address: '192.0.2.1', port: 5060, standing: 'up', roundTripMs: 12 },
          { transport: 'tcp', address: '192.0.2.2', port: 5060, standing: 'down', roundTripMs: undefined },
        ],
      },
    ],
  });
}

describe('metrics', () => {
  it('counts calls by reason and measures set-up and duration', async () => {
    const observed = metrics();
    for (const event of answered) observed.observe(event);
    const { text } = await observed.scrape();
    expect(text).toContain('viaduct_calls_started_total 1');
    expect(text).toContain('viaduct_calls_answered_total{codec="opus"} 1');
    expect(text).toContain('viaduct_calls_ended_total{reason="hangup-caller"} 1');
    expect(text).toContain('viaduct_call_setup_seconds_sum 0.5');
    expect(text).toContain('viaduct_call_duration_seconds_sum 60');
  });

  it('measures how long callers wait for an agent, and what becomes of its words', async () => {
    const observed = metrics();
    observed.observe({ kind: 'agent-turn', callId, legId: b, agent: 'anna', turn });
    const utterance = { utterance: 'one', startedAt: 1, receivedMs: 3000, playedMs: 2000, flushedMs: 1000, marks: [] };
    observed.observe({ kind: 'agent-utterance', callId, legId: b, agent: 'anna', utterance });
    const { text } = await observed.scrape();
    expect(text).toContain('viaduct_agent_response_seconds_sum{agent="anna"} 0.4');
    expect(text).toContain('viaduct_agent_playout_seconds_bucket{le="0.06",agent="anna"} 1');
    expect(text).toContain('viaduct_agent_turn_seconds_sum{agent="anna"} 0.45');
    expect(text).toContain('viaduct_agent_speech_seconds_total{agent="anna",fate="flushed"} 1');
  });

  it('measures loss, jitter and round trip of each Leg in both directions at its end', async () => {
    const observed = metrics();
    const quality: PortReport = {
      portId: 'port-a' as PortId,
      packetsReceived: 99,
      packetsSent: 200,
      bytesReceived: 17_028,
      bytesSent: 34_400,
      packetsLost: 1,
      jitterMs: 4,
      remotePacketsLost: 20,
      remoteJitterMs: 15,
      roundTripMs: 40,
    };
    const silent = { ...quality, packetsReceived: 0, remotePacketsLost: undefined, roundTripMs: undefined };
    const legs = [leg('sip', quality), leg('webrtc', silent), leg('webrtc', undefined)];
    observed.observe({
      kind: 'call-ended',
      callId,
      reason: 'hangup-caller',
      sipStatus: 200,
      record: record({ legs }),
    });
    const { text } = await observed.scrape();
    for (const line of [
      'viaduct_media_loss_ratio_sum{leg="sip",direction="received"} 0.01',
      'viaduct_media_loss_ratio_sum{leg="sip",direction="sent"} 0.1',
      'viaduct_media_jitter_seconds_sum{leg="sip",direction="received"} 0.004',
      'viaduct_media_jitter_seconds_sum{leg="sip",direction="sent"} 0.015',
      'viaduct_media_round_trip_seconds_sum{leg="sip"} 0.04',
    ]) {
      expect(text).toContain(`${line}\n`);
    }
    expect(text).not.toMatch(/viaduct_media_(loss|jitter|round_trip)\w+\{[^}]*leg="webrtc"/);
  });

  it('reads the other figures at the moment of the scrape', async () => {
    const { text, contentType } = await metrics().scrape();
    expect(contentType).toContain('text/plain');
    for (const line of [
      'viaduct_calls_active 3',
      'viaduct_registrations_active 4',
      'viaduct_rtp_packets_sent_total 6',
      'viaduct_media_ports_open 2',
      'transcoded_seconds_total 0',
      'viaduct_sip_messages_in 7',
      'viaduct_trunk_calls_active{trunk="carrier",direction="outbound"} 2',
      'viaduct_trunk_calls_refused_total{trunk="carrier",direction="outbound"} 5',
      'viaduct_trunk_server_up{trunk="carrier",server="udp:192.0.2.1:5060"} 1',
      'viaduct_trunk_server_up{trunk="carrier",server="tcp:192.0.2.2:5060"} 0',
      'viaduct_trunk_server_round_trip_seconds{trunk="carrier",server="udp:192.0.2.1:5060"} 0.012',
    ]) {
      expect(text).toContain(`${line}\n`);
    }
  });
});

describe('traces', () => {
  function traced(events: readonly CallEvent[]): { spans: ReadableSpan[]; open: number } {
    const exporter = new InMemorySpanExporter();
    const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
    const tracing = createTracing(provider.getTracer('test'));
    for (const event of events) tracing.observe(event);
    return { spans: exporter.getFinishedSpans(), open: tracing.open };
  }

  it('makes one trace for each call: INVITE, answer, media up, end below the call', () => {
    const { spans, open } = traced(answered);
    expect(open).toBe(0);
    expect(spans.map(({ name }) => name).toSorted()).toEqual(['INVITE', 'answer', 'call', 'end', 'media up']);
    const root = spans.find(({ name }) => name === 'call');
    expect(new Set(spans.map((span) => span.spanContext().traceId)).size).toBe(1);
    const parents = spans.filter((span) => span !== root).map((span) => span.parentSpanContext?.spanId);
    expect(new Set(parents)).toEqual(new Set([root?.spanContext().spanId]));
    expect(root?.attributes['viaduct.end_reason']).toBe('hangup-caller');
  });

  it('has a span for each turn, from the end of the question to the first packet of the answer', () => {
    const turnEvent: CallEvent = { kind: 'agent-turn', callId, legId: b, agent: 'anna', turn };
    const { spans } = traced([...answered.slice(0, -1), turnEvent, ...answered.slice(-1)]);
    const span = spans.find(({ name }) => name === 'agent turn');
    expect([span?.startTime, span?.endTime]).toEqual([
      [2, 0],
      [2, 450_000_000],
    ]);
    expect(span?.events.map(({ name, time }) => [name, time])).toEqual([['first byte', [2, 400_000_000]]]);
    expect(span?.parentSpanContext?.spanId).toBe(spans.find(({ name }) => name === 'call')?.spanContext().spanId);
  });

  it('ends every span of a call that fails, and marks it', () => {
    const failed: CallEvent[] = [
      ...answered.slice(0, 3),
      { kind: 'leg-failed', callId, legId: b, sipStatus: 486 },
      {
        kind: 'call-ended',
        callId,
        reason: 'busy',
        sipStatus: 486,
        record: record({ answeredAt: undefined, endReason: 'busy', sipStatus: 486 }),
      },
    ];
    const { spans } = traced(failed);
    expect(spans.map(({ name, status }) => [name, status.code])).toEqual([
      ['INVITE', 2],
      ['end', 0],
      ['call', 2],
    ]);
  });

  it('is not confused by events of calls it does not know', () => {
    expect(traced([{ kind: 'media-up', callId, legId: a }]).spans).toEqual([]);
  });
});
