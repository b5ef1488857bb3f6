/** Q.850 causes, as ISDN and carriers count the ends of calls, beside SIP statuses: the table of RFC 3398 §8.2.6.1. */

/** Normal call clearing: somebody has hung up. */
export const NORMAL_CLEARING = 16;

const CAUSE_OF_STATUS: ReadonlyMap<number, number> = new Map([
  [400, 41],
  [401, 21],
  [402, 21],
  [403, 21],
  [404, 1],
  [405, 63],
  [406, 79],
  [407, 21],
  [408, 102],
  [410, 22],
  [415, 79],
  [480, 18],
  [481, 41],
  [482, 25],
  [483, 25],
  [484, 28],
  [485, 1],
  [486, 17],
  // The table leaves out what the caller has caused itself: to an exchange that is normal clearing.
  [487, NORMAL_CLEARING],
  [488, 65],
  [500, 41],
  [501, 79],
  [502, 38],
  [503, 41],
  [504, 102],
  [600, 17],
  [603, 21],
  [604, 1],
  [606, 65],
]);
const INTERWORKING = 127;

/** The cause that a final status of 300 and above stands for; a success clears normally. */
export function q850Of(sipStatus: number): number {
  if (sipStatus < 300) return NORMAL_CLEARING;
  return CAUSE_OF_STATUS.get(sipStatus) ?? INTERWORKING;
}

/** The Q.850 cause in a canonical Reason value (`Q.850;cause=17, SIP;cause=486`); undefined when it has none. */
export function q850In(reason: string | undefined): number | undefined {
  const found = /(?:^|, )Q\.850;cause=(\d+)/.exec(reason ?? '')?.[1];
  return found === undefined ? undefined : Number(found);
}

/** A canonical Reason value that also tells the SIP status which the caller does not get as it was. */
export function withSipCause(reason: string | undefined, sipStatus: number): string {
  if (reason === undefined) return `SIP;cause=${sipStatus}`;
  return /(?:^|, )SIP;/.test(reason) ? reason : `${reason}, SIP;cause=${sipStatus}`;
}
