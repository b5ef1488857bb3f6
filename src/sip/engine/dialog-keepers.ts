import type { DialogEndings } from './dialog-endings.ts';
import type { SessionTimers } from './session-timers.ts';

/** What the engine does to dialogs by itself: end them, keep them alive. */
export interface DialogKeepers {
  readonly endings: DialogEndings;
  readonly sessions: SessionTimers;
}
