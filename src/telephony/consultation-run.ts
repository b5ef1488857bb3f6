/** One consultation as it runs: does what the machine (calls/consultation.ts) asks for, and tells it what came of it. */
import {
  type ConsultationInput,
  type ConsultationNews,
  type ConsultationOutput,
  type ConsultationState,
  type ConsultationStep,
  startConsultation,
  stepConsultation,
  type VerbResult,
} from '../calls/index.ts';
import type { LegId, PortId } from '../kernel/index.ts';
import { reasonPhrase } from '../sip/message/index.ts';
import type { Caller } from './caller.ts';
import { ConsultationCall, type ConsultationCallRequest } from './consultation-call.ts';
import type { Holding } from './holding.ts';
import type { LiveCall } from './live-call.ts';
import { unaskedRefer } from './refer.ts';
import { StandingLeg } from './standing-leg.ts';
import type { StandingParts } from './standing-parts.ts';
import { startTransferCall, type TransferCallContext } from './transfer-call.ts';
import type { TransferTarget } from './transfer-target.ts';
import { DONE, refusal } from './verb-result.ts';

export interface ConsultationRunOptions {
  readonly live: LiveCall;
  readonly transferor: LegId;
  readonly held: LegId;
  readonly caller: Caller;
  readonly uri: string;
  readonly target: Extract<TransferTarget, { kind: 'route' }>;
  readonly holding: Holding;
  readonly onOver: () => void;
}

type Resolve = (result: VerbResult) => void;

const NEVER_MIND = 'SIP;cause=487;text="Transfer given up"';
const REQUEST_TERMINATED = 487;
/** The target is one that the gateway plays itself: it cannot go to another call. */
const NOT_ACCEPTABLE = 488;
const OVER = refusal('CALL_OVER', 'the call has ended');

export class ConsultationRun {
  readonly #options: ConsultationRunOptions;
  readonly #context: TransferCallContext;
  #state: ConsultationState = { kind: 'calling' };
  #call: ConsultationCall | undefined;
  #callOffJoin: (() => void) | undefined;
  /** The transferor's port is bridged with the target's. */
  #isConnected = false;
  /** What is done to ports goes one after another. */
  #media: Promise<void> = Promise.resolve();
  #onConsulted: Resolve | undefined;
  #onCompleted: Resolve | undefined;

  constructor(options: ConsultationRunOptions, context: TransferCallContext) {
    this.#options = options;
    this.#context = context;
  }

  get state(): ConsultationState['kind'] {
    return this.#state.kind;
  }

  /** Resolves when the target has answered, or the first two talk again. */
  async start(): Promise<VerbResult> {
    return new Promise((resolve) => {
      this.#onConsulted = resolve;
      this.#take(startConsultation());
    });
  }

  /** Resolves when the held party and the target talk, or cannot. */
  async complete(): Promise<VerbResult> {
    return new Promise((resolve) => {
      this.#onCompleted = resolve;
      this.feed({ kind: 'complete' });
    });
  }

  /** Resolves when the first two hear each other. */
  async cancel(): Promise<VerbResult> {
    this.feed({ kind: 'cancel' });
    await this.#media;
    return DONE;
  }

  onGone(legId: LegId): void {
    this.feed({ kind: legId === this.#options.transferor ? 'transferor-gone' : 'held-gone' });
  }

  /** Where keys go that the transferor presses. */
  keysOf(legId: LegId): { readonly live: LiveCall; readonly legId: LegId } | undefined {
    const isTheirs = legId === this.#options.transferor && this.#state.kind === 'talking';
    return isTheirs && this.#call !== undefined ? { live: this.#call.live, legId: this.#call.legId } : undefined;
  }

  feed(input: ConsultationInput): void {
    this.#take(stepConsultation(this.#state, input));
  }

  #take({ state, outputs }: ConsultationStep): void {
    const wasOver = this.#state.kind === 'over';
    this.#state = state;
    // Whoever looks while it is ended must not find it any more.
    if (!wasOver && state.kind === 'over') this.#options.onOver();
    for (const output of outputs) this.#do(output);
  }

  #do(output: ConsultationOutput): void {
    const { live, transferor, held } = this.#options;
    switch (output.kind) {
      case 'hold':
        return this.#work(async () => this.#hold());
      case 'call-target':
        return this.#ring();
      case 'connect':
        return this.#work(async () => this.#connect());
      case 'join':
        return this.#join();
      case 'call-off-join':
        return this.#callOffJoin?.();
      case 'call-off-target':
        return this.#call?.end();
      case 'resume':
        return this.#work(async () => this.#resume());
      case 'part':
        return this.#part();
      case 'end-call':
        return live.feed({ kind: 'hangup', legId: output.gone === 'transferor' ? transferor : held });
      case 'tell':
        return this.#tell(output.news, output.sipStatus);
    }
  }

  async #hold(): Promise<void> {
    const { live, held, transferor, holding } = this.#options;
    const standing = live.parties.standing(held);
    if (standing === undefined) return;
    const asking = live.parties.standing(transferor);
    await holding.hold({ standing, otherPort: this.#transferorPort });
    // An agent has no use for it.
    if (asking === undefined || this.#state.kind !== 'calling') return;
    const { ringback: tone = 'eu' } = asking.media.profile;
    if (tone !== 'none') await this.#context.options.media.play(asking.leg.portId, { kind: 'ringback', tone });
  }

  #ring(): void {
    const { live, transferor, caller, uri, target } = this.#options;
    const codec = live.parties.standing(transferor)?.media.format?.codec.name;
    const request: ConsultationCallRequest = {
      caller,
      uri,
      target,
      metadata: live.call.metadata,
      encoding: codec === 'PCMA' ? 'PCMA' : 'PCMU',
      onAnswered: () => this.#onAnswered(),
      onFailed: (sipStatus) => this.feed({ kind: 'target-failed', sipStatus }),
      onGone: () => this.feed({ kind: 'target-gone' }),
    };
    this.#call = new ConsultationCall(request, this.#context);
    try {
      this.#call.ring(request, this.#context);
    } catch (error) {
      live.logger.error({ err: error }, 'target not rung');
      this.#call.live.feed({ kind: 'failed', sipStatus: 500 });
    }
  }

  #onAnswered(): void {
    if (this.#call?.target !== undefined) {
      this.feed({ kind: 'target-answered' });
      return;
    }
    this.feed({ kind: 'target-failed', sipStatus: NOT_ACCEPTABLE });
    this.#call?.end();
  }

  async #connect(): Promise<void> {
    const { media } = this.#context.options;
    const [own, target] = [this.#transferorPort, this.#call?.target];
    if (own === undefined || target === undefined) return;
    this.#isConnected = true;
    await media.bridge(own, target.leg.portId);
    await media.stopPlaying(own);
    await media.mute(own, false);
  }

  async #resume(): Promise<void> {
    const { live, held, holding } = this.#options;
    const { media } = this.#context.options;
    const standing = live.parties.standing(held);
    const own = this.#transferorPort;
    if (standing === undefined || own === undefined) return;
    await media.stopPlaying(own);
    if (this.#isConnected) await media.bridge(own, standing.leg.portId);
    await holding.resume({ standing, otherPort: own });
  }

  /** The held party goes over to the target, as in any transfer to somebody who talks already. */
  #join(): void {
    const { live, held, uri, caller } = this.#options;
    const [parts, replaced] = [live.parties.standing(held), this.#call?.replaced];
    if (parts === undefined || replaced === undefined) {
      queueMicrotask(() => this.feed({ kind: 'join-failed', sipStatus: 481 }));
      return;
    }
    const callOff = startTransferCall(
      {
        transferee: new StandingLeg(parts, live, this.#context.legs),
        target: { kind: 'join', replaced },
        refer: unaskedRefer(uri),
        referredBy: `<${caller.identity.uri}>`,
        onProgress: () => {},
        onJoined: () => {
          this.#free(parts);
          this.feed({ kind: 'joined' });
        },
        onFailed: (sipStatus) => this.feed({ kind: 'join-failed', sipStatus }),
      },
      this.#context,
    );
    this.#callOffJoin = () => callOff(NEVER_MIND);
  }

  #free(parts: StandingParts): void {
    this.#work(async () => this.#options.holding.free(parts));
  }

  #part(): void {
    const { live, held } = this.#options;
    live.feed({ kind: 'transferred', moved: held });
  }

  get #transferorPort(): PortId | undefined {
    const { inbound, branches } = this.#options.live.call;
    return [inbound, ...branches].find(({ legId }) => legId === this.#options.transferor)?.portId;
  }

  /** A port that is gone meanwhile is no fault: its call ends. */
  #work(work: () => Promise<void>): void {
    const { logger } = this.#options.live;
    this.#media = this.#media.then(work).catch((error: unknown) => {
      logger.warn({ err: error }, 'consultation media not set');
    });
  }

  #tell(news: ConsultationNews, sipStatus: number | undefined): void {
    const { live, held, uri } = this.#options;
    const { callId } = live.call;
    const consultation = this.#call?.live.call.callId;
    this.#context.options.observer({
      kind: 'consultation',
      callId,
      legId: held,
      news,
      target: uri,
      consultation,
      sipStatus,
    });
    const result = resultOf(news, sipStatus);
    if (result === undefined) return;
    const waiting = [this.#onConsulted, this.#onCompleted];
    [this.#onConsulted, this.#onCompleted] = [undefined, undefined];
    void this.#answer(waiting, result);
  }

  /** What is said to be done can be heard. */
  async #answer(waiting: readonly (Resolve | undefined)[], result: VerbResult): Promise<void> {
    await this.#media;
    for (const resolve of waiting) resolve?.(result);
  }
}

function resultOf(news: ConsultationNews, sipStatus = 480): VerbResult | undefined {
  switch (news) {
    case 'started':
      return undefined;
    case 'answered':
    case 'completed':
      return DONE;
    case 'cancelled':
      return failed(REQUEST_TERMINATED);
    case 'failed':
    case 'not-joined':
      return failed(sipStatus);
    case 'ended':
      return OVER;
  }
}

function failed(sipStatus: number): VerbResult {
  return refusal('TARGET_FAILED', `the target answered ${sipStatus} ${reasonPhrase(sipStatus)}`, sipStatus);
}
