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
import { type Clock, CodedError, type LegId, type Logger, type Timer } from '../kernel/index.ts';
import { noCommonCodecWarning } from '../sdp/index.ts';
import type { BranchLeg } from './branch-leg.ts';
import type { CallMediaWork } from './call-media.ts';
import type { CallerLeg } from './caller-leg.ts';
import { answerInDialog } from './in-dialog.ts';
import type { RecordBook } from './record-book.ts';
import type { InboundRequest, InDialogOffer, SipDialog, SipHeaders } from './sip-ports.ts';

/** Built-in parties have no SIP side: they answer at once. */
export type LiveBranch = BranchLeg | 'built-in';

export interface LiveCallOptions {
  readonly started: CallStep;
  readonly records: RecordBook;
  readonly observer: CallObserver;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Names us in Warning headers. */
  readonly domain: string;
  readonly onEnded: (call: LiveCall) => void;
}

/** What the call is made of once it is routed. */
export interface CallParts {
  readonly media: CallMediaWork;
  readonly branches: ReadonlyMap<LegId, LiveBranch>;
}

export class LiveCall {
  readonly #options: LiveCallOptions;
  readonly #logger: Logger;
  readonly #inputs: CallInput[] = [];
  readonly #reports = new Map<LegId, PortReport>();
  readonly #closing = new Set<Promise<unknown>>();
  /** Legs with an offer under way in their dialog. */
  readonly #offering = new Set<LegId>();
  /** What each branch's last 18x brought along. */
  readonly #earlyBodies = new Map<LegId, string>();
  readonly #portClosings: Promise<void>[] = [];
  #call: Call;
  #parts: CallParts | undefined;
  #caller: CallerLeg | undefined;
  #timer: Timer | undefined;
  #isStepping = false;
  /** Set while a 200 with our offer waits for the caller's answer in the ACK. */
  #awaitsAck = false;

  constructor(options: LiveCallOptions) {
    this.#options = options;
    this.#call = options.started.call;
    this.#logger = options.logger.child({ callId: this.#call.callId });
  }

  get call(): Call {
    return this.#call;
  }

  get record(): CallRecord {
    return callRecordOf(this.#call, this.#reports);
  }

  get logger(): Logger {
    return this.#logger;
  }

  /** Begins the life of the call. */
  start(caller: CallerLeg): void {
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
    }
    this.#isStepping = false;
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

  onCallerAck(body: string): void {
    if (body === '') {
      // An ACK that owes us an answer and has none ends the call (RFC 3261 §13.2.2.4).
      if (this.#awaitsAck) this.feed({ kind: 'failed', sipStatus: 488 });
      return;
    }
    if (this.#awaitsAck) this.#work(async (media) => this.#completeDelayedOffer(media, body));
    else this.onAck(this.#call.inbound.legId, body);
  }

  /** The answer to an offer we made in a 200 to a re-INVITE. */
  onAck(legId: LegId, body: string): void {
    if (body !== '') this.#work(async (media) => media.reacknowledged(legId, body));
  }

  onBranchRinging(legId: LegId, sipStatus: number, body: string): void {
    this.#earlyBodies.set(legId, body);
    this.feed({ kind: 'branch-ringing', legId, sipStatus, early: body !== '' });
  }

  onBranchAnswered(legId: LegId, body: string): void {
    try {
      const codec = this.#parts?.media.heard(legId, body);
      this.feed({ kind: 'branch-answered', legId, codec });
    } catch (error) {
      // The callee has answered with what nobody can use: its dialog stands and must end.
      this.#logger.warn({ err: error, legId }, 'answer refused');
      this.#track(this.#sipBranch(legId)?.bye('SIP;cause=488;text="Not Acceptable Here"'));
      this.feed({ kind: 'branch-failed', legId, sipStatus: 488 });
    }
  }

  /** A re-INVITE or UPDATE. One at a time for each Leg (RFC 3261 §14.2). */
  onOffer(legId: LegId, offer: InDialogOffer): void {
    const parts = this.#parts;
    if (parts === undefined || this.#offering.has(legId)) {
      offer.reply(491);
      return;
    }
    this.#offering.add(legId);
    this.#track(
      parts.media
        .renegotiate(legId, offer)
        .catch((error: unknown) => {
          this.#logger.warn({ err: error, legId }, 'renegotiation refused');
          offer.reply(statusOf(error, 488));
        })
        .finally(() => this.#offering.delete(legId)),
    );
  }

  /** What comes inside a dialog of one Leg and is no offer. */
  onRequest(_legId: LegId, request: InboundRequest): void {
    answerInDialog(request);
  }

  onMedia(event: MediaEvent): void {
    const { callId, legId } = event;
    switch (event.kind) {
      case 'port-up':
        this.#options.observer({ kind: 'media-up', callId, legId });
        return;
      case 'port-failed':
        this.#logger.warn({ legId, reason: event.reason }, 'media failed');
        this.feed({ kind: 'media-failed', legId });
        return;
      case 'digit':
        this.#options.observer({ kind: 'digit', callId, legId, durationMs: event.durationMs });
    }
  }

  /** The dialog on the other side of a Leg. */
  peerOf(legId: LegId): SipDialog | undefined {
    const { state, inbound } = this.#call;
    if (legId !== inbound.legId) return this.#caller?.dialog;
    return state.kind === 'talking' ? this.#sipBranch(state.winner)?.dialog : undefined;
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
      case 'answer-caller':
        return this.#work(async (media) => this.#answerCaller(media, output.legId));
      case 'refuse-caller':
        return this.#caller?.refuse(output.sipStatus, this.#refusalHeaders(output.sipStatus));
      case 'cancel':
        return this.#sipBranch(output.legId)?.cancel(output.reason);
      case 'hang-up':
        return this.#hangUp(output);
      case 'close-port':
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
        this.#logger.warn({ err: error, legId }, 'branch not rung');
        this.feed({ kind: 'branch-failed', legId, sipStatus: statusOf(error, 500) });
      }),
    );
  }

  #progress(status: 180 | 183, earlyMediaFrom: LegId | undefined): void {
    if (earlyMediaFrom === undefined) {
      this.#caller?.progress(status, undefined);
      return;
    }
    const body = this.#earlyBodies.get(earlyMediaFrom) ?? '';
    const media = this.#parts?.media;
    if (media === undefined) return;
    this.#track(
      media
        .early(earlyMediaFrom, body)
        .then((sdp) => this.#caller?.progress(status, sdp))
        .catch((error: unknown) => {
          // Early media is a courtesy: without it the call goes on, and the 200 decides.
          this.#logger.warn({ err: error, legId: earlyMediaFrom }, 'early media not used');
          this.#caller?.progress(180, undefined);
        }),
    );
  }

  async #answerCaller(media: CallMediaWork, legId: LegId): Promise<void> {
    const { body, awaitsAck } = await media.answer(legId);
    if (this.#call.state.kind !== 'answering') return;
    this.#awaitsAck = awaitsAck;
    this.#caller?.answer(body);
  }

  async #completeDelayedOffer(media: CallMediaWork, body: string): Promise<void> {
    const { state } = this.#call;
    if (state.kind !== 'answering') return;
    this.#awaitsAck = false;
    const { codec, alignment } = await media.acknowledged(state.winner, body);
    this.feed({ kind: 'caller-answered', codec });
    const dialog = alignment === undefined ? undefined : this.#sipBranch(alignment.legId)?.dialog;
    if (alignment === undefined || dialog === undefined) return;
    this.#offering.add(alignment.legId);
    try {
      const answer = await dialog.request('INVITE', alignment.offer);
      if (answer.status < 300) await media.aligned(alignment.legId, answer.body);
      else this.#logger.warn({ legId: alignment.legId, sipStatus: answer.status }, 'codec not aligned');
    } finally {
      this.#offering.delete(alignment.legId);
    }
  }

  #hangUp({ legId, sipStatus, reason }: Extract<CallOutput, { kind: 'hang-up' }>): void {
    const bye =
      legId === this.#call.inbound.legId
        ? this.#caller?.hangUp(sipStatus, reason)
        : this.#sipBranch(legId)?.bye(reason);
    this.#track(bye);
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
      this.#logger.error({ err: error, legId }, 'port not closed');
    }
  }

  /** The record waits for what the ports report. */
  async #end(reason: EndReason, sipStatus: number | undefined): Promise<void> {
    await Promise.all(this.#portClosings);
    const { record } = this;
    this.#options.records.save(record);
    this.#options.observer({ kind: 'call-ended', callId: record.callId, reason, sipStatus, record });
  }

  #refusalHeaders(sipStatus: number): SipHeaders {
    return sipStatus === 488 ? { Warning: noCommonCodecWarning(this.#options.domain) } : {};
  }

  #answeredCodec(): LiveCodec {
    const { state, branches } = this.#call;
    const winner = state.kind === 'answering' ? branches.find((branch) => branch.legId === state.winner) : undefined;
    return winner?.state.kind === 'answered' ? winner.state.codec : undefined;
  }

  #sipBranch(legId: LegId): BranchLeg | undefined {
    const branch = this.#parts?.branches.get(legId);
    return branch === 'built-in' ? undefined : branch;
  }

  /** Media work whose failure ends the call. */
  #work(work: (media: CallMediaWork) => Promise<void>): void {
    const media = this.#parts?.media;
    if (media === undefined) return;
    this.#track(
      work(media).catch((error: unknown) => {
        this.#logger.warn({ err: error }, 'media not set up');
        this.feed({ kind: 'failed', sipStatus: statusOf(error, 500) });
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
      this.#logger.error({ err: error }, 'call work failed');
    }
    this.#closing.delete(work);
  }
}

type LiveCodec = Extract<CallInput, { kind: 'caller-answered' }>['codec'];

function statusOf(error: unknown, otherwise: number): number {
  return error instanceof CodedError ? (error.sip ?? otherwise) : otherwise;
}
