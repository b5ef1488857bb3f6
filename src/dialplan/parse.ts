import type { z } from 'zod';
import { dialplanErrors } from './errors.ts';
import { type Dialplan, dialplanSchema, routeSchema, ruleSchema, whenSchema } from './schema.ts';

type Issue = z.core.$ZodIssue;

/** Validates what a dialplan file contains. Throws DIALPLAN_INVALID with a line per mistake that names file, key and fix. */
export function parseDialplan(data: unknown, file: string): Dialplan {
  const result = dialplanSchema.safeParse(data);
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) => `${file}: ${explainIssue(issue)}`);
  throw dialplanErrors.DIALPLAN_INVALID([lines.join('\n')], { cause: result.error });
}

function explainIssue(issue: Issue): string {
  const key = formatKey(issue.path);
  if (issue.code === 'unrecognized_keys') {
    return `${key}: unknown key ${issue.keys.map((each) => `"${each}"`).join(', ')}; known: ${knownKeys(issue.path).join(', ')}`;
  }
  return `${key}: ${issue.message}`;
}

function formatKey(path: readonly PropertyKey[]): string {
  let text = '';
  for (const key of path) text += typeof key === 'number' ? `[${key}]` : `${text === '' ? '' : '.'}${String(key)}`;
  return text === '' ? '(top level)' : text;
}

function knownKeys(path: readonly PropertyKey[]): string[] {
  const last = path.at(-1);
  if (path.length === 0) return Object.keys(dialplanSchema.shape);
  if (last === 'when') return Object.keys(whenSchema.shape);
  if (last === 'route') return Object.keys(routeSchema.shape);
  if (last === 'reject') return ['status', 'reason'];
  return Object.keys(ruleSchema.shape);
}
