/** What one tenant has spent, by the hour and the day (UTC). Plain data that survives a restart. */
import type { Budget } from './policy.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export interface Ledger {
  /** Hours and days since 1970. */
  readonly hour: number;
  readonly unitsThisHour: number;
  readonly day: number;
  readonly unitsToday: number;
}

export const EMPTY_LEDGER: Ledger = { hour: 0, unitsThisHour: 0, day: 0, unitsToday: 0 };

/** The ledger with `units` more. What was spent in an hour or a day that is over does not count any more. */
export function charge(ledger: Ledger, units: number, now: number): Ledger {
  const [hour, day] = [Math.floor(now / HOUR_MS), Math.floor(now / DAY_MS)];
  return {
    hour,
    unitsThisHour: (ledger.hour === hour ? ledger.unitsThisHour : 0) + units,
    day,
    unitsToday: (ledger.day === day ? ledger.unitsToday : 0) + units,
  };
}

/** Until when nothing more may be spent; undefined: there is something left. */
export function spentUntil(ledger: Ledger, budget: Budget, now: number): number | undefined {
  const current = charge(ledger, 0, now);
  if (budget.unitsPerDay !== undefined && current.unitsToday >= budget.unitsPerDay) return (current.day + 1) * DAY_MS;
  if (budget.unitsPerHour !== undefined && current.unitsThisHour >= budget.unitsPerHour)
    return (current.hour + 1) * HOUR_MS;
  return undefined;
}
