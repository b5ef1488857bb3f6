/** One outbound Leg through a trunk: its INVITE goes from server to server as trunk-hunt.ts decides, and then its dialog. */
import type { Clock, Logger, Timer } from '../kernel/index.ts';
import type { BranchReports, BranchSide } from './branch-leg.ts';
import type { TollPass } from './fraud-guard.ts';
import type { InviteLink } from './invite-on-terms.ts';
import { writeNumber } from './number-plan.ts';
import type { Trunk } from './options.ts';
import type { OutboundInvite, OutboundListener, SipDialog, SipHeaders, SipReply } from './sip-ports.ts';
import type { TrunkDirectory } from './trunk-directory.ts';
import { DEFAULT_HUNT, type Hunt, type HuntInput, type HuntOutput, startHunt, stepHunt } from './trunk-hunt.ts';
import type { TrunkPass } from './trunk-limits.ts';
import type { TrunkServer } from './trunk-server.ts';

export interface TrunkTarget {
  readonly kind: 'trunk';
  readonly trunk: Trunk;
  readonly number: string;
  /** Another trunk may be rung after this one. */
  readonly moreFollow?: boolean;
}

export interface TrunkLegOptions {
  readonly target: TrunkTarget;
  /** No limit holds it up. */
  readonly isEmergency: boolean;
  /** Asks whether the number may be called; undefined: it costs nothing to ask, and nothing to call. */
  readonly payFor?: (() => TollPass | undefined) | undefined;
  readonly headers: SipHeaders;
  readonly link: InviteLink;
  readonly trunks: TrunkDirectory;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly reports: BranchReports;
}

/** One server tried. */
interface Attempt {
  readonly server: TrunkServer;
  readonly invite: OutboundInvite;
  dialog: SipDialog | undefined;
}

const LATE = 'SIP;cause=200;text="Call completed elsewhere"';

export class TrunkLeg implements BranchSide {
  readonly #options: TrunkLegOptions;
  readonly #attempts: Attempt[] = [];
  #servers: readonly TrunkServer[] = [];
  #offer = '';
  #hunt: Hunt | undefined;
  #timer: Timer | undefined;
  #pass: TrunkPass | undefined;
  #toll: TollPass | undefined;
  #dialog: SipDialog | undefined;
  #cancelReason: string | undefined;
  #state: 'new' | 'rung' | 'over' = 'new';

  constructor(options: TrunkLegOptions) {
    this.#options = options;
  }

  get dialog(): SipDialog | undefined {
    return this.#dialog;
  }

  ring(offer: string): void {
    if (this.#state !== 'new') return;
    this.#state = 'rung';
    this.#offer = offer;
    const { trunks, target } = this.#options;
    this.#pass = trunks.enter(target.trunk, 'outbound', this.#options.isEmergency);
    if (this.#pass === undefined) return this.#refuse('trunk limit reached', 503);
    this.#toll = this.#options.payFor?.();
    // Not the next trunk either: the number is what must not be called.
    if (this.#options.payFor !== undefined && this.#toll === undefined) return this.#refuse('call not paid for', 403);
    const ready = trunks.whenReady(target.trunk);
    if (ready === undefined) this.#start();
    else this.#await(ready);
  }

  /** A name server may take as long as a server of the trunk. */
  #await(ready: Promise<void>): void {
    const { tryTimeoutMs } = this.#options.target.trunk.hunt ?? DEFAULT_HUNT;
    this.#timer = this.#options.clock.after(tryTimeoutMs, () => this.#start());
    void ready.then(() => this.#start());
  }

  cancel(reason: string | undefined): void {
    this.#cancelReason = reason;
    this.#leave();
    if (this.#hunt === undefined) this.#end();
    else this.#feed({ kind: 'cancel' }, undefined);
  }

  async bye(reason: string | undefined): Promise<void> {
    const dialog = this.#dialog;
    this.#end();
    await dialog?.bye(reason);
  }

  #start(): void {
    if (this.#state !== 'rung' || this.#hunt !== undefined) return;
    this.#timer?.cancel();
    const { trunks, target } = this.#options;
    this.#servers = trunks.serversFor(target.trunk);
    if (this.#servers.length === 0) return this.#refuse('trunk has no server to try', 503);
    const policy = target.trunk.hunt ?? DEFAULT_HUNT;
    const { hunt, outputs } = startHunt(policy, this.#servers.length, target.moreFollow === true);
    this.#hunt = hunt;
    this.#perform(outputs, undefined);
  }

  #refuse(why: string, status: number): void {
    this.#options.logger.warn({ trunk: this.#options.target.trunk.name }, why);
    this.#end();
    this.#options.reports.onFailed(madeUp(status));
  }

  #end(): void {
    this.#state = 'over';
    this.#dialog = undefined;
    this.#timer?.cancel();
    this.#leave();
  }

  #leave(): void {
    this.#pass?.();
    this.#pass = undefined;
    this.#toll?.ended();
    this.#toll = undefined;
  }

  /** `reply`: the response that the input stands for. */
  #feed(input: HuntInput, reply: SipReply | undefined): void {
    if (this.#hunt === undefined) return;
    const { hunt, outputs } = stepHunt(this.#hunt, input);
    this.#hunt = hunt;
    this.#perform(outputs, reply);
  }

  #perform(outputs: readonly HuntOutput[], reply: SipReply | undefined): void {
    for (const output of outputs) this.#do(output, reply);
  }

  // One line for each kind of output.
  // oxlint-disable-next-line eslint/complexity
  #do(output: HuntOutput, reply: SipReply | undefined): void {
    const { reports } = this.#options;
    switch (output.kind) {
      case 'invite':
        return this.#invite(output.server, output.waitMs);
      case 'clear-timer':
        return this.#timer?.cancel();
      case 'cancel':
        return this.#attempts[output.server]?.invite.cancel(this.#cancelReason);
      case 'release':
        return void this.#attempts[output.server]?.dialog?.bye(LATE);
      case 'health':
        return this.#attempts[output.server]?.server.noteCall(output.isThere, reply);
      case 'ringing':
        return reports.onRinging(reply ?? madeUp(180));
      case 'answered':
        this.#dialog = this.#attempts[this.#hunt?.current ?? 0]?.dialog;
        this.#toll?.answered();
        return reports.onAnswered(reply ?? madeUp(200));
      case 'failed':
        this.#end();
        return reports.onFailed(reply?.status === output.status ? reply : madeUp(output.status));
    }
  }

  #invite(index: number, waitMs: number | undefined): void {
    const { link, clock, headers, target, logger, trunks, isEmergency } = this.#options;
    const server = this.#servers[index];
    if (server === undefined) return;
    const { numbers } = target.trunk.profile;
    // An emergency number is what it is everywhere.
    const number = isEmergency ? target.number : writeNumber(target.number, numbers, 'called');
    const uri = server.uriFor(number, numbers?.uri);
    const { nextHop } = server;
    logger.debug({ trunk: target.trunk.name, nextHop, attempt: index }, 'trunk server tried');
    const credentials = trunks.credentialsFor(target.trunk);
    const request = { uri, nextHop, headers: { ...headers, To: `<${uri}>` }, body: this.#offer, credentials };
    this.#attempts[index] = { server, invite: link.invite(request, this.#listener(index)), dialog: undefined };
    if (waitMs !== undefined)
      this.#timer = clock.after(waitMs, () => this.#feed({ kind: 'silent', server: index }, undefined));
  }

  #listener(index: number): OutboundListener {
    const { reports } = this.#options;
    const isOurs = (): boolean => this.#dialog !== undefined && this.#dialog === this.#attempts[index]?.dialog;
    return {
      onSent: (sipCallId) => {
        const server = this.#servers[index];
        if (index === this.#hunt?.current && server !== undefined) reports.onInvited(sipCallId, server.place);
      },
      onProvisional: (reply) => {
        const { status, body } = reply;
        if (status > 100) this.#feed({ kind: 'provisional', server: index, status, hasBody: body !== '' }, reply);
      },
      onAnswered: (dialog, reply) => {
        const attempt = this.#attempts[index];
        if (attempt !== undefined) attempt.dialog = dialog;
        this.#feed({ kind: 'answered', server: index }, reply);
      },
      onFailed: (reply) => this.#feed({ kind: 'failed', server: index, status: reply.status }, reply),
      onBye: (end) => {
        if (!isOurs()) return;
        this.#end();
        reports.onBye(end);
      },
      onAck: (body, cseq) => (isOurs() ? reports.onAck(body, cseq) : undefined),
      onOffer: (offer) => (isOurs() ? reports.onOffer(offer) : offer.reply(481)),
      onRequest: (request) => (isOurs() ? reports.onRequest(request) : request.reply(481)),
    };
  }
}

/** A response that nobody sent. */
function madeUp(status: number): SipReply {
  return { status, body: '', header: () => undefined };
}
