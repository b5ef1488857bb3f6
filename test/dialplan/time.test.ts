import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDialplan } from '../../src/dialplan/index.ts';
import { formatWallTime, matchTime, type TimeCondition, timeSchema } from '../../src/dialplan/time.ts';

const calendar = { timezone: 'Europe/Berlin', holidays: ['2026-10-03', '12-25'] };
const condition = (data: object): TimeCondition => timeSchema.parse(data);
const holds = (data: object, at: string): boolean => matchTime(condition(data), Date.parse(at), calendar);

describe('the time of a rule', () => {
  it.each([
    ['weekdays', { days: 'mon-fri' }, '2026-11-25T12:00Z', true],
    ['weekdays, on Saturday', { days: 'mon-fri' }, '2026-11-28T12:00Z', false],
    ['a list of days', { days: ['sat', 'mon'] }, '2026-11-28T12:00Z', true],
    ['a range across the end of the week', { days: 'sat-mon' }, '2026-11-29T12:00Z', true],
    ['hours, by the clock of the zone', { hours: '08:00-18:00' }, '2026-11-25T07:00Z', true],
    ['hours, a minute before', { hours: '08:00-18:00' }, '2026-11-25T06:59Z', false],
    ['the end does not belong to it', { hours: '08:00-18:00' }, '2026-11-25T17:00Z', false],
    ['until midnight', { hours: '18:00-24:00' }, '2026-11-25T22:59Z', true],
    ['in summer the clock is another', { hours: '08:00-18:00' }, '2026-07-01T06:00Z', true],
    ['several hours', { hours: ['08:00-12:00', '13:00-17:00'] }, '2026-11-25T11:30Z', false],
    ['the night', { hours: '22:00-06:00' }, '2026-11-25T23:30Z', true],
    ['the night before morning', { hours: '22:00-06:00' }, '2026-11-25T04:30Z', true],
    [
      'Friday night is still Friday’s on Saturday morning',
      { days: 'fri', hours: '22:00-06:00' },
      '2026-11-28T02:00Z',
      true,
    ],
    ['but Friday morning is Thursday’s', { days: 'fri', hours: '22:00-06:00' }, '2026-11-27T02:00Z', false],
    ['a date', { dates: '2026-11-25' }, '2026-11-24T23:30Z', true],
    ['a date of each year', { dates: '11-25' }, '2031-11-25T12:00Z', true],
    ['a range over New Year', { dates: '12-24..01-02' }, '2027-01-01T12:00Z', true],
    ['outside of it', { dates: '12-24..01-02' }, '2027-01-03T12:00Z', false],
    ['a range with years', { dates: '2026-12-24..2027-01-02' }, '2027-12-25T12:00Z', false],
    ['a holiday', { holidays: true }, '2026-10-03T12:00Z', true],
    ['a holiday of each year', { holidays: true }, '2030-12-25T12:00Z', true],
    ['no holiday', { holidays: false }, '2026-12-25T12:00Z', false],
    ['all of them together', { days: 'mon-fri', hours: '08:00-18:00', holidays: false }, '2026-11-25T12:00Z', true],
  ])('%s', (_, data, at, expected) => {
    expect(holds(data, at)).toBe(expected);
  });

  it('goes by the date of the zone in the hour that a change of clocks repeats or leaves out', () => {
    // 25 October 2026: 03:00 becomes 02:00. 29 March 2026: 02:00 becomes 03:00.
    expect(holds({ hours: '02:30-02:31' }, '2026-10-25T00:30Z')).toBe(true);
    expect(holds({ hours: '02:30-02:31' }, '2026-10-25T01:30Z')).toBe(true);
    expect(holds({ hours: '02:00-03:00' }, '2026-03-29T01:00Z')).toBe(false);
    expect(holds({ days: 'sat', hours: '22:00-06:00' }, '2026-10-25T04:59Z')).toBe(true);
    expect(holds({ days: 'sat', hours: '22:00-06:00' }, '2026-03-29T03:59Z')).toBe(true);
  });

  it('is either in the day or in the night', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 41 }),
        fc.constantFrom('UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kathmandu', 'Pacific/Apia'),
        (at, timezone) => {
          const wall = { timezone, holidays: [] };
          const [day, night] = [condition({ hours: '07:15-19:45' }), condition({ hours: '19:45-07:15' })];
          expect(matchTime(day, at, wall)).toBe(!matchTime(night, at, wall));
          expect(formatWallTime(at, timezone)).toMatch(/^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d{4}-\d\d-\d\d \d\d:\d\d$/u);
        },
      ),
    );
  });

  it.each([
    [{ days: 'monday' }, 'when.time.days[0]: must be a weekday or a range of them'],
    [{ days: 5 }, 'when.time.days: must be a text or a list of texts'],
    [{ hours: '8-18' }, 'when.time.hours[0]: must be as 08:00-18:00'],
    [{ hours: '24:00-25:00' }, 'when.time.hours[0]: must be as 08:00-18:00'],
    [{ dates: '2026-13-01' }, 'when.time.dates[0]: must be a date or a range'],
    [{ dates: '2026-12-24..01-02' }, 'when.time.dates[0]: both ends of a range need the year, or neither'],
    [{ day: 'mon' }, 'when.time: unknown key "day"; known: days, hours, dates, holidays'],
  ])('mistakes name the key and the fix: %j', (time, text) => {
    const rules = [{ name: 'r', why: 'w', when: { time }, route: { agent: 'echo' } }];
    expect(() => parseDialplan({ rules }, 'd.yaml')).toThrow(`d.yaml: rules[0].${text}`);
  });

  it.each([
    [{ timezone: 'Mars/Base' }, 'timezone: is no time zone; use a name of the IANA database'],
    [{ holidays: ['xmas'] }, 'holidays[0]: must be a date: 2026-12-24, or 12-24'],
  ])('so do mistakes in the calendar: %j', (data, text) => {
    expect(() => parseDialplan({ ...data, rules: [] }, 'd.yaml')).toThrow(`d.yaml: ${text}`);
  });
});
