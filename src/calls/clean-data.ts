/** Plain data as others may see it: every text of bounded length and without control characters. */

const MAX_TEXT = 1024;
/** C0, C1 and the two line ends of Unicode. */
// oxlint-disable-next-line eslint/no-control-regex
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

export function cleanData<T>(data: T): T {
  return cleaned(data) as T;
}

function cleaned(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(CONTROLS, ' ').slice(0, MAX_TEXT);
  if (Array.isArray(value)) return value.map(cleaned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, cleaned(inner)]));
}
