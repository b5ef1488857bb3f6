/** From bytes to the engine: shed floods, parse, note where it really came from, count. */
import type { Logger } from '../../kernel/index.ts';
import type { EngineInput, Flow } from '../engine/index.ts';
import {
  DEFAULT_PARSE_LIMITS,
  type ParseLimits,
  type ParseResult,
  parseMessage,
  type SipRequest,
  withReceived,
} from '../message/index.ts';
import type { NetTally } from './counters.ts';
import type { FloodGovernor } from './flood-governor.ts';

export interface IntakeSetup {
  readonly input: EngineInput;
  readonly messageBytes: number;
  /** Undefined: everybody may send as much as he likes. */
  readonly governor: FloodGovernor | undefined;
  readonly tally: NetTally;
  readonly logger: Logger;
}

interface Arrival {
  readonly flow: Flow;
  readonly data: Buffer;
  /** From a trunk, or from where somebody has registered. */
  readonly isFromKnown: boolean;
}

/** What a source is told that sends more than it may (RFC 3261 §21.5.4). */
const TOO_MUCH = { status: 503, reason: 'Service Unavailable', retryAfterSec: 10 } as const;

export class Intake {
  readonly #input: EngineInput;
  readonly #limits: ParseLimits;
  readonly #governor: FloodGovernor | undefined;
  readonly #tally: NetTally;
  readonly #logger: Logger;
  #isStopped = false;

  constructor({ input, messageBytes, governor, tally, logger }: IntakeSetup) {
    this.#input = input;
    this.#limits = { ...DEFAULT_PARSE_LIMITS, totalBytes: messageBytes };
    this.#governor = governor;
    this.#tally = tally;
    this.#logger = logger;
  }

  /** One datagram, WebSocket message or framed stretch of a stream. */
  received(flow: Flow, data: Buffer): void {
    const verdict = this.#governor?.judge(flow.remoteAddress, data) ?? 'known';
    if (verdict === 'refuse') this.#shed(flow, data);
    else if (verdict !== 'drop')
      this.#deliver({ flow, data, isFromKnown: verdict === 'known' }, parseMessage(data, this.#limits));
  }

  /** The beginning of something whose end cannot be told: a request in it is refused, nothing in it is served. */
  broken(flow: Flow, data: Buffer, status: number, reason: string): void {
    const result = parseMessage(data, this.#limits);
    const request = requestIn(result);
    const verdict: ParseResult =
      request === undefined ? { kind: 'dropped', reason } : { kind: 'refused', status, reason, request };
    this.#deliver({ flow, data, isFromKnown: false }, verdict);
  }

  /** Over its budget: answered without being served, where it can be. */
  #shed(flow: Flow, data: Buffer): void {
    const request = requestIn(parseMessage(data, this.#limits));
    if (request === undefined) return;
    const fixed = withReceived(request, flow.remoteAddress, flow.remotePort);
    this.#guarded(() => this.#input.refused({ flow, ...TOO_MUCH, request: fixed }));
  }

  /** Nothing more reaches the engine. */
  stop(): void {
    this.#isStopped = true;
  }

  connectionClosed(connectionId: number): void {
    this.#guarded(() => this.#input.connectionClosed(connectionId));
  }

  #deliver({ flow, data, isFromKnown }: Arrival, result: ParseResult): void {
    const fixed = (request: SipRequest): SipRequest => withReceived(request, flow.remoteAddress, flow.remotePort);
    switch (result.kind) {
      case 'message': {
        this.#tally.messagesIn++;
        const message = result.message.kind === 'request' ? fixed(result.message) : result.message;
        this.#guarded(() => this.#input.received({ flow, message, data, isFromKnown }));
        return;
      }
      case 'refused': {
        this.#tally.refused++;
        const { status, reason, request } = result;
        this.#logger.debug({ from: flow.remoteAddress, status, reason }, 'request refused');
        this.#guarded(() => this.#input.refused({ flow, status, reason, request: fixed(request) }));
        return;
      }
      case 'dropped':
        this.#tally.dropped++;
        this.#logger.debug({ from: flow.remoteAddress, reason: result.reason }, 'message dropped');
    }
  }

  /** One message must not take the sockets down with it: a fault of ours is reported and the next message is read. */
  #guarded(deliver: () => void): void {
    if (this.#isStopped) return;
    try {
      deliver();
    } catch (error) {
      this.#logger.error({ error }, 'engine failed on a message');
    }
  }
}

/** The request that can be answered, whether it is good or not. */
function requestIn(result: ParseResult): SipRequest | undefined {
  if (result.kind === 'refused') return result.request;
  if (result.kind === 'dropped' || result.message.kind === 'response' || result.message.method === 'ACK')
    return undefined;
  return result.message;
}
