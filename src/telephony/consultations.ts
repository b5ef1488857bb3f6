/** Transfers with consultation: who may begin one, and what is done with those that run. */
import type { VerbResult } from '../calls/index.ts';
import type { LegId } from '../kernel/index.ts';
import { ConsultationRun } from './consultation-run.ts';
import type { Holding } from './holding.ts';
import type { LiveCall } from './live-call.ts';
import { unaskedRefer } from './refer.ts';
import type { Asker, DeskContext, TransferOrder } from './transfer-order.ts';
import { mayReach, type TransferTarget, targetOf } from './transfer-target.ts';
import { refusal } from './verb-result.ts';

const NONE = refusal('NO_CONSULTATION', 'nobody is being consulted in this call');
const BUSY = refusal('VERB_BUSY', 'a transfer is under way already');

interface Wanted extends TransferOrder {
  readonly transferor: LegId;
}

export class Consultations {
  readonly #context: DeskContext;
  readonly #holding: Holding;
  readonly #running = new Map<LiveCall, ConsultationRun>();
  /** Calls whose consultation is being decided about. */
  readonly #deciding = new Set<LiveCall>();

  constructor(context: DeskContext, holding: Holding) {
    this.#context = context;
    this.#holding = holding;
  }

  isIn(live: LiveCall): boolean {
    return this.#running.has(live) || this.#deciding.has(live);
  }

  /** Resolves when the target has answered, or the first two talk again. */
  async start(order: TransferOrder): Promise<VerbResult> {
    const { live, transferee } = order;
    const transferor = live.parties.counterpartOf(transferee);
    if (transferor === undefined) return refusal('CALL_NOT_TALKING', 'nobody talks in this call');
    if (live.parties.standing(transferee) === undefined)
      return refusal('VERB_IMPOSSIBLE', 'the party cannot go to another call');
    this.#deciding.add(live);
    try {
      const target = await this.#targetOf({ ...order, transferor });
      if ('isDone' in target) return target;
      if (live.parties.counterpartOf(transferee) !== transferor) return refusal('CALL_OVER', 'the call has ended');
      return await this.#begin({ ...order, transferor }, target).start();
    } catch (error) {
      live.logger.error({ err: error }, 'consultation not begun');
      return refusal('VERB_FAILED', 'the consultation failed here');
    } finally {
      this.#deciding.delete(live);
    }
  }

  async complete(live: LiveCall): Promise<VerbResult> {
    const run = this.#running.get(live);
    if (run === undefined) return this.#deciding.has(live) ? BUSY : NONE;
    if (run.state === 'calling') return refusal('TARGET_RINGING', 'the target has not answered yet');
    return run.state === 'joining' ? BUSY : run.complete();
  }

  async cancel(live: LiveCall): Promise<VerbResult> {
    const run = this.#running.get(live);
    if (run === undefined) return this.#deciding.has(live) ? BUSY : NONE;
    return run.state === 'joining' ? BUSY : run.cancel();
  }

  /** A party has hung up. True: the other one is taken care of. */
  onGone(live: LiveCall, legId: LegId): boolean {
    const run = this.#running.get(live);
    run?.onGone(legId);
    return run !== undefined;
  }

  onEnded(live: LiveCall): void {
    this.#running.get(live)?.feed({ kind: 'call-ended' });
  }

  /** As whom the party presses keys, when it is not for who is held. */
  keysOf(live: LiveCall, legId: LegId): { readonly live: LiveCall; readonly legId: LegId } | undefined {
    return this.#running.get(live)?.keysOf(legId);
  }

  #begin({ live, transferee, transferor, uri, asker }: Wanted, target: RouteTarget): ConsultationRun {
    const run = new ConsultationRun(
      {
        live,
        transferor,
        held: transferee,
        caller: this.#callerOf(transferor, asker),
        uri,
        target,
        holding: this.#holding,
        onOver: () => this.#running.delete(live),
      },
      this.#context,
    );
    this.#running.set(live, run);
    return run;
  }

  /** A user calls as itself; for anybody else somebody of the house does. */
  #callerOf(transferor: LegId, { party }: Asker): Asker['party'] {
    const own = this.#context.legs.find(transferor)?.party;
    return own?.kind === 'user' ? own : party;
  }

  async #targetOf({ live, transferor, uri, asker }: Wanted): Promise<RouteTarget | Refused> {
    const { legs, route } = this.#context;
    const asking = { legId: transferor, home: live, party: asker.party };
    const target = await targetOf({ refer: unaskedRefer(uri), transferor: asking, legs, route });
    if (target.kind === 'forbidden' || !mayReach(target, asker.mayDial))
      return refusal('VERB_FORBIDDEN', 'calls to there are not allowed', 403);
    if (target.kind === 'route') return target;
    const sipStatus = target.kind === 'nobody' ? target.sipStatus : 481;
    return refusal('TARGET_FAILED', 'nobody is there', sipStatus);
  }
}

type RouteTarget = Extract<TransferTarget, { kind: 'route' }>;
type Refused = Exclude<VerbResult, { isDone: true }>;
