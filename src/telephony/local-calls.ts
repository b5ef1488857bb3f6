/** Calls of parties that come over a connection of their own and not by SIP: to us each is a caller like any other. */
import type { LocalCall, LocalCallDesk, LocalCallEvents, LocalCallRequest } from '../calls/index.ts';
import type { LegId } from '../kernel/index.ts';
import type { Caller } from './caller.ts';
import type { CallerSide } from './caller-leg.ts';
import type { LiveCall } from './live-call.ts';
import { DEFAULT_TENANT } from './options.ts';
import { openOwnCall, ringOwnCall } from './own-caller.ts';
import type { TransferDesk } from './transfer-desk.ts';
import type { DeskContext } from './transfer-order.ts';

export interface LocalCallsContext extends DeskContext {
  readonly keys: Pick<TransferDesk, 'onKey'>;
}

interface Placed {
  readonly live: LiveCall;
  readonly party: Caller;
  readonly uri: string;
}

export class LocalCalls implements LocalCallDesk {
  readonly #context: LocalCallsContext;

  constructor(context: LocalCallsContext) {
    this.#context = context;
  }

  place(request: LocalCallRequest, events: LocalCallEvents): LocalCall {
    const { options, keys } = this.#context;
    const { name, to, tenant = DEFAULT_TENANT, source } = request;
    const party = this.#party(name, tenant);
    const uri = `sip:${to}@${options.domain}`;
    const born = { from: party.identity.uri, to: uri, tenant, user: undefined, source };
    const live = openOwnCall(born, `agent:${name}`, this.#context);
    const { legId, portId } = live.call.inbound;
    const caller = new LocalCaller(live, events);
    live.start(caller);
    this.#ring({ live, party, uri }, request).catch((error: unknown) => {
      live.logger.error({ err: error }, 'call not routed');
      live.feed({ kind: 'failed', sipStatus: 500 });
    });
    return {
      portId,
      pressDigit: (digit, durationMs) => {
        live.onDigit(legId, digit, durationMs);
        keys.onKey(live, legId, { digit, durationMs, from: 'info' });
      },
      end: () => caller.leave(legId),
    };
  }

  async #ring({ live, party, uri }: Placed, { name, encoding, prebufferMs }: LocalCallRequest) {
    const { callId } = live.call;
    const routing = await this.#context.route({ uri, party, header: () => undefined, callId, signal: live.signal });
    if (live.call.state.kind !== 'routing') return;
    live.logger.info({ rule: routing.rule, outcome: routing.kind }, 'route decided');
    if (routing.kind === 'refused') {
      live.route({ kind: 'refused', sipStatus: routing.status, route: routing.rule }, undefined);
      return;
    }
    const facts = { name, encoding, prebufferMs };
    ringOwnCall({ live, caller: party, facts, routing }, this.#context);
  }

  /** Whom the operator has let in: with the rights of a user of the tenant, but no account. */
  #party(name: string, tenant: string): Caller {
    const { options, settings } = this.#context;
    const identity = { user: name, displayName: '', uri: `sip:${name}@${options.domain}` };
    return { kind: 'user', user: { name, secret: { ha1: '' }, tenant }, profile: settings.profiles.phones, identity };
  }
}

class LocalCaller implements CallerSide {
  /** It has no SIP side. */
  readonly dialog = undefined;
  readonly isReliable = false;
  readonly #live: LiveCall;
  readonly #events: LocalCallEvents;
  #state: 'calling' | 'answered' | 'over' = 'calling';

  constructor(live: LiveCall, events: LocalCallEvents) {
    this.#live = live;
    this.#events = events;
  }

  listen(): void {}
  progress(): void {}

  answer(): void {
    if (this.#state !== 'calling') return;
    this.#state = 'answered';
    this.#live.onCallerAnswered();
    this.#events.onAnswered();
  }

  refuse(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#events.onOver();
  }

  async hangUp(): Promise<void> {
    this.refuse();
  }

  /** It hangs up itself. */
  leave(legId: LegId): void {
    const before = this.#state;
    this.#state = 'over';
    if (before === 'calling') this.#live.feed({ kind: 'caller-cancelled', reason: undefined });
    else if (before === 'answered') this.#live.onBye(legId, { reason: undefined, isLost: false });
  }
}
