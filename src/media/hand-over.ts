/**
 * One port towards a SIP peer that may be left to mediasoup and taken back. Its two directions are taken back apart:
 * what the peer changes by itself concerns only what it sends, and our stream towards it runs on untouched.
 */
import type { PortReport } from '../calls/index.ts';
import type { Clock, Logger, PortId, Timer } from '../kernel/index.ts';
import type { DigitPress } from '../rtp/index.ts';
import type { AudioFormat } from '../sdp/index.ts';
import { type DigitSide, DirectPath } from './direct-path.ts';
import type { Edge, Place, ProvenFlow } from './edge/index.ts';
import { emptyReport } from './empty-report.ts';
import { type FlowSample, isReplaced, judgeFlow } from './flow-judge.ts';
import type { WebRtcPort } from './webrtc-port.ts';
import { addReport } from './webrtc-report.ts';

/** Between two looks at what comes, ms. */
const lookMs = 1000;
/** A flow that is taken back because of what it does has to prove itself for twice as long, up to this, ms. */
const mostPatienceMs = 60_000;
/** After which, with nothing sent by us, the edge is to send silence instead, ms. */
const mutedMs = 5000;
/** Within which a packet must come from a flow that runs, ms. */
const momentMs = 45;

/**
 * `receiving`: what the peer sends. `all`: what we send as well. `for-good`: the way is of no use any more, because the
 * peer's address, the format or the browser Leg is another one.
 */
export type TakeBack = 'receiving' | 'all' | 'for-good';

export interface HandOverParts {
  readonly portId: PortId;
  readonly edge: Edge;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long a flow is carried at least after it was taken back, ms. */
  readonly stableMs: number;
  /** A key that only mediasoup has seen. */
  readonly onDigit: (from: DigitSide, press: DigitPress) => void;
}

export class HandOver {
  readonly #parts: HandOverParts;
  #place: Place = 'carrying';
  #path: DirectPath | undefined;
  /** The way before it, which may still take what was queued. */
  #former: DirectPath | undefined;
  #web: WebRtcPort | undefined;
  #isSending = false;
  /** Over ways that are closed. */
  #before: PortReport;
  #look: Timer | undefined;
  #samples: readonly FlowSample[] = [];
  /** When it was that what we send grew to this, bytes. */
  #sent = { bytes: -1, atMs: 0 };
  #patienceMs: number;
  #notBeforeMs = 0;
  #sinceMs = 0;
  /** Before the stretch that lasts. */
  #awayMs = 0;
  /** Ways that are about to be closed. */
  #forgetting: Promise<unknown> = Promise.resolve();
  /** One step after another. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(parts: HandOverParts) {
    this.#parts = parts;
    this.#before = emptyReport(parts.portId);
    this.#patienceMs = parts.stableMs;
  }

  /** Whether mediasoup receives what the peer sends. */
  get isAway(): boolean {
    return this.#place === 'away';
  }

  /** For how long mediasoup has received what the peer sends. */
  get awayMs(): number {
    return this.#awayMs + (this.isAway ? this.#parts.clock.now() - this.#sinceMs : 0);
  }

  /** Whether keys of this side are seen by mediasoup, and not by the edge. */
  sees(side: DigitSide): boolean {
    return side === 'peer' ? this.isAway : this.#isSending;
  }

  /** Leaves the port to mediasoup. When that fails the edge goes on carrying. */
  handOver(flow: ProvenFlow, web: WebRtcPort, format: AudioFormat): Promise<void> {
    return this.#inTurn(async () => {
      if (this.isAway || this.#parts.clock.now() < this.#notBeforeMs) return;
      const { portId, logger } = this.#parts;
      try {
        await this.#leave(flow, web, format);
        logger.debug({ portId }, 'media handed over');
      } catch (error) {
        await this.#comeBack('for-good', 0);
        this.#beMorePatient();
        logger.warn({ portId, error }, 'media could not be handed over');
      }
    });
  }

  /** The edge carries again when this resolves. */
  takeBack(what: TakeBack): Promise<void> {
    return this.#inTurn(async () => {
      this.#notBeforeMs = Math.max(this.#notBeforeMs, this.#parts.clock.now() + this.#parts.stableMs);
      await this.#comeBack(what, 0);
    });
  }

  /** Our direction changed: on hold nothing is sent, whoever sends. */
  sendOnly(isSending: boolean): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#place !== 'carrying') await this.#path?.send(isSending);
    });
  }

  /** What went over ways of mediasoup alone so far. */
  async report(): Promise<PortReport> {
    await this.#forgetting;
    return this.#path === undefined ? this.#before : addReport(this.#before, await this.#path.report());
  }

  /** Takes back for good, and says what mediasoup carried. */
  async close(): Promise<PortReport> {
    await this.takeBack('for-good');
    this.#former?.hurry();
    return this.report();
  }

  /** Somebody's packets find nobody: takes back if they are of this port, and says whether. */
  async lookAround(): Promise<boolean> {
    const path = this.#path;
    if (!this.isAway || path === undefined) return false;
    const before = await path.bytes();
    await new Promise<void>((resolve) => void this.#parts.clock.after(momentMs, resolve));
    if (!isReplaced(before, await path.bytes())) return false;
    await this.#flowChanged('receiving', 0, 'its SSRC is another one');
    return true;
  }

  async #leave(flow: ProvenFlow, web: WebRtcPort, format: AudioFormat): Promise<void> {
    const { edge, portId, clock, onDigit } = this.#parts;
    const { producer: says, shared } = web;
    if (says === undefined) return;
    if (this.#path !== undefined && !this.#path.leadsTo(flow)) await this.#comeBack('for-good', 0);
    this.#path ??= await DirectPath.open({ edge, portId, shared, says, format, flow, clock, onDigit });
    this.#web = web;
    await web.hearDirect(await this.#path.take(flow.ssrc));
    if (!this.#isSending) {
      // One after the other: a packet may go out twice between the two, and none is lost.
      await this.#path.send(true);
      await this.#path.watchBrowser(true);
      await web.feedEdge(false);
      this.#isSending = true;
    }
    await edge.place({ portId, place: 'away', silentMs: 0 });
    this.#place = 'away';
    this.#sinceMs = clock.now();
    this.#samples = [];
    this.#sent = { bytes: -1, atMs: 0 };
    this.#lookLater();
  }

  async #comeBack(what: TakeBack, silentMs: number): Promise<void> {
    const { edge, portId, logger } = this.#parts;
    this.#look?.cancel();
    try {
      await this.#receiveAgain(what === 'receiving' ? 'listening' : 'carrying', silentMs);
      if (what !== 'receiving') await this.#sendAgain();
    } catch (error) {
      this.#awayMs = this.awayMs;
      this.#place = 'carrying';
      this.#isSending = false;
      await edge.place({ portId, place: 'carrying', silentMs }).catch(() => {});
      logger.debug({ portId, error }, 'media taken back from a worker that is gone');
    }
    if (what !== 'for-good' || this.#path === undefined) return;
    this.#forgetting = Promise.all([this.#forgetting, this.#forget(this.#path)]);
    this.#former = this.#path;
    this.#path = undefined;
  }

  async #receiveAgain(place: 'listening' | 'carrying', silentMs: number): Promise<void> {
    const { edge, portId } = this.#parts;
    const wasAway = this.isAway;
    if (wasAway) await this.#web?.hearDirect(undefined);
    else if (place === 'listening' || this.#place === 'carrying') return;
    await edge.place({ portId, place, silentMs });
    this.#awayMs = this.awayMs;
    this.#place = place;
    if (wasAway) this.#path?.give();
  }

  /** One after the other: a packet may go out twice between the two, and none is lost. */
  async #sendAgain(): Promise<void> {
    if (!this.#isSending) return;
    this.#isSending = false;
    await this.#web?.feedEdge(true);
    await Promise.all([this.#path?.send(false), this.#path?.watchBrowser(false)]);
  }

  /** What is queued for the way is still taken: nobody waits for that. */
  async #forget(path: DirectPath): Promise<void> {
    this.#before = addReport(this.#before, await path.report());
    path.close();
  }

  /** The flow is not what it was when it was proven. */
  async #flowChanged(what: TakeBack, silentMs: number, why: string): Promise<void> {
    await this.#inTurn(async () => {
      if (!this.isAway) return;
      await this.#comeBack(what, silentMs);
      this.#beMorePatient();
      this.#parts.logger.debug({ portId: this.#parts.portId, why }, 'media taken back');
    });
  }

  #beMorePatient(): void {
    const nowMs = this.#parts.clock.now();
    const wasSteady = this.#sinceMs > 0 && nowMs - this.#sinceMs > mostPatienceMs;
    this.#patienceMs = wasSteady ? this.#parts.stableMs : Math.min(this.#patienceMs * 2, mostPatienceMs);
    this.#notBeforeMs = nowMs + this.#patienceMs;
  }

  #lookLater(): void {
    this.#look = this.#parts.clock.after(lookMs, () => void this.#lookNow());
  }

  async #lookNow(): Promise<void> {
    const path = this.#path;
    if (path === undefined || !this.isAway) return;
    try {
      const sample = { ...(await path.bytes()), atMs: this.#parts.clock.now() };
      if (!this.isAway || path !== this.#path) return;
      const [before, last] = this.#samples.length > 1 ? this.#samples : [undefined, this.#samples[0]];
      const verdict = judgeFlow(before, last, sample);
      if (verdict.kind === 'gone')
        return await this.#flowChanged('receiving', verdict.silentMs, 'it stands, or comes from elsewhere');
      if (this.#isMuted(sample)) return await this.#flowChanged('all', 0, 'nothing is sent to it');
      this.#samples = last === undefined ? [sample] : [last, sample];
      this.#lookLater();
    } catch (error) {
      // The worker has died, and the Leg with it.
      this.#parts.logger.debug({ portId: this.#parts.portId, error }, 'media could not be looked at');
    }
  }

  #isMuted({ sent, atMs }: { readonly sent: number; readonly atMs: number }): boolean {
    if (sent !== this.#sent.bytes) this.#sent = { bytes: sent, atMs };
    return atMs - this.#sent.atMs >= mutedMs;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => {});
    return result;
  }
}
