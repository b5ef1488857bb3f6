/** What the engine's thread and the thread that started it say to each other. */
import type { ListenerAddress } from '../engine/index.ts';
import type { Exemptions, TlsUpdate } from '../net/index.ts';
import type { LoggedMessage } from './message-log.ts';
import type { SipServerOptions, WireAddress } from './options.ts';
import type { SipCounters } from './parts.ts';
import type { Pulse } from './pulse.ts';
import type { LogLine } from './remote-log.ts';

/** What the thread is born with. */
export interface SipThreadData {
  readonly options: SipServerOptions;
  readonly pulse: Pulse;
}

/** To the engine's thread. */
export type SipThreadOrder =
  | { readonly kind: 'counters'; readonly id: number }
  | { readonly kind: 'messages'; readonly id: number; readonly sipCallIds: readonly string[] }
  | { readonly kind: 'tls'; readonly update: TlsUpdate }
  | { readonly kind: 'exempt'; readonly exemptions: Exemptions }
  | { readonly kind: 'close' };

/** A CodedError as plain data. */
export interface PlainError {
  readonly code: string;
  readonly text: string;
  readonly retryable: boolean;
}

/** From the engine's thread. */
export type SipThreadReport =
  | { readonly kind: 'ready'; readonly wire: WireAddress; readonly listeners: readonly ListenerAddress[] }
  | { readonly kind: 'failed'; readonly error: PlainError }
  | { readonly kind: 'log'; readonly line: LogLine }
  | { readonly kind: 'counters'; readonly id: number; readonly counters: SipCounters; readonly cpuMs: number }
  | { readonly kind: 'messages'; readonly id: number; readonly messages: readonly LoggedMessage[] };
