/** Calls that somebody from outside asks for: rings the wanted one, then brings in an agent, or connects a user. */
import type { AgentCall, AgentFacts, OriginateRequest, OriginateResult } from '../calls/index.ts';
import { parseUri } from '../sip/message/index.ts';
import { AgentCaller, type AgentCallerOptions } from './agent-caller.ts';
import type { Caller } from './caller.ts';
import { connectTo } from './click-to-call.ts';
import type { LiveCall } from './live-call.ts';
import { DEFAULT_TENANT } from './options.ts';
import { openOwnCall, ringOwnCall } from './own-caller.ts';
import { acceptedHeaders } from './passed-headers.ts';
import type { RoutedStage } from './routing.ts';
import type { SipHeaders } from './sip-ports.ts';
import type { DeskContext } from './transfer-order.ts';
import type { VerbDesk } from './verb-desk.ts';
import { refusal } from './verb-result.ts';

/** Whoever waits to be connected says nothing. */
const SILENT: Pick<AgentFacts, 'encoding' | 'prebufferMs'> = { encoding: 'PCMU', prebufferMs: 0 };

export interface OriginatorContext extends DeskContext {
  readonly verbs: VerbDesk;
}

/** Whom the call is made for, and as whom. */
interface Planned {
  readonly facts: AgentFacts;
  readonly party: Caller;
  /** What is rung first. */
  readonly uri: string;
  /** Brings in who talks with it. */
  readonly startFor: (call: AgentCall) => AgentCallerOptions['start'];
}

export class Originator {
  readonly #context: OriginatorContext;

  constructor(context: OriginatorContext) {
    this.#context = context;
  }

  /** Resolves when the wanted one is rung, or cannot be. */
  async originate(request: OriginateRequest): Promise<OriginateResult> {
    const planned = this.#plan(request);
    if ('isDone' in planned) return planned;
    const { facts, party, uri, startFor } = planned;
    const { route } = this.#context;
    const born = {
      from: party.identity.uri,
      to: uri,
      tenant: DEFAULT_TENANT,
      user: request.connect.kind === 'user' ? request.connect.name : undefined,
      source: undefined,
      metadata: request.metadata,
    };
    const live = openOwnCall(born, `agent:${facts.name}`, this.#context);
    const { callId, inbound } = live.call;
    const { legId, portId } = inbound;
    const call: AgentCall = {
      agent: facts.name,
      callId,
      legId,
      portId,
      from: party.identity.user,
      to: parseUri(uri)?.user ?? '',
    };
    live.start(this.#caller(live, planned, startFor(call)));
    const routing = await route({ uri, party, header: () => undefined, callId, signal: live.signal });
    if (live.call.state.kind !== 'routing') return refusal('CALL_OVER', 'the call has ended');
    if (routing.kind === 'refused') {
      live.route({ kind: 'refused', sipStatus: routing.status, route: routing.rule }, undefined);
      return refusal(
        routing.status === 403 ? 'VERB_FORBIDDEN' : 'TARGET_FAILED',
        `there is no way to ${request.connect.kind === 'user' ? request.connect.name : request.to}`,
        routing.status,
      );
    }
    const rung = { ...routing, stages: withRingTime(routing.stages, request.ringMs) };
    ringOwnCall({ live, caller: party, facts, accepted: headersOf(request), routing: rung }, this.#context);
    return { isDone: true, callId };
  }

  #caller(live: LiveCall, { facts }: Planned, start: AgentCallerOptions['start']): AgentCaller {
    const { observer } = this.#context.options;
    const { legId } = live.call.inbound;
    const ofAgent = { callId: live.call.callId, legId, agent: facts.name };
    return new AgentCaller({
      start,
      verbs: this.#context.verbs.ofAgent(live, legId, facts),
      reports: {
        onAnswered: () => live.onCallerAnswered(),
        onUtterance: (utterance) => observer({ kind: 'agent-utterance', ...ofAgent, utterance }),
        onTurn: (turn) => observer({ kind: 'agent-turn', ...ofAgent, turn }),
        onHangUp: (sipStatus) =>
          live.onBye(legId, { reason: sipStatus === undefined ? undefined : `SIP;cause=${sipStatus}`, isLost: false }),
      },
    });
  }

  #plan(request: OriginateRequest): Planned | Exclude<OriginateResult, { isDone: true }> {
    const { options, verbs, settings } = this.#context;
    const target = verbs.uriOf(request.to);
    if (target === undefined) return refusal('VERB_INVALID', 'to is no number, name or SIP URI');
    const { connect, from } = request;
    if (connect.kind === 'agent') {
      const { agents } = options;
      const facts = agents?.find(connect.name);
      if (agents === undefined || facts === undefined) return refusal('VERB_INVALID', 'there is no such agent');
      const party = verbs.local({
        name: connect.name,
        tenant: DEFAULT_TENANT,
        number: from,
        displayName: request.displayName,
      });
      return { facts, party, uri: target, startFor: (call) => (events, own) => agents.start(call, events, own) };
    }
    const user = settings.authenticator.userOf(connect.name);
    if (user === undefined) return refusal('VERB_INVALID', 'there is no such user');
    const facts = { ...SILENT, name: connect.name, mayDial: () => true };
    const tenant = user.tenant ?? DEFAULT_TENANT;
    // The phone shows whom it will be connected with.
    const shown = parseUri(target)?.user ?? '';
    const party = verbs.local({
      name: shown === '' ? 'call' : shown,
      tenant,
      number: undefined,
      displayName: request.displayName,
    });
    const uri = `sip:${user.name}@${options.domain}`;
    return { facts, party, uri, startFor: () => (events, own) => connectTo(target, events, own) };
  }
}

function withRingTime(stages: readonly RoutedStage[], ringMs: number | undefined): readonly RoutedStage[] {
  return ringMs === undefined ? stages : stages.map((stage) => ({ ...stage, ringMs }));
}

/** As if a caller had sent them; what may be sent of them, the called party's profile says. */
function headersOf({ headers = {} }: OriginateRequest): SipHeaders {
  const named = new Map(Object.entries(headers));
  return acceptedHeaders({ headerNames: [...named.keys()], header: (name) => named.get(name) }, ['*']);
}
