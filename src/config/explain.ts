/** Turns what zod found into one line a person can act on: file, key, what is wrong, what was found, what to do. */
import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

/** `trunks[0].addresses`, or `(top level)`. */
export function formatPath(path: readonly PropertyKey[]): string {
  let text = '';
  for (const key of path) text += typeof key === 'number' ? `[${key}]` : text === '' ? String(key) : `.${String(key)}`;
  return text === '' ? '(top level)' : text;
}

function valueAt(data: unknown, path: readonly PropertyKey[]): unknown {
  let value = data;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1]?.toLowerCase() === b[j - 1]?.toLowerCase() ? 0 : 1;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + cost));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The known key that was probably meant, if one is near enough. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, far: distance(word, candidate) }))
    .toSorted((a, b) => a.far - b.far);
  const best = ranked[0];
  return best !== undefined && best.far <= Math.max(2, Math.floor(word.length / 3)) ? best.candidate : undefined;
}

function explainIssue(
  issue: Issue,
  data: unknown,
  keysAt: (path: readonly PropertyKey[]) => readonly string[],
): string {
  const where = formatPath(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(issue.path);
    const words = issue.keys.map((key) => {
      const meant = nearest(key, known);
      return meant === undefined ? `"${key}"` : `"${key}" (did you mean "${meant}"?)`;
    });
    const inside = where === '(top level)' ? '' : ` in ${where}`;
    return `unknown key ${words.join(', ')}${inside}; known: ${known.join(', ')}`;
  }
  const value = valueAt(data, issue.path);
  const secret = /password|secret|token/i.test(where);
  const found = value === undefined ? 'it is missing' : `found ${secret ? 'a value' : JSON.stringify(value)}`;
  return `${where}: ${issue.message} (${found})`;
}

/** One line for each problem. `keysAt` tells which keys the schema knows at a path. */
export function explain(
  file: string,
  error: z.ZodError,
  data: unknown,
  keysAt: (path: readonly PropertyKey[]) => readonly string[],
): readonly string[] {
  return error.issues.map((issue) => `${file}: ${explainIssue(issue, data, keysAt)}`);
}
