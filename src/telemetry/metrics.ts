/** Prometheus metrics: what CallEvents say, and what the media plane and the SIP engine count themselves. */
import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import type { CallEvent, MediaCounters } from '../calls/index.ts';
import { mediaQualityMetrics, observeQuality } from './media-quality.ts';
import { type RoomFigures, roomLines } from './room-metrics.ts';
import { type WebhookFigures, webhookLines } from './webhook-metrics.ts';

/** Where figures are read at each scrape. */
export interface MetricSources {
  readonly media: () => Promise<MediaCounters>;
  /** Flat name → value, e.g. `messages_in` → 12. */
  readonly sip: () => Promise<Readonly<Record<string, number>>>;
  readonly activeCalls: () => number;
  readonly registrations: () => number;
  readonly trunks: () => readonly TrunkFigures[];
  /** Of each server that is told of calls; none: there is none. */
  readonly webhooks?: () => readonly WebhookFigures[];
  /** Undefined: there are no rooms. */
  readonly rooms: () => RoomFigures | undefined;
}

/** Of one trunk: its load, and for each address behind it how it stands. */
export interface TrunkFigures {
  readonly name: string;
  readonly inbound: number;
  readonly outbound: number;
  readonly refusedInbound: number;
  readonly refusedOutbound: number;
  /** Undefined: we do not register there. */
  readonly registration: { readonly state: string } | undefined;
  readonly servers: readonly {
    readonly transport: string;
    readonly address: string;
    readonly port: number;
    readonly standing: string;
    readonly roundTripMs: number | undefined;
  }[];
}

export interface Metrics {
  observe(event: CallEvent): void;
  /** The configuration was read again; `isDone`: and is in force. */
  reloaded(isDone: boolean): void;
  /** The text of a scrape, and its content type. */
  scrape(): Promise<{ readonly text: string; readonly contentType: string }>;
}

const snake = (name: string): string => name.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();

/** Gauge-like figures of the media plane; the others only grow. */
const MEDIA_GAUGES = new Set([
  'portsOpen',
  'portsHandedOver',
  'portsQuarantined',
  'routersOpen',
  'webRtcTransportsOpen',
]);

/** What was held back. */
function safetyMetrics(registers: Registry[]) {
  return {
    tollRefused: new Counter({
      name: 'viaduct_toll_refused_total',
      help: 'Calls to trunks that the toll-fraud breaker did not let begin, by reason',
      labelNames: ['why'],
      registers,
    }),
    tollTripped: new Counter({
      name: 'viaduct_toll_tripped_total',
      help: 'How often the calls of a tenant were ended because its budget was used up',
      registers,
    }),
    challengesRefused: new Counter({
      name: 'viaduct_challenges_refused_total',
      help: 'Challenges to requests towards trunks that were not answered, by trunk and reason',
      labelNames: ['trunk', 'why'],
      registers,
    }),
    banned: new Counter({
      name: 'viaduct_bans_total',
      help: 'Addresses and accounts banned for wrong credentials',
      labelNames: ['of'],
      registers,
    }),
  };
}

/** What others were asked for, and what they owe. */
function askingMetrics(registers: Registry[]) {
  return {
    hookAsked: new Histogram({
      name: 'viaduct_route_hook_seconds',
      help: 'From the question to a route hook to its answer, by rule and result: route, next or failed',
      labelNames: ['rule', 'result'],
      buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10],
      registers,
    }),
    mediaMissing: new Counter({
      name: 'viaduct_legs_without_media_total',
      help: 'Parties of answered calls that had sent neither RTP nor RTCP after mediaTimeoutSec',
      registers,
    }),
    keyframes: new Counter({
      name: 'viaduct_keyframe_requests_total',
      help: 'Pictures asked for by INFO, by result: requested or no-video',
      labelNames: ['result'],
      registers,
    }),
  };
}

/** How long callers wait for agents. */
function agentMetrics(registers: Registry[]) {
  const labelNames = ['agent'] as const;
  return {
    agentResponse: new Histogram({
      name: 'viaduct_agent_response_seconds',
      help: 'From the end of what the caller said (or a key) to the first byte of the agent, by agent',
      labelNames,
      buckets: [0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2, 5, 10],
      registers,
    }),
    agentPlayout: new Histogram({
      name: 'viaduct_agent_playout_seconds',
      help: 'From the first byte of an agent to the first RTP packet with its words, by agent',
      labelNames,
      buckets: [0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.2, 0.5],
      registers,
    }),
    agentTurn: new Histogram({
      name: 'viaduct_agent_turn_seconds',
      help: 'From the end of what the caller said to the first RTP packet with the answer, by agent',
      labelNames,
      buckets: [0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2, 5, 10],
      registers,
    }),
    agentSpeech: new Counter({
      name: 'viaduct_agent_speech_seconds_total',
      help: 'What agents have said, by agent and by what became of it: played or flushed',
      labelNames: ['agent', 'fate'],
      registers,
    }),
  };
}

function callMetrics(registry: Registry) {
  const registers = [registry];
  return {
    started: new Counter({ name: 'viaduct_calls_started_total', help: 'Calls that began', registers }),
    answered: new Counter({
      name: 'viaduct_calls_answered_total',
      help: 'Calls that were answered, by codec',
      labelNames: ['codec'],
      registers,
    }),
    ended: new Counter({
      name: 'viaduct_calls_ended_total',
      help: 'Calls that ended, by reason',
      labelNames: ['reason'],
      registers,
    }),
    setup: new Histogram({
      name: 'viaduct_call_setup_seconds',
      help: 'From INVITE to answer',
      buckets: [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60],
      registers,
    }),
    duration: new Histogram({
      name: 'viaduct_call_duration_seconds',
      help: 'From answer to end',
      buckets: [1, 5, 15, 60, 300, 900, 3600],
      registers,
    }),
    registered: new Counter({
      name: 'viaduct_registrations_total',
      help: 'REGISTER requests that made or refreshed a binding',
      registers,
    }),
    authFailed: new Counter({
      name: 'viaduct_auth_failures_total',
      help: 'Requests whose credentials failed, by reason',
      labelNames: ['why'],
      registers,
    }),
    reloads: new Counter({
      name: 'viaduct_config_reloads_total',
      help: 'Reloads of the configuration, by result: done or refused',
      labelNames: ['result'],
      registers,
    }),
    codecChanges: new Counter({
      name: 'viaduct_codec_changes_total',
      help: 'Changes of codec in calls that talk, by what came of it: transcoded or passed',
      labelNames: ['to'],
      registers,
    }),
    ...safetyMetrics(registers),
    ...askingMetrics(registers),
    ...agentMetrics(registers),
    ...mediaQualityMetrics(registers),
    digits: new Counter({ name: 'viaduct_digits_total', help: 'DTMF digits relayed', registers }),
  };
}

function observeEvent(metrics: ReturnType<typeof callMetrics>, event: CallEvent): void {
  switch (event.kind) {
    case 'call-started':
      return metrics.started.inc();
    case 'call-answered':
      return metrics.answered.inc({ codec: event.codec ?? 'bypass' });
    case 'call-ended': {
      const { startedAt, answeredAt, endedAt } = event.record;
      metrics.ended.inc({ reason: event.reason });
      for (const leg of event.record.legs) observeQuality(metrics, leg);
      if (answeredAt !== undefined) metrics.setup.observe((answeredAt - startedAt) / 1000);
      if (answeredAt !== undefined && endedAt !== undefined) metrics.duration.observe((endedAt - answeredAt) / 1000);
      return;
    }
    case 'codecs-changed':
      return metrics.codecChanges.inc({ to: event.isTranscoding ? 'transcoded' : 'passed' });
    case 'media-missing':
      return metrics.mediaMissing.inc();
    case 'registered':
      return metrics.registered.inc();
    case 'auth-failed':
      return metrics.authFailed.inc({ why: event.why });
    case 'toll-refused':
      return metrics.tollRefused.inc({ why: event.why });
    case 'toll-tripped':
      return metrics.tollTripped.inc();
    case 'challenge-refused':
      return metrics.challengesRefused.inc({ trunk: event.trunk, why: event.why });
    case 'banned':
      return metrics.banned.inc({ of: event.user === undefined ? 'address' : 'account' });
    case 'digit':
      return metrics.digits.inc();
    case 'keyframe-requested':
      return metrics.keyframes.inc({ result: event.result });
    case 'agent-turn': {
      const { agent, turn } = event;
      metrics.agentResponse.observe({ agent }, turn.agentMs / 1000);
      metrics.agentPlayout.observe({ agent }, turn.playoutMs / 1000);
      return metrics.agentTurn.observe({ agent }, (turn.agentMs + turn.playoutMs) / 1000);
    }
    case 'agent-utterance': {
      const { agent, utterance } = event;
      metrics.agentSpeech.inc({ agent, fate: 'played' }, utterance.playedMs / 1000);
      return metrics.agentSpeech.inc({ agent, fate: 'flushed' }, utterance.flushedMs / 1000);
    }
    case 'hook-asked':
      return metrics.hookAsked.observe({ rule: event.rule, result: event.result }, event.durationMs / 1000);
    case 'sound-over':
    case 'consultation':
    case 'leg-invited':
    case 'leg-ringing':
    case 'leg-answered':
    case 'leg-failed':
    case 'media-up':
    case 'media-away':
    case 'unregistered':
    case 'trunk-registration':
      return;
  }
}

/** One family with labels, as Prometheus text; nothing without samples. */
function family(
  head: { readonly name: string; readonly type: 'gauge' | 'counter'; readonly help: string },
  samples: readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[],
): readonly string[] {
  if (samples.length === 0) return [];
  const lines = samples.map(([labels, value]) => {
    const list = Object.entries(labels).map(([label, text]) => `${label}="${text.replaceAll(/["\\\n]/g, '_')}"`);
    return `${head.name}{${list.join(',')}} ${value}`;
  });
  return [`# HELP ${head.name} ${head.help}`, `# TYPE ${head.name} ${head.type}`, ...lines];
}

function trunkLines(trunks: readonly TrunkFigures[]): readonly string[] {
  const servers = trunks.flatMap(({ name, servers: all }) =>
    all.map(({ transport, address, port, ...server }) => ({
      labels: { trunk: name, server: `${transport}:${address}:${port}` },
      ...server,
    })),
  );
  const both = (inbound: 'inbound' | 'refusedInbound', outbound: 'outbound' | 'refusedOutbound') =>
    trunks.flatMap((trunk) => [
      [{ trunk: trunk.name, direction: 'inbound' }, trunk[inbound]] as const,
      [{ trunk: trunk.name, direction: 'outbound' }, trunk[outbound]] as const,
    ]);
  return [
    ...family(
      { name: 'viaduct_trunk_calls_active', type: 'gauge', help: 'Calls a trunk carries' },
      both('inbound', 'outbound'),
    ),
    ...family(
      { name: 'viaduct_trunk_calls_refused_total', type: 'counter', help: 'Calls refused for a limit of the trunk' },
      both('refusedInbound', 'refusedOutbound'),
    ),
    ...family(
      { name: 'viaduct_trunk_registered', type: 'gauge', help: '1: we are registered with the trunk' },
      trunks.flatMap(({ name, registration }) =>
        registration === undefined ? [] : [[{ trunk: name }, registration.state === 'registered' ? 1 : 0]],
      ),
    ),
    ...family(
      {
        name: 'viaduct_trunk_server_up',
        type: 'gauge',
        help: '1: an address of a trunk is tried as usual; 0: last or not',
      },
      servers.map(({ labels, standing }) => [labels, standing === 'up' || standing === 'unknown' ? 1 : 0]),
    ),
    ...family(
      { name: 'viaduct_trunk_server_round_trip_seconds', type: 'gauge', help: 'From OPTIONS to its response' },
      servers.flatMap(({ labels, roundTripMs }) => (roundTripMs === undefined ? [] : [[labels, roundTripMs / 1000]])),
    ),
  ];
}

/** Figures that are read anew at each scrape, written as Prometheus text. */
async function scrapeSources(sources: MetricSources): Promise<string> {
  const lines: string[] = [];
  const write = (name: string, type: 'gauge' | 'counter', value: number): void => {
    lines.push(`# TYPE ${name} ${type}`, `${name} ${value}`);
  };
  write('viaduct_calls_active', 'gauge', sources.activeCalls());
  write('viaduct_registrations_active', 'gauge', sources.registrations());
  for (const [name, value] of Object.entries(await sources.media())) {
    if (MEDIA_GAUGES.has(name)) write(`viaduct_media_${snake(name)}`, 'gauge', Number(value));
    else
      write(
        name === 'transcodedSeconds' ? 'transcoded_seconds_total' : `viaduct_${snake(name)}_total`,
        'counter',
        Number(value),
      );
  }
  for (const [name, value] of Object.entries(await sources.sip())) write(`viaduct_sip_${snake(name)}`, 'gauge', value);
  lines.push(...trunkLines(sources.trunks()));
  lines.push(...webhookLines(sources.webhooks?.() ?? []));
  const rooms = sources.rooms();
  if (rooms !== undefined) lines.push(...roomLines(rooms));
  return `${lines.join('\n')}\n`;
}

/** Creates the metrics of one gateway, in a Registry of their own. */
export function createMetrics(sources: MetricSources): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const metrics = callMetrics(registry);
  return {
    observe: (event) => observeEvent(metrics, event),
    reloaded: (isDone) => metrics.reloads.inc({ result: isDone ? 'done' : 'refused' }),
    scrape: async () => ({
      text: `${await registry.metrics()}${await scrapeSources(sources)}`,
      contentType: registry.contentType,
    }),
  };
}
