/**
 * NOTIFYs that overtake the 2xx of their SUBSCRIBE (RFC 6665 §4.1.2.4). Applications know the subscription by that 2xx,
 * so these wait until it has come, and the application had a moment to take it in.
 */
import type { EngineCore } from './core.ts';

/** A notifier sends one, or a few; more is somebody's mistake. */
const MAX_HELD = 8;
const SETTLE_MS = 20;

export class EarlyNotifies {
  readonly #core: EngineCore;
  /** By the dialog id their SUBSCRIBE will have. */
  readonly #expected = new Map<string, (() => void)[]>();

  constructor(core: EngineCore) {
    this.#core = core;
  }

  /** A SUBSCRIBE that will make this dialog is on its way. */
  expect(dialogId: string): void {
    if (!this.#expected.has(dialogId)) this.#expected.set(dialogId, []);
  }

  /** Keeps `act` until the SUBSCRIBE is answered. False when none is on its way. */
  hold(dialogId: string, act: () => void): boolean {
    const held = this.#expected.get(dialogId);
    if (held === undefined || held.length >= MAX_HELD) return false;
    held.push(act);
    return true;
  }

  /** The SUBSCRIBE has its final answer, or will never have one. */
  settle(dialogId: string): void {
    const held = this.#expected.get(dialogId);
    this.#expected.delete(dialogId);
    if (held === undefined || held.length === 0) return;
    this.#core.timers.after(SETTLE_MS, () => {
      for (const act of held) act();
    });
  }
}
