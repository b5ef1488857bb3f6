/**
 * The call to the target of a consultation. In the caller's place is a party of ours that says nothing: the target's port
 * is bridged with that of whoever consults, whose own call stands meanwhile.
 */
import type { AgentFacts } from '../calls/index.ts';
import type { LegId, PortId } from '../kernel/index.ts';
import { agentCallerMedia } from './agent-caller-media.ts';
import { setUpCall } from './call-setup.ts';
import { type Caller, tenantOf } from './caller.ts';
import type { CallerSide } from './caller-leg.ts';
import type { LiveCall } from './live-call.ts';
import type { StandingParts } from './standing-parts.ts';
import type { TransferCallContext } from './transfer-call.ts';
import type { Replaced, TransferTarget } from './transfer-target.ts';

const MAX_FORWARDS = 70;
const HANGS_UP = 'Q.850;cause=16';

export interface ConsultationCallRequest {
  /** Who is shown to the target, and pays. */
  readonly caller: Caller;
  readonly uri: string;
  readonly target: Extract<TransferTarget, { kind: 'route' }>;
  readonly metadata: Readonly<Record<string, string>> | undefined;
  /** What the target is offered beside what can be turned into it. */
  readonly encoding: 'PCMU' | 'PCMA';
  readonly onAnswered: () => void;
  readonly onFailed: (sipStatus: number) => void;
  /** It was answered, and is over now, but not by a transfer. */
  readonly onGone: () => void;
}

export class ConsultationCall {
  readonly live: LiveCall;
  /** Of the party of ours. */
  readonly #legId: LegId;

  constructor(request: ConsultationCallRequest, context: TransferCallContext) {
    const { random } = context.options;
    const { caller, uri, metadata } = request;
    const legId = random.hex(8) as LegId;
    const portId = `port-${legId}` as PortId;
    const live = context.openCall({
      from: caller.identity.uri,
      to: uri,
      trunk: undefined,
      tenant: tenantOf(caller),
      user: caller.kind === 'user' ? caller.user.name : undefined,
      source: undefined,
      metadata,
      inbound: { legId, portId, kind: 'agent', party: caller.identity.uri, sipCallId: '' },
    });
    this.#legId = legId;
    this.live = live;
    live.start(new SilentCaller(live, request));
  }

  /** Rings the target. */
  ring({ caller, target, encoding }: ConsultationCallRequest, context: TransferCallContext): void {
    const { live } = this;
    const { options, settings } = context;
    const { callId, inbound } = live.call;
    const { legId, portId } = inbound;
    const facts: AgentFacts = { name: caller.identity.user, encoding, prebufferMs: 0 };
    const { media, random } = options;
    const own = agentCallerMedia({
      owner: { callId, legId, portId },
      facts,
      profile: settings.profiles.phones,
      media,
      random,
    });
    const { parts, input } = setUpCall(
      { live, caller, ...own, header: () => undefined, maxForwards: MAX_FORWARDS, routing: target.routing },
      context,
    );
    live.route(input, parts);
  }

  /** The target, once it has answered; undefined for one that the gateway plays itself. */
  get target(): StandingParts | undefined {
    const legId = this.live.parties.counterpartOf(this.#legId);
    return legId === undefined ? undefined : this.live.parties.standing(legId);
  }

  /** As the party that somebody else is to talk with. */
  get replaced(): Replaced | undefined {
    const remaining = this.live.parties.counterpartOf(this.#legId);
    return remaining === undefined ? undefined : { home: this.live, replaced: this.#legId, remaining };
  }

  /** Who consults presses keys for the target under this Leg. */
  get legId(): LegId {
    return this.#legId;
  }

  end(): void {
    const isTalking = this.live.call.state.kind === 'talking';
    this.live.feed(
      isTalking
        ? { kind: 'hangup', legId: this.#legId, reason: HANGS_UP }
        : { kind: 'caller-cancelled', reason: undefined },
    );
  }
}

class SilentCaller implements CallerSide {
  /** It has no SIP side. */
  readonly dialog = undefined;
  readonly isReliable = false;
  readonly #live: LiveCall;
  readonly #reports: Pick<ConsultationCallRequest, 'onAnswered' | 'onFailed' | 'onGone'>;

  constructor(live: LiveCall, reports: Pick<ConsultationCallRequest, 'onAnswered' | 'onFailed' | 'onGone'>) {
    this.#live = live;
    this.#reports = reports;
  }

  listen(): void {}
  progress(): void {}

  answer(): void {
    this.#live.onCallerAnswered();
    this.#reports.onAnswered();
  }

  refuse(sipStatus: number): void {
    this.#reports.onFailed(sipStatus);
  }

  async hangUp(): Promise<void> {
    const { state } = this.#live.call;
    if (state.kind !== 'ended' || state.reason !== 'transferred') this.#reports.onGone();
  }
}
