/** One transfer as it runs: does what the machine (calls/transfer.ts) asks for, and tells it what came of it. */
import {
  startTransfer,
  stepTransfer,
  type TransferInput,
  type TransferMethod,
  type TransferOutput,
  type TransferState,
} from '../calls/index.ts';
import type { Clock, LegId, Timer } from '../kernel/index.ts';
import { reasonPhrase } from '../sip/message/index.ts';
import type { LiveCall } from './live-call.ts';
import { type ReferRequest, sipfragStatus } from './refer.ts';
import type { InboundRequest, SipHeaders } from './sip-ports.ts';

/** How long the transferor has for the last NOTIFY before it gets a BYE. */
const FAREWELL_MS = 2_000;
/** A subscription lives no longer than this (RFC 3515 §2.4.7). */
const SUBSCRIPTION_SEC = 180;

export interface TransferRunOptions {
  readonly live: LiveCall;
  readonly transferor: LegId;
  readonly transferee: LegId;
  readonly refer: ReferRequest;
  /** Distinguishes this REFER from an earlier one of the same dialog (RFC 3515 §2.4.6); undefined for the first. */
  readonly eventId: string | undefined;
  readonly method: TransferMethod;
  /** Headers of a REFER that is passed on. */
  readonly referHeaders: SipHeaders;
  readonly clock: Clock;
  /** Rings the target, or joins it. What it returns calls that off. */
  readonly callTarget: (run: TransferRun) => () => void;
  /** What the transferor is told; not any more once it has hung up. */
  readonly onTold?: (sipStatus: number, isLast: boolean) => void;
  readonly onOver: (run: TransferRun) => void;
}

export class TransferRun {
  readonly options: TransferRunOptions;
  #state: TransferState | undefined;
  #timer: Timer | undefined;
  #callOff: (() => void) | undefined;
  /** NOTIFYs go one after another, or their order would be the network's. */
  #told: Promise<unknown> = Promise.resolve();
  #isSubscribed: boolean;

  constructor(options: TransferRunOptions) {
    this.options = options;
    this.#isSubscribed = options.refer.isSubscribed;
  }

  start(): void {
    this.#take(startTransfer(this.options.method));
  }

  feed(input: TransferInput): void {
    if (this.#state !== undefined) this.#take(stepTransfer(this.#state, input));
  }

  get isOver(): boolean {
    return this.#state?.kind === 'over';
  }

  /** A NOTIFY of the transferee about a REFER that we passed on. */
  onNotify(request: InboundRequest): void {
    const status = sipfragStatus(request.body);
    const isEnd = /^\s*terminated/i.test(request.header('Subscription-State') ?? '');
    if (this.#state?.kind !== 'forwarding' || (status === undefined && !isEnd)) {
      request.reply(this.#state?.kind === 'forwarding' ? 400 : 481);
      return;
    }
    request.reply(200);
    const told = status ?? 500;
    // Who ends the subscription without a final status has given up.
    this.feed({ kind: 'refer-told', sipStatus: isEnd && told < 200 ? 500 : told });
  }

  #take({ state, outputs }: { readonly state: TransferState; readonly outputs: readonly TransferOutput[] }): void {
    const wasOver = this.isOver;
    this.#state = state;
    for (const output of outputs) this.#do(output);
    if (!wasOver && this.isOver) this.options.onOver(this);
  }

  #do(output: TransferOutput): void {
    const { live, transferor, transferee, clock } = this.options;
    switch (output.kind) {
      case 'forward-refer':
        return void this.#forward();
      case 'set-timer':
        this.#timer = clock.after(output.ms, () => this.feed({ kind: 'timeout' }));
        return;
      case 'clear-timer':
        return this.#timer?.cancel();
      case 'call-target':
        this.#callOff = this.options.callTarget(this);
        return;
      case 'cancel-target':
        return this.#callOff?.();
      case 'notify':
        return this.#notify(output.sipStatus, output.isLast);
      case 'complete':
        live.byeAfter(transferor, this.#farewell());
        return live.feed({ kind: 'transferred', moved: output.by === 'call' ? transferee : undefined });
      case 'end-call':
        return live.feed({ kind: 'hangup', legId: output.gone === 'transferor' ? transferor : transferee });
    }
  }

  async #forward(): Promise<void> {
    const { live, transferee, refer, referHeaders } = this.options;
    const headers = { 'Refer-To': refer.referTo, ...referHeaders };
    const reply = await live.parties.dialogOf(transferee)?.request('REFER', '', headers);
    if (reply === undefined || reply.status >= 300) {
      live.logger.info({ legId: transferee, sipStatus: reply?.status }, 'REFER not taken, the gateway calls instead');
      this.feed({ kind: 'refer-refused' });
      return;
    }
    const isSilent = reply.header('Refer-Sub')?.trim().toLowerCase() === 'false';
    this.feed({ kind: 'refer-accepted', isSilent });
  }

  #notify(sipStatus: number, isLast: boolean): void {
    const { eventId, onTold } = this.options;
    onTold?.(sipStatus, isLast);
    if (!this.#isSubscribed) return;
    const headers = {
      Event: eventId === undefined ? 'refer' : `refer;id=${eventId}`,
      'Subscription-State': isLast ? 'terminated;reason=noresource' : `active;expires=${SUBSCRIPTION_SEC}`,
      'Content-Type': 'message/sipfrag;version=2.0',
    };
    const body = `SIP/2.0 ${sipStatus} ${reasonPhrase(sipStatus)}\r\n`;
    this.#told = this.#tell(this.#told, body, headers);
  }

  async #tell(before: Promise<unknown>, body: string, headers: SipHeaders): Promise<void> {
    await before;
    if (!this.#isSubscribed) return;
    const { live, transferor } = this.options;
    const reply = await live.parties.dialogOf(transferor)?.request('NOTIFY', body, headers);
    // It does not want to know, or is gone (RFC 6665 §4.2.2).
    if (reply === undefined || reply.status === 481 || reply.status === 489) this.#isSubscribed = false;
  }

  async #farewell(): Promise<void> {
    let timer: Timer | undefined;
    const late = new Promise<void>((resolve) => {
      timer = this.options.clock.after(FAREWELL_MS, resolve);
    });
    await Promise.race([this.#told, late]);
    timer?.cancel();
  }
}
