/** Who may do what with which call: agents with their own, with their rights, and the API with all. */
import type { AgentCallVerbs, AgentFacts, MediaPlane, VerbResult } from '../calls/index.ts';
import type { Clock, LegId } from '../kernel/index.ts';
import { formatUri, parseUri } from '../sip/message/index.ts';
import type { Caller } from './caller.ts';
import type { Holding } from './holding.ts';
import type { LegBook } from './leg-book.ts';
import type { LiveCall } from './live-call.ts';
import type { ProfilePolicy } from './options.ts';
import { PartyVerbs } from './party-verbs.ts';
import type { TransferDesk } from './transfer-desk.ts';
import type { Asker, TransferOrder } from './transfer-order.ts';
import { type AskedTransfer, DONE, refusal } from './verb-result.ts';

export interface VerbDeskContext {
  readonly desk: TransferDesk;
  readonly holding: Holding;
  readonly legs: LegBook;
  readonly media: MediaPlane;
  readonly clock: Clock;
  readonly domain: string;
  readonly profile: () => ProfilePolicy;
}

export interface LocalParty {
  readonly name: string;
  readonly tenant: string;
  readonly number?: string | undefined;
  readonly displayName?: string | undefined;
}

const NOT_TALKING = refusal('CALL_NOT_TALKING', 'nobody talks in this call');
const OVER = refusal('CALL_OVER', 'the call or its party is gone');
/** Why an agent does not take a call, as SIP says it: 17 busy, 21 rejected. */
const STATUS_OF_CAUSE: ReadonlyMap<number, number> = new Map([
  [17, 486],
  [21, 603],
]);
const UNAVAILABLE = 480;

export class VerbDesk {
  readonly #context: VerbDeskContext;

  constructor(context: VerbDeskContext) {
    this.#context = context;
  }

  /** What the agent on this Leg may do: all but to hang up is done to the other party. */
  ofAgent(live: LiveCall, agentLeg: LegId, facts: AgentFacts): AgentCallVerbs {
    const party = this.local({ name: facts.name, tenant: live.call.tenant });
    const asker: Asker = { party, mayDial: (number) => facts.mayDial?.(number) === true };
    return new PartyVerbs({
      ...this.#parts(),
      find: () => {
        if (live.call.state.kind === 'ended') return OVER;
        const legId = live.parties.counterpartOf(agentLeg);
        return legId === undefined ? NOT_TALKING : { live, legId };
      },
      hangUp: (q850) => {
        if (live.call.state.kind === 'ended') return OVER;
        const reason = `Q.850;cause=${q850}`;
        if (live.parties.counterpartOf(agentLeg) !== undefined) live.onBye(agentLeg, { reason, isLost: false });
        else {
          const sipStatus = STATUS_OF_CAUSE.get(q850) ?? UNAVAILABLE;
          live.feed({ kind: 'branch-failed', legId: agentLeg, sipStatus, reason });
        }
        void live.parties.dismiss(agentLeg);
        return DONE;
      },
      ...this.#transfers(asker),
    });
  }

  /** What an operator may do to a party; it may be in another call by the time. */
  ofParty(live: LiveCall, legId: LegId): AgentCallVerbs {
    const home = (): LiveCall => this.#context.legs.find(legId)?.home ?? live;
    const asker: Asker = { party: this.local({ name: 'api', tenant: live.call.tenant }), mayDial: () => true };
    return new PartyVerbs({
      ...this.#parts(),
      find: () => {
        const now = home();
        if (now.call.state.kind === 'ended') return OVER;
        return now.parties.counterpartOf(legId) === undefined ? NOT_TALKING : { live: now, legId };
      },
      hangUp: (q850) => {
        const now = home();
        if (now.call.state.kind === 'ended') return OVER;
        now.feed({ kind: 'stopped', why: 'api', q850 });
        return DONE;
      },
      ...this.#transfers(asker),
    });
  }

  #parts() {
    const { media, clock, holding, desk } = this.#context;
    return { media, clock, holding, consultations: desk.consultations };
  }

  #transfers(asker: Asker) {
    const { desk } = this.#context;
    const ordered =
      (order: (wanted: TransferOrder) => Promise<VerbResult>) =>
      async ({ live, legId, target }: AskedTransfer): Promise<VerbResult> => {
        const uri = this.uriOf(target);
        if (uri === undefined) return refusal('VERB_INVALID', 'the target is no number, name or SIP URI');
        return order({ live, transferee: legId, uri, asker });
      };
    return {
      transfer: ordered(async (wanted) => desk.transfer(wanted)),
      consult: ordered(async (wanted) => desk.consult(wanted)),
    };
  }

  /** A URI as it is; a number or name is one of ours. */
  uriOf(target: string): string | undefined {
    const text = target.trim();
    if (text === '' || text.length > 256) return undefined;
    if (/^(?:sips?|tel):/i.test(text)) return parseUri(text) === undefined ? undefined : text;
    const bare = /^\+?[\d ().-]+$/.test(text) ? text.replace(/[ ().-]/g, '') : text;
    const uri = parseUri(bare.includes('@') ? `sip:${bare}` : `sip:${bare}@${this.#context.domain}`);
    return uri === undefined ? undefined : formatUri(uri);
  }

  /** Somebody of the house, with the rights of a user of the tenant. `number`: what trunks are told. */
  local({ name, tenant, number, displayName = '' }: LocalParty): Caller {
    const { domain, profile } = this.#context;
    const shown = number ?? name;
    const identity = { user: shown, displayName, uri: `sip:${shown}@${domain}` };
    // It never proves itself by a password: it is no account.
    return { kind: 'user', user: { name, secret: { ha1: '' }, tenant, number }, profile: profile(), identity };
  }
}
