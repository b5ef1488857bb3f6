import type { Clock, Logger, Random } from '../../kernel/index.ts';
import type { EngineOptions } from './options.ts';
import type { AppId, AppMessage, EngineApps, EngineHandlers, EngineNet, SipTransport } from './ports.ts';
import type { TimerQueue } from './timer-queue.ts';

/** What every part of the engine works with. */
export interface EngineCore {
  readonly net: EngineNet;
  readonly apps: EngineApps;
  /** Undefined outside of outbound mode. */
  readonly handlers: EngineHandlers | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly options: EngineOptions;
  readonly timers: TimerQueue;
}

/** Answers a command that could not be done. */
export function refuseCommand(core: EngineCore, app: AppId, id: string, text: string): void {
  const message: AppMessage = { kind: 'response', id, fields: ['NOK', text], message: undefined };
  core.apps.send(app, message, false);
}

export function createTag(random: Random): string {
  return random.hex(8);
}

/** A branch with the magic cookie of RFC 3261 §8.1.1.7. */
export function createBranch(random: Random): string {
  return `z9hG4bK${random.hex(8)}`;
}

/** A first CSeq number, with room for every request that follows (RFC 3261 §8.1.1.5). */
export function createSequence(random: Random): number {
  return (random.uint32() >>> 4) + 1;
}

/** What applications are told of a transport: drachtio-server says tcp of WebSockets (drachtio-protocol §4). */
export function protoName(core: EngineCore, transport: SipTransport): SipTransport {
  return core.options.strict && (transport === 'ws' || transport === 'wss') ? 'tcp' : transport;
}
