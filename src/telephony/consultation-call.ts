/**
 * The call to the target of a consultation. In the caller's place is a party of ours that says nothing: the target's port
 * is bridged with that of whoever consults, whose own call stands meanwhile.
 */
import type { AgentFacts } from '../calls/index.ts';
import type { LegId } from '../kernel/index.ts';
import { type Caller, tenantOf } from './caller.ts';
import type { CallerSide } from './caller-leg.ts';
import type { LiveCall } from './live-call.ts';
import { openOwnCall, ringOwnCall } from './own-caller.ts';
import type { StandingParts } from './standing-parts.ts';
import type { TransferCallContext } from './transfer-call.ts';
import type { Replaced, TransferTarget } from './transfer-target.ts';

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

  constructor(request: ConsultationCallRequest, context: TransferCallContext) {
    const { caller, uri, metadata } = request;
    const { uri: from } = caller.identity;
    const user = caller.kind === 'user' ? caller.user.name : undefined;
    const born = { from, to: uri, tenant: tenantOf(caller), user, source: undefined, metadata };
    this.live = openOwnCall(born, from, context);
    this.live.start(new SilentCaller(this.live, request));
  }

  /** Rings the target. */
  ring({ caller, target, encoding }: ConsultationCallRequest, context: TransferCallContext): void {
    const facts: AgentFacts = { name: caller.identity.user, encoding, prebufferMs: 0 };
    ringOwnCall({ live: this.live, caller, facts, routing: target.routing }, context);
  }

  /** The target, once it has answered; undefined for one that the gateway plays itself. */
  get target(): StandingParts | undefined {
    const legId = this.live.parties.counterpartOf(this.legId);
    return legId === undefined ? undefined : this.live.parties.standing(legId);
  }

  /** As the party that somebody else is to talk with. */
  get replaced(): Replaced | undefined {
    const remaining = this.live.parties.counterpartOf(this.legId);
    return remaining === undefined ? undefined : { home: this.live, replaced: this.legId, remaining };
  }

  /** Of the party of ours: who consults presses keys for the target under it. */
  get legId(): LegId {
    return this.live.call.inbound.legId;
  }

  end(): void {
    const isTalking = this.live.call.state.kind === 'talking';
    this.live.feed(
      isTalking
        ? { kind: 'hangup', legId: this.legId, reason: HANGS_UP }
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
