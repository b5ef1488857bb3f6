import { z } from 'zod';
import { dialplanErrors } from './errors.ts';
import { formatKey } from './key.ts';
import { type HookAnswer, hookAnswerSchema } from './route-schema.ts';
import { type Dialplan, dialplanSchema } from './schema.ts';

type Issue = z.core.$ZodIssue;

/** Validates what a dialplan file contains. Throws DIALPLAN_INVALID with a line per mistake that names file, key and fix. */
export function parseDialplan(data: unknown, file: string): Dialplan {
  return parseWith(dialplanSchema, data, file);
}

/** The same for what a hook has answered. */
export function parseHookAnswer(data: unknown, url: string): HookAnswer {
  return parseWith(hookAnswerSchema, data, url);
}

function parseWith<T>(schema: z.ZodType<T>, data: unknown, file: string): T {
  const result = schema.safeParse(data);
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) => `${file}: ${explainIssue(issue, schema)}`);
  throw dialplanErrors.DIALPLAN_INVALID([lines.join('\n')], { cause: result.error });
}

function explainIssue(issue: Issue, schema: z.ZodType): string {
  const key = formatKey(issue.path);
  if (issue.code === 'unrecognized_keys') {
    return `${key}: unknown key ${issue.keys.map((each) => `"${each}"`).join(', ')}; known: ${knownKeys(schema, issue.path).join(', ')}`;
  }
  return `${key}: ${issue.message}`;
}

/** The keys that an object may have at this place. */
function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let inner = unwrap(schema);
  for (const key of path) {
    const next: unknown =
      inner instanceof z.ZodArray ? inner.element : inner instanceof z.ZodObject ? inner.shape[String(key)] : undefined;
    if (!(next instanceof z.ZodType)) return [];
    inner = unwrap(next);
  }
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

function unwrap(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault)
    inner = inner.unwrap() as z.ZodType;
  return inner;
}
