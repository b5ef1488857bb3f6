/** What a transfer is asked for with when no REFER does, and what carries it out. */
import type { LegId } from '../kernel/index.ts';
import type { Caller } from './caller.ts';
import type { LiveCall } from './live-call.ts';
import type { RouteQuery, Routing } from './routing.ts';
import type { TransferCallContext } from './transfer-call.ts';

export interface DeskContext extends TransferCallContext {
  readonly route: (query: RouteQuery) => Promise<Routing>;
}

/** Somebody of the house who asks for a transfer without a REFER. */
export interface Asker {
  /** With whose rights. */
  readonly party: Caller;
  /** Whether that number may be called through a trunk on its behalf. */
  readonly mayDial: (number: string) => boolean;
}

export interface TransferOrder {
  readonly live: LiveCall;
  readonly transferee: LegId;
  readonly uri: string;
  readonly asker: Asker;
}
