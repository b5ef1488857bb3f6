/** Takes REFER inside dialogs, and carries transfers through: who may ask for one, where it leads, who joins whom. */
import type { VerbResult } from '../calls/index.ts';
import type { LegId } from '../kernel/index.ts';
import { reasonPhrase } from '../sip/message/index.ts';
import { Consultations } from './consultations.ts';
import { type PressedKey, relayKey } from './digit-relay.ts';
import type { Holding } from './holding.ts';
import { answerInDialog } from './in-dialog.ts';
import type { BookedLeg } from './leg-book.ts';
import type { LegMedia } from './leg-media.ts';
import type { LiveCall, PartyRequests } from './live-call.ts';
import { canonicalValue } from './passed-headers.ts';
import { PictureRequests } from './picture-request.ts';
import { isReferNotify, parseReplaces, type ReferRequest, readRefer, unaskedRefer } from './refer.ts';
import type { InboundRequest } from './sip-ports.ts';
import { StandingLeg } from './standing-leg.ts';
import { joinStanding, startTransferCall } from './transfer-call.ts';
import type { DeskContext, TransferOrder } from './transfer-order.ts';
import { TransferRun } from './transfer-run.ts';
import { findReplaced, mayReach, type Replaced, type TransferTarget, targetOf } from './transfer-target.ts';
import { DONE, refusal } from './verb-result.ts';

interface Asked {
  readonly live: LiveCall;
  readonly transferor: BookedLeg;
  readonly transferee: LegId;
  readonly refer: ReferRequest;
  /** The transferor, when it is told otherwise than by NOTIFY. */
  readonly onTold?: (sipStatus: number, isLast: boolean) => void;
  readonly onOver?: () => void;
}

export class TransferDesk implements PartyRequests {
  readonly #context: DeskContext;
  readonly #pictures = new PictureRequests();
  readonly #running = new Map<LiveCall, TransferRun>();
  /** Calls whose transfer is being decided about. */
  readonly #deciding = new Set<LiveCall>();
  /** Legs that have sent a REFER before: NOTIFYs about the next one name it. */
  readonly #referred = new Set<LegId>();

  readonly #consultations: Consultations;

  constructor(context: DeskContext, holding: Holding) {
    this.#context = context;
    this.#consultations = new Consultations(context, holding);
  }

  onRequest(live: LiveCall, legId: LegId, request: InboundRequest): void {
    if (request.method === 'REFER') void this.#onRefer(live, legId, request);
    else if (request.method === 'NOTIFY' && isReferNotify(request)) this.#onNotify(live, legId, request);
    else {
      const { media, observer } = this.#context.options;
      answerInDialog(request, { live, legId, media, observer });
    }
  }

  onKey(live: LiveCall, legId: LegId, key: PressedKey): void {
    const place = this.#consultations.keysOf(live, legId) ?? { live, legId };
    relayKey(key, { ...place, media: this.#context.options.media });
  }

  onPictureWanted(live: LiveCall, legId: LegId): void {
    this.#pictures.ask(live.parties.dialogOf(legId), live.logger);
  }

  onGone(live: LiveCall, legId: LegId): boolean {
    const run = this.#running.get(live);
    if (run === undefined) return this.#consultations.onGone(live, legId);
    run.feed({ kind: legId === run.options.transferor ? 'transferor-gone' : 'transferee-gone' });
    // Over, it has ended the call itself.
    return true;
  }

  /** The call is over: a transfer that was under way in it is too. */
  onEnded(live: LiveCall): void {
    this.#running.get(live)?.feed({ kind: 'call-ended' });
    this.#consultations.onEnded(live);
    this.#referred.delete(live.call.inbound.legId);
    for (const { legId } of live.call.branches) this.#referred.delete(legId);
  }

  /** The Leg that the INVITE's Replaces names, the status it is refused with, or undefined when it has none. */
  replacedBy(invite: InboundRequest, party: BookedLeg['party']): Replaced | number | undefined {
    const value = invite.header('Replaces');
    if (value === undefined) return undefined;
    const replaces = parseReplaces(value);
    // Two of them come joined by a comma (RFC 3891 §3: at most one).
    if (replaces === undefined) return 400;
    if (party.kind === 'anonymous' || party.profile.transfer.refer === 'off') return 403;
    return findReplaced(replaces, party, this.#context.legs);
  }

  /** Joins a new caller with the party whose counterpart it replaces. */
  replace(live: LiveCall, inbound: LegMedia, replaced: Replaced): void {
    joinStanding({ live, inbound, transferee: undefined, replaced, onJoined: () => {} }, this.#context);
  }

  /** A transfer that its counterpart, an agent or an operator asks for. Resolves when it is done or has failed. */
  async transfer({ live, transferee, uri, asker }: TransferOrder): Promise<VerbResult> {
    const transferorId = live.parties.counterpartOf(transferee);
    if (transferorId === undefined) return refusal('CALL_NOT_TALKING', 'nobody talks in this call');
    if (live.parties.standing(transferee) === undefined)
      return refusal('VERB_IMPOSSIBLE', 'the party cannot go to another call');
    if (this.#isBusy(live)) return refusal('VERB_BUSY', 'a transfer is under way already');
    const transferor: BookedLeg = { legId: transferorId, home: live, party: asker.party };
    const refer = unaskedRefer(uri);
    this.#deciding.add(live);
    try {
      const { legs, route } = this.#context;
      const target = await targetOf({ refer, transferor, legs, route });
      live.logger.info({ legId: transferorId, target: target.kind }, 'transfer asked for');
      if (target.kind === 'forbidden' || !mayReach(target, asker.mayDial))
        return refusal('VERB_FORBIDDEN', 'calls to there are not allowed', 403);
      if (target.kind === 'nobody') return failed(target.sipStatus);
      if (live.parties.counterpartOf(transferee) !== transferorId) return refusal('CALL_OVER', 'the call has ended');
      return await new Promise<VerbResult>((resolve) => {
        this.#begin(
          {
            live,
            transferor,
            transferee,
            refer,
            onTold: (sipStatus, isLast) => {
              if (isLast) resolve(sipStatus < 300 ? DONE : failed(sipStatus));
            },
            // The transferor is gone, and nobody was told.
            onOver: () => resolve(refusal('CALL_OVER', 'the call has ended')),
          },
          target,
        );
      });
    } catch (error) {
      live.logger.error({ err: error }, 'transfer not decided');
      return refusal('VERB_FAILED', 'the transfer failed here');
    } finally {
      this.#deciding.delete(live);
    }
  }

  /** The counterpart of the party talks with the target first. Resolves when that one has answered, or has failed to. */
  async consult(order: TransferOrder): Promise<VerbResult> {
    return this.#isBusy(order.live)
      ? refusal('VERB_BUSY', 'a transfer is under way already')
      : this.#consultations.start(order);
  }

  get consultations(): Pick<Consultations, 'complete' | 'cancel' | 'isIn'> {
    return this.#consultations;
  }

  #onNotify(live: LiveCall, legId: LegId, request: InboundRequest): void {
    const run = this.#running.get(live);
    if (run === undefined || run.options.transferee !== legId) request.reply(481);
    else run.onNotify(request);
  }

  async #onRefer(live: LiveCall, legId: LegId, request: InboundRequest): Promise<void> {
    const transferor = this.#context.legs.find(legId);
    const reading = readRefer(request);
    const transferee = live.parties.counterpartOf(legId);
    if (reading.kind === 'refused') request.reply(reading.status, reading.headers);
    else if (transferor === undefined || !mayRefer(transferor)) request.reply(403);
    else if (transferee === undefined || this.#isBusy(live)) request.reply(491);
    // A party that the gateway plays itself cannot go anywhere, nor one whose media goes around us.
    else if (live.parties.standing(transferee) === undefined) request.reply(488);
    else await this.#decide({ live, transferor, transferee, refer: reading.refer }, request);
  }

  #isBusy(live: LiveCall): boolean {
    return this.#running.has(live) || this.#deciding.has(live) || this.#consultations.isIn(live);
  }

  async #decide(asked: Asked, request: InboundRequest): Promise<void> {
    const { live, transferor, transferee, refer } = asked;
    const { legs, route } = this.#context;
    this.#deciding.add(live);
    try {
      const target = await targetOf({ refer, transferor, legs, route });
      live.logger.info({ legId: transferor.legId, target: target.kind }, 'transfer asked for');
      if (target.kind === 'forbidden') request.reply(target.sipStatus);
      // It may have ended in the meantime.
      else if (live.parties.counterpartOf(transferor.legId) !== transferee) request.reply(481);
      else {
        request.reply(202, refer.isSubscribed ? {} : { 'Refer-Sub': 'false' });
        this.#begin(asked, target);
      }
    } catch (error) {
      live.logger.error({ err: error }, 'transfer not decided');
      request.reply(500);
    } finally {
      this.#deciding.delete(live);
    }
  }

  #begin(
    { live, transferor, transferee, refer, onTold, onOver }: Asked,
    target: Exclude<TransferTarget, { kind: 'forbidden' }>,
  ): void {
    const { legs, options } = this.#context;
    const mayForward = onTold === undefined && target.kind !== 'join';
    const forwards = mayForward && legs.find(transferee)?.party.profile.transfer.refer === 'forward';
    const { party } = transferor;
    // Who a user is we know better than the REFER.
    const claimed = party.kind === 'user' ? undefined : canonicalValue('Referred-By', refer.referredBy ?? '');
    const referredBy = claimed ?? `<${party.identity.uri}>`;
    const isAgain = this.#referred.has(transferor.legId);
    this.#referred.add(transferor.legId);
    const run = new TransferRun({
      live,
      transferor: transferor.legId,
      transferee,
      refer,
      eventId: isAgain ? refer.cseq : undefined,
      method: forwards ? 'forward' : 'call',
      referHeaders: { 'Referred-By': referredBy },
      clock: options.clock,
      callTarget: (current) => this.#call(current, target, referredBy),
      ...(onTold === undefined ? {} : { onTold }),
      onOver: () => {
        this.#running.delete(live);
        onOver?.();
      },
    });
    this.#running.set(live, run);
    run.start();
  }

  #call(run: TransferRun, target: Exclude<TransferTarget, { kind: 'forbidden' }>, referredBy: string): () => void {
    const { live, transferee: legId, refer } = run.options;
    const fail = (sipStatus: number): (() => void) => {
      queueMicrotask(() => run.feed({ kind: 'target-failed', sipStatus }));
      return () => {};
    };
    if (target.kind === 'nobody') return fail(target.sipStatus);
    const parts = live.parties.standing(legId);
    if (parts === undefined) return fail(480);
    const transferee = new StandingLeg(parts, live, this.#context.legs);
    const callOff = startTransferCall(
      {
        transferee,
        target,
        refer,
        referredBy,
        onProgress: (sipStatus) => run.feed({ kind: 'target-progress', sipStatus }),
        onJoined: () => run.feed({ kind: 'target-joined' }),
        onFailed: (sipStatus) => run.feed({ kind: 'target-failed', sipStatus }),
      },
      this.#context,
    );
    return () => callOff('SIP;cause=487;text="Transfer given up"');
  }
}

/** Nobody unknown, and no trunk unless its profile says so: a transfer spends the transferor's rights (RFC 5589 §9). */
function mayRefer({ party }: BookedLeg): boolean {
  return party.kind !== 'anonymous' && party.profile.transfer.refer !== 'off';
}

function failed(sipStatus: number): VerbResult {
  return refusal('TARGET_FAILED', `the target answered ${sipStatus} ${reasonPhrase(sipStatus)}`, sipStatus);
}
