/**
 * One outbound SIP Leg to a Binding: its INVITE, and then its dialog. A Binding whose connection is gone is waited
 * for: the client registers again within seconds, and the call goes to where it came back.
 */
import type { AgentRecord } from '../calls/index.ts';
import type { Clock, Timer, Unsubscribe } from '../kernel/index.ts';
import { type Binding, hasFlow } from './binding.ts';
import type { InviteLink } from './invite-on-terms.ts';
import { isSameInstance, routeOf } from './outbound.ts';
import { nextHopOf } from './register.ts';
import type { Registrar } from './registrar.ts';
import type {
  DialogEnd,
  EngineLink,
  InboundRequest,
  InDialogOffer,
  OutboundInvite,
  SipDialog,
  SipHeaders,
  SipReply,
} from './sip-ports.ts';

export interface BindingTarget {
  readonly kind: 'binding';
  readonly binding: Binding;
}

export interface BranchReports {
  /** `server`: of a trunk, which of its servers, as `transport:address:port`. */
  readonly onInvited: (sipCallId: string, server?: string) => void;
  readonly onRinging: (reply: SipReply) => void;
  readonly onAnswered: (reply: SipReply) => void;
  readonly onFailed: (reply: SipReply) => void;
  readonly onBye: (end: DialogEnd) => void;
  readonly onOffer: (offer: InDialogOffer) => void;
  readonly onRequest: (request: InboundRequest) => void;
  readonly onAck: (body: string, cseq: number) => void;
}

export interface BranchOptions {
  readonly target: BindingTarget;
  readonly headers: SipHeaders;
  readonly link: InviteLink;
  readonly registrar: Registrar;
  readonly clock: Clock;
  readonly reregisterWaitMs: number;
  /** Ids of the bindings that some branch of this call rings already. */
  readonly claimed: Set<string>;
  readonly reports: BranchReports;
}

/** How the engine says that a connection is gone (drachtio-server and ours differ). */
const FLOW_FAILED = 430;
const CONNECTION_GONE = new Set([410, FLOW_FAILED, 503]);

type State =
  | { readonly kind: 'new' }
  | { readonly kind: 'waiting'; readonly timer: Timer; readonly stop: Unsubscribe }
  | { readonly kind: 'invited'; readonly invite: OutboundInvite }
  | { readonly kind: 'confirmed'; readonly dialog: SipDialog }
  | { readonly kind: 'over' };

/** A branch as its call sees it. */
export interface BranchSide {
  /** Once confirmed, until it has ended. */
  readonly dialog: SipDialog | undefined;
  ring(offer: string): void;
  /** Calls the branch off. A 200 that crosses the CANCEL still arrives. */
  cancel(reason: string | undefined): void;
  bye(reason: string | undefined): Promise<void>;
  /** A key that the other party pressed, for who hears them otherwise than in its audio. */
  heardDigit?(digit: string, durationMs: number): void;
  /** Of an agent: what was said and heard so far. */
  readonly agent?: AgentRecord | undefined;
}

export class BranchLeg implements BranchSide {
  readonly #options: BranchOptions;
  #state: State = { kind: 'new' };
  #hasRung = false;
  #isCalledOff = false;
  #waitUntil: number | undefined;

  constructor(options: BranchOptions) {
    this.#options = options;
  }

  get dialog(): SipDialog | undefined {
    return this.#state.kind === 'confirmed' ? this.#state.dialog : undefined;
  }

  ring(offer: string): void {
    if (this.#state.kind !== 'new') return;
    const { target, registrar } = this.#options;
    if (registrar.isFlowLost(target.binding)) this.#await(target.binding, offer);
    else this.#inviteBinding(target.binding, offer);
  }

  cancel(reason: string | undefined): void {
    const state = this.#state;
    this.#isCalledOff = true;
    if (state.kind === 'invited') state.invite.cancel(reason);
    else this.#stop();
  }

  async bye(reason: string | undefined): Promise<void> {
    const dialog = this.dialog;
    this.#stop();
    await dialog?.bye(reason);
  }

  #stop(): void {
    if (this.#state.kind === 'waiting') {
      this.#state.timer.cancel();
      this.#state.stop();
    }
    this.#state = { kind: 'over' };
  }

  #inviteBinding(binding: Binding, offer: string): void {
    this.#options.claimed.add(binding.id);
    const headers = { ...this.#options.headers, ...routeOf(binding), To: `<${binding.aor}>` };
    this.#invite({ uri: binding.contact, nextHop: nextHopOf(binding), headers, body: offer }, binding);
  }

  #invite(request: Parameters<EngineLink['invite']>[0], binding: Binding): void {
    const { link, reports } = this.#options;
    const invite = link.invite(request, {
      onSent: reports.onInvited,
      onProvisional: (reply) => {
        this.#hasRung = true;
        reports.onRinging(reply);
      },
      onAnswered: (dialog, reply) => {
        this.#state = { kind: 'confirmed', dialog };
        reports.onAnswered(reply);
      },
      onFailed: (reply) => this.#onFailed(reply, binding, request.body),
      onBye: (end) => {
        this.#stop();
        reports.onBye(end);
      },
      onAck: reports.onAck,
      onOffer: reports.onOffer,
      onRequest: reports.onRequest,
    });
    this.#state = { kind: 'invited', invite };
  }

  #onFailed(reply: SipReply, binding: Binding, offer: string): void {
    const isGone = isFlowGone(binding, reply.status) && !this.#hasRung;
    if (isGone && !this.#isCalledOff) {
      this.#options.registrar.markFlowLost(binding);
      this.#await(binding, offer);
      return;
    }
    this.#stop();
    this.#options.reports.onFailed(reply);
  }

  #await(binding: Binding, offer: string): void {
    const { clock, registrar, claimed, reports, reregisterWaitMs } = this.#options;
    this.#waitUntil ??= clock.now() + reregisterWaitMs;
    // It may have come back while the call was on its way to the old connection: nobody would announce it again.
    const present = registrar
      .bindingsOf(binding.aor)
      .filter((each) => each !== binding && !registrar.isFlowLost(each) && isComeback(binding, each, claimed))
      .toSorted((a, b) => Number(isSameInstance(b, binding)) - Number(isSameInstance(a, binding)))[0];
    if (present !== undefined) return this.#inviteBinding(present, offer);
    const timer = clock.after(Math.max(0, this.#waitUntil - clock.now()), () => {
      this.#stop();
      reports.onFailed({ status: 480, body: '', header: () => undefined });
    });
    const stop = registrar.onRegistered((back) => {
      if (!isComeback(binding, back, claimed)) return;
      this.#stop();
      this.#state = { kind: 'new' };
      this.#inviteBinding(back, offer);
    });
    this.#state = { kind: 'waiting', timer, stop };
  }
}

/** At our own end, or at the edge proxy that holds the connection and says so (RFC 5626 §5.3). */
function isFlowGone(binding: Binding, status: number): boolean {
  return hasFlow(binding) ? CONNECTION_GONE.has(status) : status === FLOW_FAILED && binding.path.length > 0;
}

/** The same binding again, or a new one of the same AOR and kind of client that no branch rings yet: a page reloaded. */
function isComeback(lost: Binding, back: Binding, claimed: ReadonlySet<string>): boolean {
  if (back.id === lost.id) return true;
  return back.aor === lost.aor && isWeb(back) === isWeb(lost) && !claimed.has(back.id);
}

function isWeb(binding: Binding): boolean {
  return binding.transport === 'ws' || binding.transport === 'wss';
}
