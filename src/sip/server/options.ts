/** What the embedded engine is started with. Plain data: it travels to the thread. */
import type { EngineOptions } from '../engine/index.ts';
import type { Exemptions, SipListenerOptions, SipNetLimits, TlsPeer } from '../net/index.ts';
import type { MessageLogLimits } from './message-shelf.ts';
import type { LogLevel } from './remote-log.ts';
import type { RequestHandlerOptions } from './request-handlers.ts';

export interface SipServerOptions {
  /** Outbound mode: who is asked about requests, or gets them on a connection of its own. The first that matches counts. */
  readonly requestHandlers?: readonly RequestHandlerOptions[];
  readonly listeners: readonly SipListenerOptions[];
  /** Values of Origin whose WebSockets are let in; all when absent. */
  readonly allowedOrigins?: readonly string[];
  /** What a front must present to be believed about the addresses of the WebSocket clients behind it. */
  readonly frontSecret?: string;
  /** Peers that TLS is done with in another way than with the rest of the world. */
  readonly tlsPeers?: readonly TlsPeer[];
  readonly limits?: Partial<SipNetLimits>;
  /** What limits and load do not stop. Default: nothing. */
  readonly exemptions?: Exemptions;
  /** Keeps the messages of calls; absent: none are kept. */
  readonly messageLog?: MessageLogLimits;
  /** Timers and the like; what is absent has its default. */
  readonly engine?: Partial<EngineOptions>;
  /** Where applications connect, on 127.0.0.1; 0 or absent for any free port. */
  readonly wirePort?: number;
  /** What applications must say there; made up when absent. */
  readonly wireSecret?: string;
  /** Lines below it stay in the thread. */
  readonly logLevel: LogLevel;
}

/** How an application reaches the engine. */
export interface WireAddress {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
}
