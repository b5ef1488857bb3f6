/**
 * When a rule holds: weekdays, hours, dates and holidays, by the clock on the wall of the dialplan's time zone. Hours
 * that cross midnight belong to the day on which they begin: the small hours of Saturday are still Friday's night.
 */
import { z } from 'zod';

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const DAY = `(?:${DAYS.join('|')})`;
const DATE = String.raw`(?:\d{4}-)?(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])`;

const daysSchema = z
  .string()
  .regex(new RegExp(`^${DAY}(?:-${DAY})?$`, 'u'), 'must be a weekday or a range of them: mon, tue … sun, mon-fri');
const hoursSchema = z
  .string()
  .regex(/^(?:[01]\d|2[0-3]):[0-5]\d-(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/u, 'must be as 08:00-18:00 or 22:00-06:00');
const datesSchema = z
  .string()
  .regex(
    new RegExp(`^${DATE}(?:\\.\\.${DATE})?$`, 'u'),
    'must be a date or a range: 2026-12-24, 12-24 (each year), 2026-12-24..2027-01-02, 12-24..01-02',
  )
  .refine((text) => new Set(text.split('..').map((each) => each.length)).size === 1, {
    error: 'both ends of a range need the year, or neither',
  });

export const holidaySchema = z
  .string()
  .regex(new RegExp(`^${DATE}$`, 'u'), 'must be a date: 2026-12-24, or 12-24 for each year');

export const zoneSchema = z
  .string()
  .max(64)
  .refine(isZone, { error: 'is no time zone; use a name of the IANA database, as Europe/Berlin or UTC' });

/** One text or a list of them. */
const listOf = (one: z.ZodType<string, string>) =>
  z
    .union([z.string(), z.array(z.string()).min(1).max(64)], 'must be a text or a list of texts')
    .transform((value) => [value].flat())
    .pipe(z.array(one));

export const timeSchema = z.strictObject({
  days: listOf(daysSchema).optional().describe('weekdays, as mon-fri or [mon, wed]'),
  hours: listOf(hoursSchema).optional().describe('from-to, as 08:00-18:00; the end does not belong to it'),
  dates: listOf(datesSchema).optional().describe('dates or ranges, both ends included'),
  holidays: z.boolean().optional().describe('true: only on a holiday; false: never on one'),
});

export type TimeCondition = z.infer<typeof timeSchema>;

export interface Calendar {
  readonly timezone: string;
  readonly holidays: readonly string[];
}

/** A moment on the wall: `2026-12-24`, 4 (0 is Monday), minutes since midnight. */
interface WallTime {
  readonly date: string;
  readonly day: number;
  readonly minute: number;
}

/** Whether the condition holds at `at`, milliseconds since 1970. */
export function matchTime(condition: TimeCondition, at: number, calendar: Calendar): boolean {
  const now = wallTime(at, calendar.timezone);
  if (condition.hours === undefined) return matchDay(condition, now, calendar);
  return condition.hours.some((hours) => {
    const [from = 0, to = 0] = hours.split('-').map(minutesOf);
    if (from <= to) return now.minute >= from && now.minute < to && matchDay(condition, now, calendar);
    if (now.minute >= from) return matchDay(condition, now, calendar);
    // Noon of the day before: an hour more or less for the change of clocks does not leave that day.
    const yesterday = wallTime(at - (now.minute + 720) * 60_000, calendar.timezone);
    return now.minute < to && matchDay(condition, yesterday, calendar);
  });
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** `Thu 2026-12-24 20:00`, for people. */
export function formatWallTime(at: number, timezone: string): string {
  const { date, day, minute } = wallTime(at, timezone);
  const name = DAYS[day] ?? '';
  return `${name.charAt(0).toUpperCase()}${name.slice(1)} ${date} ${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

function matchDay({ days, dates, holidays }: TimeCondition, { date, day }: WallTime, calendar: Calendar): boolean {
  if (days !== undefined && !days.some((range) => isInDays(range, day))) return false;
  if (dates !== undefined && !dates.some((range) => isInDates(range, date))) return false;
  return holidays === undefined || holidays === calendar.holidays.some((each) => isInDates(each, date));
}

function isInDays(range: string, day: number): boolean {
  const [from = 0, to = from] = range.split('-').map((name) => DAYS.findIndex((each) => each === name));
  return from <= to ? day >= from && day <= to : day >= from || day <= to;
}

/** Texts of one length in this form sort as the dates do. */
function isInDates(range: string, date: string): boolean {
  const [from = '', to = from] = range.split('..');
  const asked = date.slice(-from.length);
  return from <= to ? asked >= from && asked <= to : from.length === 5 && (asked >= from || asked <= to);
}

function minutesOf(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  return hours * 60 + minutes;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timezone: string): Intl.DateTimeFormat {
  const known = formats.get(timezone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    calendar: 'gregory',
    hourCycle: 'h23',
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  });
  formats.set(timezone, made);
  return made;
}

function isZone(name: string): boolean {
  try {
    formatOf(name);
    return true;
  } catch {
    return false;
  }
}

function wallTime(at: number, timezone: string): WallTime {
  const parts = new Map(
    formatOf(timezone)
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  );
  const of = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? '';
  return {
    date: `${of('year').padStart(4, '0')}-${of('month')}-${of('day')}`,
    day: DAYS.findIndex((name) => name === of('weekday').toLowerCase()),
    minute: Number(of('hour')) * 60 + Number(of('minute')),
  };
}
