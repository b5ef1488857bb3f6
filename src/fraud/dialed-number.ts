/** A dialed number as the breaker compares it, so that no spelling of a number gets round a rule. */

/** What RFC 3966 §5.1.1 lets people put between digits. */
const SEPARATORS = /[-.()\s]/g;

/** `+` and digits for what leaves the country, else the digits as dialed. `exits`: how that is dialed, such as 00 and 011. */
export function comparable(number: string, exits: readonly string[]): string {
  const dialed = (number.split(';')[0] ?? '').replace(SEPARATORS, '');
  if (dialed.startsWith('+')) return dialed;
  const exit = exits.find((each) => dialed.startsWith(each));
  return exit === undefined ? dialed : `+${dialed.slice(exit.length)}`;
}
