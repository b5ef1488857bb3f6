/**
 * One running call: does what the pure Call (calls/step.ts) asks for, and tells it what came of it. Everything that
 * arrives is queued as an input, so that one step is done with before the next begins.
 */
import {
  type Call,
  type CallInput,
  type CallObserver,
  type CallOutput,
  type CallRecord,
  type CallStep,
  callRecordOf,
  type EndReason,
  type MediaEvent,
  type PortReport,
  step,
} from '../calls/index.ts';
import { type Clock, type LegId, type Logger, type Random, type Timer } from '../kernel/index.ts';
import { noCommonCodecWarning } from '../sdp/index.ts';
import { Alignments } from './alignments.ts';
import type { CallMediaWork } from './call-media.ts';
import { CallParties, type CallParts } from './call-parties.ts';
import type { CallerSide } from './caller-leg.ts';
import type { PressedKey } from './digit-relay.ts';
import { LossWatch } from './loss-watch.ts';
import { Negotiation } from './negotiation.ts';
import { openReports } from './open-reports.ts';
import { owedStatus, owedWarning } from './owed-answer.ts';
import type { PartyCare } from './party-care.ts';
import { canonicalReason } from './reason.ts';
import type { RecordBook } from './record-book.ts';
import type { DialogEnd, InboundRequest, InDialogOffer, SipHeaders, SipReply } from './sip-ports.ts';

/** Who carries out what parties ask for beside offers: transfers, digits. */
export interface PartyRequests {
  /** Answers it. */
  onRequest(live: LiveCall, legId: LegId, request: InboundRequest): void;
  /** A party has pressed a key. */
  onKey(live: LiveCall, legId: LegId, key: PressedKey): void;
  /** A party is to be asked for a complete picture. */
  onPictureWanted(live: LiveCall, legId: LegId): void;
  /** A party has hung up. True: a transfer takes care of the other, which must not be hung up. */
  onGone(live: LiveCall, legId: LegId): boolean;
}

export interface LiveCallOptions {
  readonly started: CallStep;
  readonly records: RecordBook;
  readonly observer: CallObserver;
  readonly clock: Clock;
  /** How often lossy Legs are looked at. */
  readonly lossCheckMs: number;
  readonly random: Random;
  readonly logger: Logger;
  /** Names us in Warning headers. */
  readonly domain: string;
  readonly care: PartyCare;
  readonly requests: PartyRequests;
  readonly onEnded: (call: LiveCall) => void;
}

/** Given as the reason, because without one an error with a stack is made for each call. */
const ENDED = 'call ended';

export class LiveCall {
  readonly parties: CallParties;
  readonly #options: LiveCallOptions;
  readonly logger: Logger;
  readonly #inputs: CallInput[] = [];
  readonly #reports = new Map<LegId, PortReport>();
  readonly #closing = new Set<Promise<unknown>>();
  readonly #negotiation: Negotiation;
  readonly #alignments: Alignments;
  readonly #lossWatch: LossWatch;
  /** What each branch's last 18x brought along. */
  readonly #earlyBodies = new Map<LegId, string>();
  readonly #portClosings: Promise<void>[] = [];
  readonly #ended = new AbortController();
  readonly #beforeBye = new Map<LegId, Promise<void>>();
  #call: Call;
  #parts: CallParts | undefined;
  #caller: CallerSide | undefined;
  #timer: Timer | undefined;
  #isStepping = false;
  /** Set while a 200 with our offer waits for the caller's answer in the ACK. */
  #awaitsAck = false;
  /** Why a party could not be joined: what a Warning is to say. */
  #obstacle: unknown;

  constructor(options: LiveCallOptions) {
    this.#options = options;
    this.#call = options.started.call;
    this.logger = options.logger.child({ callId: this.#call.callId });
    const { clock, random, domain } = options;
    this.parties = new CallParties({
      call: () => this.#call,
      caller: () => this.#caller,
      parts: () => this.#parts,
      bye: async (legId, reason) => this.#sayBye({ legId, sipStatus: 480, reason }),
    });
    this.#lossWatch = new LossWatch({
      clock,
      everyMs: options.lossCheckMs,
      media: () => this.#parts?.media,
      onMeasured: () => this.#alignments.send(),
    });
    this.#negotiation = new Negotiation({
      media: () => this.#parts?.media,
      dialogOf: (legId) => this.parties.dialogOf(legId),
      isOwner: (legId) => legId !== this.#call.inbound.legId,
      clock,
      random,
      domain,
      logger: this.logger,
    });
    this.#alignments = new Alignments({
      negotiation: this.#negotiation,
      media: () => this.#parts?.media,
      isTalking: () => this.#call.state.kind === 'talking',
      onFailed: () => this.feed({ kind: 'failed', sipStatus: 488 }),
      onGone: (legId) => this.#onDialogGone(legId),
      settle: () => this.#settle(),
      onChanged: (isTranscoding) =>
        options.observer({ kind: 'codecs-changed', callId: this.#call.callId, isTranscoding }),
      track: (work) => this.#track(work),
    });
  }

  get call(): Call {
    return this.#call;
  }

  get record(): CallRecord {
    return this.#recordWith(this.#reports);
  }

  /** The record with how the media of each Leg does by now. */
  async recordNow(): Promise<CallRecord> {
    const open = await openReports(this.#call, this.#parts?.media, this.#reports);
    // What a port has reported at its end meanwhile is the last word.
    return this.#recordWith(new Map([...open, ...this.#reports]));
  }

  #recordWith(reports: ReadonlyMap<LegId, PortReport>): CallRecord {
    const agentOf = (legId: LegId) => this.parties.branch(legId)?.agent;
    return callRecordOf(this.#call, { reports, codecs: this.#parts?.media.codecs(), agentOf });
  }

  /** Fires when the call ends: whoever prepares something for it may stop. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** Begins the life of the call. */
  start(caller: CallerSide): void {
    this.#caller = caller;
    this.#perform(this.#options.started.outputs);
    caller.listen();
  }

  /** Rings the branches, or ends the call by refusing it. */
  route(input: Extract<CallInput, { kind: 'routed' | 'refused' }>, parts: CallParts | undefined): void {
    this.#parts = parts;
    this.feed(input);
  }

  feed(input: CallInput): void {
    this.#inputs.push(input);
    if (this.#isStepping) return;
    this.#isStepping = true;
    for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
      const { call, outputs } = step(this.#call, next, this.#options.clock.wallTime());
      this.#call = call;
      this.#perform(outputs);
      if (next.kind === 'caller-answered') this.#onTalking();
    }
    this.#isStepping = false;
  }

  #onTalking(): void {
    this.#settle();
    this.#lossWatch.start();
  }

  /** Resolves when the BYEs are answered and the ports closed. */
  async settled(): Promise<void> {
    while (this.#closing.size > 0) await Promise.allSettled(this.#closing);
  }

  // ---- what the legs report ---------------------------------------------------------------------------------------

  /** The 200 is out: with an offer from the caller that is all; else its ACK is still to come. */
  onCallerAnswered(): void {
    if (this.#awaitsAck) return;
    this.feed({ kind: 'caller-answered', codec: this.#answeredCodec() });
  }

  /** A party that talked already is the caller: it has nothing to acknowledge. */
  onCallerJoined(): void {
    this.onCallerAnswered();
    this.#alignments.sendNeeded();
  }

  onCallerAck(body: string, cseq: number): void {
    if (!this.#awaitsAck) {
      this.onAck(this.#call.inbound.legId, body, cseq);
      this.#alignments.send();
      return;
    }
    // An ACK that owes us an answer and has none ends the call (RFC 3261 §13.2.2.4).
    if (body === '') this.feed({ kind: 'failed', sipStatus: 488 });
    else this.#work(async (media) => this.#completeDelayedOffer(media, body));
  }

  /** The answer to an offer of ours in a reliable provisional response. */
  onPrack(body: string): void {
    if (body !== '') this.#work(async (media) => media.pracked(body));
  }

  /** The answer to an offer we made in a 200 to a re-INVITE. */
  onAck(legId: LegId, body: string, cseq: number): void {
    this.#track(this.#negotiation.onAck(legId, body, cseq).then(() => this.#alignments.renegotiated()));
  }

  onBranchRinging(legId: LegId, sipStatus: number, body: string): void {
    this.#earlyBodies.set(legId, body);
    this.feed({ kind: 'branch-ringing', legId, sipStatus, early: body !== '' });
  }

  onBranchAnswered(legId: LegId, body: string): void {
    try {
      this.feed({ kind: 'branch-answered', legId, codec: this.#parts?.media.heard(legId, body) });
    } catch (error) {
      this.refuseAnswer(legId, error);
    }
  }

  /** The callee has answered with what nobody can use: its dialog stands and must end. */
  refuseAnswer(legId: LegId, error: unknown): void {
    this.#obstacle = error;
    this.logger.warn({ err: error, legId }, 'answer refused');
    this.#track(this.parties.branch(legId)?.bye('SIP;cause=488;text="Not Acceptable Here"'));
    this.feed({ kind: 'branch-failed', legId, sipStatus: 488 });
  }

  onBranchFailed(legId: LegId, reply: SipReply): void {
    this.feed({
      kind: 'branch-failed',
      legId,
      sipStatus: reply.status,
      reason: canonicalReason(reply.header('Reason')),
    });
  }

  onBye(legId: LegId, { reason, isLost }: DialogEnd): void {
    if (this.#options.requests.onGone(this, legId)) return;
    this.feed({ kind: 'hangup', legId, reason: canonicalReason(reason), isLost });
  }

  /** A re-INVITE or UPDATE. */
  onOffer(legId: LegId, offer: InDialogOffer): void {
    this.#track(this.#negotiation.onOffer(legId, offer).then(() => this.#alignments.renegotiated()));
  }

  /** What comes inside a dialog of one Leg and is no offer. */
  onRequest(legId: LegId, request: InboundRequest): void {
    this.#options.requests.onRequest(this, legId, request);
  }

  onMedia(event: MediaEvent): void {
    const [callId, legId] = [this.#call.callId, event.legId];
    switch (event.kind) {
      case 'port-up':
        return this.#options.observer({ kind: 'media-up', callId, legId });
      // The browser may come back: until then the other party's Leg is left as it is (decision D3).
      case 'port-disconnected':
        return this.#options.observer({ kind: 'media-away', callId, legId });
      case 'port-failed':
        this.logger.warn({ legId, reason: event.reason }, 'media failed');
        return this.feed({ kind: 'media-failed', legId });
      case 'media-timeout':
        return this.feed(event);
      case 'sound-over':
        return this.#options.observer({ kind: 'sound-over', callId, legId });
      case 'keyframe-wanted':
        return this.#options.requests.onPictureWanted(this, legId);
      case 'digit':
        this.onDigit(legId, event.digit, event.durationMs);
        this.#options.requests.onKey(this, legId, { ...event, from: event.form });
    }
  }

  /** A key was pressed. Which one is nobody's business but the other party's. */
  onDigit(legId: LegId, digit: string, durationMs: number): void {
    const otherId = this.parties.counterpartOf(legId);
    if (otherId !== undefined) this.parties.heardDigit(otherId, digit, durationMs);
    this.#options.observer({ kind: 'digit', callId: this.#call.callId, legId, durationMs });
  }

  readonly #settle = (): void => this.#options.care.settle(this.parties, this.#parts?.media);

  /** Offers a party another codec. */
  readonly align: Negotiation['align'] = async (alignment) => this.#negotiation.align(alignment);

  /** A BYE to this Leg, when it comes to that, waits for something that is to arrive before it. */
  byeAfter(legId: LegId, before: Promise<void>): void {
    this.#beforeBye.set(legId, before);
  }

  // ---- what the Call asks for -------------------------------------------------------------------------------------

  #perform(outputs: readonly CallOutput[]): void {
    for (const output of outputs) this.#do(output);
  }

  // One line for each kind of output.
  // oxlint-disable-next-line eslint/complexity
  #do(output: CallOutput): void {
    switch (output.kind) {
      case 'open-port':
        return this.#work(async (media) => media.openInbound());
      case 'ring':
        return this.#ring(output.legId);
      case 'progress':
        return this.#progress(output.sipStatus, output.earlyMediaFrom);
      case 'ringback':
        return this.#track(this.#parts?.media.ringback(output.isOn));
      case 'answer-caller':
        return this.#work(async (media) => this.#answerCaller(media, output.legId));
      case 'refuse-caller':
        return this.#caller?.refuse(output.sipStatus, this.#refusalHeaders(output));
      case 'cancel':
        return this.parties.branch(output.legId)?.cancel(output.reason);
      case 'hang-up':
        return this.#hangUp(output);
      case 'close-port':
        this.#negotiation.close(output.legId);
        return this.#closePort(output.legId);
      case 'set-timer':
        this.#timer = this.#options.clock.after(output.ms, () => this.feed({ kind: 'no-answer' }));
        return;
      case 'clear-timer':
        return this.#timer?.cancel();
      case 'event':
        return this.#options.observer(output.event);
      case 'save':
        return this.#options.records.save(this.record);
      case 'ended':
        this.#ended.abort(ENDED);
        this.#lossWatch.stop();
        this.#options.onEnded(this);
        return this.#track(this.#end(output.reason, output.sipStatus));
    }
  }

  #ring(legId: LegId): void {
    const branch = this.#parts?.branches.get(legId);
    const media = this.#parts?.media;
    if (branch === undefined || media === undefined) return;
    this.#track(
      (async () => {
        const offer = await media.offerFor(legId);
        if (branch !== 'built-in') {
          branch.ring(offer);
          return;
        }
        this.feed({ kind: 'branch-invited', legId, sipCallId: undefined });
        this.feed({ kind: 'branch-answered', legId, codec: media.heard(legId, '') });
      })().catch((error: unknown) => {
        this.#obstacle = error;
        this.logger.warn({ err: error, legId }, 'branch not rung');
        this.feed({ kind: 'branch-failed', legId, sipStatus: owedStatus(error, 500) });
      }),
    );
  }

  #progress(status: number, earlyMediaFrom: LegId | undefined): void {
    if (earlyMediaFrom === undefined) return this.#caller?.progress(status, undefined);
    const media = this.#parts?.media;
    if (media === undefined) return;
    this.#track(
      media
        .early(earlyMediaFrom, this.#earlyBodies.get(earlyMediaFrom) ?? '', this.#caller?.isReliable === true)
        .then((sdp) => this.#caller?.progress(status, sdp))
        .catch((error: unknown) => {
          // Early media is a courtesy: without it the call goes on, and the 200 decides.
          this.logger.warn({ err: error, legId: earlyMediaFrom }, 'early media not used');
          this.#caller?.progress(180, undefined);
        }),
    );
  }

  async #answerCaller(media: CallMediaWork, legId: LegId): Promise<void> {
    const { body, awaitsAck, alignment } = await media.answer(legId);
    if (this.#call.state.kind !== 'answering') return;
    this.#awaitsAck = awaitsAck;
    this.#alignments.need(alignment);
    this.#caller?.answer(body);
  }

  async #completeDelayedOffer(media: CallMediaWork, body: string): Promise<void> {
    const { state } = this.#call;
    if (state.kind !== 'answering') return;
    this.#awaitsAck = false;
    const { alignment } = await media.acknowledged(state.winner, body);
    this.feed({ kind: 'caller-answered', codec: this.#answeredCodec() });
    this.#alignments.need(alignment);
    this.#alignments.send();
  }

  /** The peer knows nothing of the dialog any more, or is silent: the BYE is for the case that it is not (RFC 5057 §5.1). */
  #onDialogGone(legId: LegId): void {
    this.#hangUp({ legId, sipStatus: 480, reason: 'SIP;cause=481' });
    this.feed({ kind: 'hangup', legId, isLost: true });
  }

  #hangUp(parting: Parting): void {
    const before = this.#beforeBye.get(parting.legId);
    this.#track(before === undefined ? this.#sayBye(parting) : before.then(async () => this.#sayBye(parting)));
  }

  async #sayBye({ legId, sipStatus, reason }: Parting): Promise<void> {
    if (legId === this.#call.inbound.legId) await this.#caller?.hangUp(sipStatus, reason);
    else await this.parties.branch(legId)?.bye(reason);
  }

  #closePort(legId: LegId): void {
    const closing = this.#closeNow(legId);
    this.#track(closing);
    this.#portClosings.push(closing);
  }

  async #closeNow(legId: LegId): Promise<void> {
    try {
      const report = await this.#parts?.media.close(legId);
      if (report !== undefined) this.#reports.set(legId, report);
    } catch (error) {
      this.logger.error({ err: error, legId }, 'port not closed');
    }
  }

  /** The record waits for what the ports report. */
  async #end(reason: EndReason, sipStatus: number | undefined): Promise<void> {
    await Promise.all(this.#portClosings);
    const { record } = this;
    this.#options.records.save(record);
    this.#options.observer({ kind: 'call-ended', callId: record.callId, reason, sipStatus, record });
  }

  #refusalHeaders({ sipStatus, reason }: Extract<CallOutput, { kind: 'refuse-caller' }>): SipHeaders {
    return {
      ...(sipStatus === 488 ? { Warning: noCommonCodecWarning(this.#options.domain) } : {}),
      ...(sipStatus === 488 ? owedWarning(this.#obstacle, this.#options.domain) : {}),
      ...(reason === undefined ? {} : { Reason: reason }),
    };
  }

  /** That of the caller. */
  #answeredCodec() {
    return this.#parts?.media.codecs()?.legs.get(this.#call.inbound.legId)?.codec;
  }

  /** Media work whose failure ends the call. */
  #work(work: (media: CallMediaWork) => Promise<void>): void {
    const media = this.#parts?.media;
    if (media === undefined) return;
    this.#track(
      work(media).catch((error: unknown) => {
        this.#obstacle = error;
        this.logger.warn({ err: error }, 'media not set up');
        this.feed({ kind: 'failed', sipStatus: owedStatus(error, 500) });
      }),
    );
  }

  #track(work: Promise<unknown> | undefined): void {
    if (work === undefined) return;
    this.#closing.add(work);
    void this.#finish(work);
  }

  async #finish(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.logger.error({ err: error }, 'call work failed');
    }
    this.#closing.delete(work);
  }
}

type Parting = Omit<Extract<CallOutput, { kind: 'hang-up' }>, 'kind'>;
