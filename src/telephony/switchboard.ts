/** Takes in INVITEs and keeps the running calls. */
import {
  type AgentCallVerbs,
  type AgentFacts,
  type CallRecord,
  createCallId,
  type LocalCall,
  type LocalCallEvents,
  type LocalCallRequest,
  type MediaEvent,
  type NewCall,
  startCall,
} from '../calls/index.ts';
import { type CallId, type LegId, type PortId, type Timer } from '../kernel/index.ts';
import { isEmergencyUri } from '../sip/message/index.ts';
import { bypasses, type SetupContext, setUpCall } from './call-setup.ts';
import { type Caller, calledUri, identifyCaller, tenantOf } from './caller.ts';
import { CallerLeg } from './caller-leg.ts';
import { dialedUri } from './dialed-uri.ts';
import { telephonyErrors } from './errors.ts';
import { Holding } from './holding.ts';
import { type InviteTerms, judgeTerms } from './invite-terms.ts';
import { familyOf, LegMedia } from './leg-media.ts';
import { LiveCall } from './live-call.ts';
import { LocalCalls } from './local-calls.ts';
import { findObstacle } from './obstacles.ts';
import { Originator } from './originator.ts';
import { owedStatus, owedWarning } from './owed-answer.ts';
import { PartyCare } from './party-care.ts';
import { acceptedHeaders } from './passed-headers.ts';
import { canonicalReason } from './reason.ts';
import type { RecordBook } from './record-book.ts';
import { type RouteQuery, type Routing, routeUri } from './routing.ts';
import type { InboundInvite } from './sip-ports.ts';

import { TransferDesk } from './transfer-desk.ts';
import type { Replaced } from './transfer-target.ts';
import type { TrunkPass } from './trunk-limits.ts';
import { VerbDesk } from './verb-desk.ts';

const DEFAULT_MAX_FORWARDS = 70;
/** Seconds after which a trunk over its limits may try again. */
const LIMIT_RETRY_SEC = '2';

export interface SwitchboardParts extends Omit<SetupContext, 'verbsOf'> {
  readonly records: RecordBook;
}

interface SwitchboardContext extends SwitchboardParts, SetupContext {}

/** A call that is taken in and not routed yet. */
interface TakenCall {
  readonly live: LiveCall;
  readonly caller: Caller;
  readonly inbound: LegMedia;
  readonly callerLeg: CallerLeg;
  /** What Max-Forwards leaves us. */
  readonly maxForwards: number;
}

interface Taken {
  readonly invite: InboundInvite;
  readonly caller: Caller;
  readonly terms: InviteTerms;
  readonly maxForwards: number;
}

export class Switchboard {
  readonly #context: SwitchboardContext;
  readonly #calls = new Map<CallId, LiveCall>();
  /** Calls that have ended and still wait for BYEs and ports. */
  readonly #ending = new Set<LiveCall>();
  readonly #desk: TransferDesk;
  readonly #verbs: VerbDesk;
  readonly #localCalls: LocalCalls;
  readonly #originator: Originator;
  readonly #care: PartyCare;
  #isClosed = false;

  constructor(parts: SwitchboardParts) {
    const { media, clock, logger, domain } = parts.options;
    const context = {
      ...parts,
      verbsOf: (live: LiveCall, legId: LegId, facts: AgentFacts) => this.#verbs.ofAgent(live, legId, facts),
    };
    this.#context = context;
    const holding = new Holding(media);
    this.#care = new PartyCare(media, logger, holding);
    const deskContext = {
      ...context,
      openCall: (born: Omit<NewCall, 'callId'>) => this.#open(born),
      route: async (query: RouteQuery) => this.#routeTo(query),
    };
    this.#desk = new TransferDesk(deskContext, holding);
    this.#localCalls = new LocalCalls({ ...deskContext, keys: this.#desk });
    this.#verbs = new VerbDesk({
      desk: this.#desk,
      holding,
      legs: parts.legs,
      media,
      clock,
      domain,
      profile: () => parts.settings.profiles.phones,
    });
    this.#originator = new Originator({
      ...context,
      verbs: this.#verbs,
      openCall: (born) => this.#open(born),
      route: async (query) => this.#routeTo(query),
    });
  }

  get activeCalls(): number {
    return this.#calls.size;
  }

  record(callId: string): CallRecord | undefined {
    return this.#calls.get(callId as CallId)?.record;
  }

  async recordNow(callId: string): Promise<CallRecord | undefined> {
    return this.#calls.get(callId as CallId)?.recordNow();
  }

  get originator(): Originator {
    return this.#originator;
  }

  verbs(callId: string, party: string): AgentCallVerbs | undefined {
    const live = this.#calls.get(callId as CallId);
    if (live === undefined) return undefined;
    const { inbound, branches, state } = live.call;
    const callee = 'winner' in state ? state.winner : branches[0]?.legId;
    const wanted = party === 'caller' ? inbound.legId : party === 'callee' ? callee : party;
    const leg = [inbound, ...branches].find(({ legId }) => legId === wanted);
    return leg === undefined ? undefined : this.#verbs.ofParty(live, leg.legId);
  }

  /** A party that comes over a connection of its own calls. */
  placeLocal(request: LocalCallRequest, events: LocalCallEvents): LocalCall {
    return this.#localCalls.place(request, events);
  }

  onMedia(event: MediaEvent): void {
    // The port keeps the name of the call it was opened for.
    (this.#context.legs.find(event.legId)?.home ?? this.#calls.get(event.callId))?.onMedia(event);
  }

  /** The engine is gone, and every dialog with it. */
  dropAll(): void {
    for (const live of this.#calls.values()) live.feed({ kind: 'failed', sipStatus: 503 });
  }

  onInvite(invite: InboundInvite): void {
    if (this.#isClosed) {
      invite.reply(503, { 'Retry-After': '10' });
      return;
    }
    const maxForwards = Number(invite.header('Max-Forwards') ?? DEFAULT_MAX_FORWARDS);
    if (!(maxForwards > 0)) {
      invite.reply(483);
      return;
    }
    const obstacle = findObstacle(invite);
    if (obstacle !== undefined) {
      invite.reply(obstacle.status, obstacle.headers);
      return;
    }
    const who = identifyCaller(invite, this.#context.settings);
    if (who.kind === 'refused') {
      invite.reply(who.status, who.headers);
      return;
    }
    const { caller } = who;
    const judged = judgeTerms(caller.profile, (name) => invite.header(name));
    if (judged.kind === 'refused') invite.reply(judged.status, judged.headers);
    else this.#admit({ invite, caller, terms: judged.terms, maxForwards: Math.min(maxForwards, 255) - 1 });
  }

  /** A trunk over its limits is told to come again (RFC 3261 §21.5.4). */
  #admit(taken: Taken): void {
    const { invite, caller } = taken;
    if (caller.kind !== 'trunk') return this.#take(taken, () => {});
    const { trunks, options, settings } = this.#context;
    const isEmergency = isEmergencyUri(
      calledUri(dialedUri(invite, caller, settings.domain), caller),
      new Set(settings.emergencyNumbers),
    );
    const pass = trunks.enter(caller.trunk, 'inbound', isEmergency);
    if (pass !== undefined) return this.#take(taken, pass);
    options.logger.warn({ trunk: caller.trunk.name, sipCallId: invite.sipCallId }, 'trunk limit reached');
    invite.reply(503, { 'Retry-After': LIMIT_RETRY_SEC });
  }

  /** Ends every call. Resolves when the other sides have been told, or when `withinMs` have passed. */
  async close(withinMs: number): Promise<void> {
    this.#isClosed = true;
    const calls = [...this.#calls.values(), ...this.#ending];
    for (const live of calls) live.feed({ kind: 'shutdown' });
    const { clock } = this.#context.options;
    let timer: Timer | undefined;
    const expired = new Promise<void>((resolve) => {
      timer = clock.after(withinMs, resolve);
    });
    await Promise.race([Promise.all(calls.map(async (live) => live.settled())), expired]);
    timer?.cancel();
  }

  #take({ invite, caller, terms, maxForwards }: Taken, leave: TrunkPass): void {
    const { options } = this.#context;
    const { random } = options;
    const legId = random.hex(8) as LegId;
    const portId = `port-${legId}` as PortId;
    const isWeb = caller.profile.media === 'webrtc';
    const inboundLeg = {
      legId,
      portId,
      kind: isWeb ? ('webrtc' as const) : ('sip' as const),
      party: caller.identity.uri,
      sipCallId: invite.sipCallId,
    };
    const trunk = caller.kind === 'trunk' ? caller.trunk.name : undefined;
    const { transport, address, port } = invite.source;
    const live = this.#open({
      from: caller.identity.uri,
      to: calledUri(dialedUri(invite, caller, this.#context.settings.domain), caller),
      trunk,
      tenant: tenantOf(caller),
      user: caller.kind === 'user' ? caller.user.name : undefined,
      source: `${transport}:${address}:${port}`,
      inbound: inboundLeg,
    });
    const { callId } = live.call;
    const { legs } = this.#context;
    legs.add({ legId, home: live, party: caller, onForgotten: leave });
    const home = (): LiveCall => legs.find(legId)?.home ?? live;
    const callerLeg = new CallerLeg(invite, terms, {
      onCancelled: (reason) => live.feed({ kind: 'caller-cancelled', reason: canonicalReason(reason) }),
      onAnswered: () => live.onCallerAnswered(),
      onAck: (body, cseq) => (home() === live ? live.onCallerAck(body, cseq) : home().onAck(legId, body, cseq)),
      onPrack: (body) => live.onPrack(body),
      onBye: (end) => home().onBye(legId, end),
      onOffer: (offer) => home().onOffer(legId, offer),
      onRequest: (inDialog) => home().onRequest(legId, inDialog),
    });
    live.start(callerLeg);
    const family = familyOf(invite.source.address);
    const inbound = new LegMedia({
      owner: { callId, legId, portId },
      kind: isWeb ? 'webrtc' : 'rtp',
      profile: caller.profile,
      media: options.media,
      random,
      isSecure: transport === 'tls' || transport === 'wss',
      // Behind a trunk may be anybody.
      signalingAddress: caller.kind === 'trunk' ? undefined : address,
      ...(family === undefined ? {} : { family }),
    });
    const taken = { live, caller, inbound, callerLeg, maxForwards };
    void this.#route(taken).catch((error: unknown) => {
      live.logger.error({ err: error }, 'call not routed');
      live.feed({ kind: 'failed', sipStatus: 500 });
    });
  }

  #open(born: Omit<NewCall, 'callId'>): LiveCall {
    const { options, records } = this.#context;
    const { observer, clock, random, logger, domain } = options;
    const startedAt = clock.wallTime();
    const callId = createCallId(startedAt, random);
    const live = new LiveCall({
      started: startCall({ ...born, callId }, startedAt),
      records,
      observer,
      clock,
      random,
      logger,
      domain,
      care: this.#care,
      requests: this.#desk,
      lossCheckMs: this.#context.timers.lossCheckMs,
      onEnded: (ended) => this.#onEnded(ended),
    });
    this.#calls.set(callId, live);
    return live;
  }

  /** The caller may hang up while the route is being decided. */
  async #route(taken: TakenCall): Promise<void> {
    const { live, caller, callerLeg } = taken;
    const { invite } = callerLeg;
    const replaced = this.#desk.replacedBy(invite, caller);
    if (replaced !== undefined) {
      this.#replace(taken, replaced);
      return;
    }
    const routing = await this.#routeTo({
      uri: dialedUri(invite, caller, this.#context.settings.domain),
      party: caller,
      header: (name) => invite.header(name),
      transport: invite.source.transport,
      callId: live.call.callId,
      signal: live.signal,
    });
    if (live.call.state.kind !== 'routing') return;
    live.logger.info({ rule: routing.rule, outcome: routing.kind }, 'route decided');
    if (routing.kind === 'refused')
      live.route({ kind: 'refused', sipStatus: routing.status, route: routing.rule }, undefined);
    else this.#ring(taken, routing);
  }

  #routeTo(query: RouteQuery): Promise<Routing> {
    const { options, registrar, settings, trunks: directory } = this.#context;
    const { clock, routeHook, observer } = options;
    const { domain, dialplan, emergencyNumbers, authenticator } = settings;
    return routeUri(query, {
      domain,
      dialplan,
      emergencyNumbers,
      directory,
      authenticator,
      registrar,
      clock,
      observer,
      routeHook,
      agents: options.agents,
    });
  }

  /** The caller takes a party's place in a call that stands (RFC 3891). */
  #replace({ live, inbound, callerLeg }: TakenCall, replaced: Replaced | number): void {
    if (typeof replaced === 'number') {
      live.route({ kind: 'refused', sipStatus: replaced }, undefined);
      return;
    }
    const { body } = callerLeg.invite;
    // Without an offer of its own the caller would have to take the codec that the remaining party happens to use.
    if (body !== '' && this.#isUsable({ live, inbound, callerLeg }, body)) this.#desk.replace(live, inbound, replaced);
    else live.route({ kind: 'refused', sipStatus: 488 }, undefined);
  }

  #ring(
    { live, caller, inbound, callerLeg, maxForwards }: TakenCall,
    routing: Extract<Routing, { kind: 'stages' }>,
  ): void {
    const { invite } = callerLeg;
    const header = (name: string): string | undefined => invite.header(name);
    const { body: offer, locations } = invite;
    const accepted = acceptedHeaders(invite, caller.profile.headers?.accept);
    const request = { live, caller, inbound, offer, header, accepted, locations, maxForwards, routing };
    if (!bypasses(request) && !this.#isUsable({ live, inbound, callerLeg }, invite.body, routing.rule)) return;
    const { parts, input } = setUpCall(request, this.#context);
    live.route(input, parts);
  }

  /** False: the offer cannot lead to audio, and the caller has been told. */
  #isUsable(
    { live, inbound, callerLeg }: Pick<TakenCall, 'live' | 'inbound' | 'callerLeg'>,
    offer: string,
    rule = '',
  ): boolean {
    try {
      checkOffer(inbound, offer);
      return true;
    } catch (error) {
      const status = owedStatus(error, 488);
      live.logger.info({ err: error }, 'offer refused');
      callerLeg.refuse(status, owedWarning(error, this.#context.options.domain));
      live.route({ kind: 'refused', sipStatus: status, route: rule }, undefined);
      return false;
    }
  }

  #onEnded(live: LiveCall): void {
    this.#desk.onEnded(live);
    this.#context.legs.forget(live);
    this.#calls.delete(live.call.callId);
    this.#ending.add(live);
    // In a later turn: the call is still adding to what must settle.
    queueMicrotask(() => void this.#forget(live));
  }

  async #forget(live: LiveCall): Promise<void> {
    await live.settled();
    this.#ending.delete(live);
  }
}

/** Throws what the caller is owed for an offer that cannot lead to audio. To make none is its right. */
function checkOffer(inbound: LegMedia, offer: string): void {
  if (offer === '') return;
  const { codecs } = inbound.hear(offer).audio;
  if (!codecs.some((codec) => inbound.profile.codecs.includes(codec.name)))
    throw telephonyErrors.TELEPHONY_NO_COMMON_CODEC();
}
