/** Walks a schema: which keys are there, what they mean, and which environment variable overrides them. */
import { z } from 'zod';

export interface ConfigKey {
  /** As in the file: `media.portRange.min`. */
  readonly path: string;
  /** `VIADUCT_MEDIA_PORT_RANGE_MIN`; undefined for lists, which only the file can hold. */
  readonly env: string | undefined;
  readonly about: string;
  /** '' when there is none. */
  readonly fallback: string;
}

interface Unwrapped {
  readonly schema: z.ZodType;
  readonly about: string;
  readonly fallback: unknown;
}

/** Takes defaults and optionals off, remembering what they said. */
function unwrap(schema: z.ZodType): Unwrapped {
  let inner = schema;
  let about = inner.description ?? '';
  let fallback: unknown;
  for (;;) {
    if (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault) {
      fallback ??= inner.def.defaultValue;
      inner = inner.unwrap() as z.ZodType;
    } else if (inner instanceof z.ZodOptional) {
      inner = inner.unwrap() as z.ZodType;
    } else {
      return { schema: inner, about: about || (inner.description ?? ''), fallback };
    }
    about ||= inner.description ?? '';
  }
}

/** The keys an object schema knows at `path`; empty where there is no object. */
export function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  let { schema: inner } = unwrap(schema);
  for (const key of path) {
    const next: unknown =
      inner instanceof z.ZodArray ? inner.element : inner instanceof z.ZodObject ? inner.shape[String(key)] : undefined;
    if (!(next instanceof z.ZodType)) return [];
    inner = unwrap(next).schema;
  }
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

const snake = (text: string): string => text.replaceAll(/([a-z])([A-Z])/g, '$1_$2').toUpperCase();

/** The keys of the objects in a list, which the environment cannot reach. */
function entryKeys(element: z.ZodType, path: readonly string[]): readonly ConfigKey[] {
  return listKeys(element, path).map((key) => ({ ...key, env: undefined }));
}

/** Every leaf of an object schema, in order; a list, then the keys of the objects in it as `trunks[].name`. */
export function listKeys(schema: z.ZodType, prefix: readonly string[] = []): readonly ConfigKey[] {
  const { schema: inner } = unwrap(schema);
  if (!(inner instanceof z.ZodObject)) return [];
  const keys: ConfigKey[] = [];
  for (const [key, child] of Object.entries(inner.shape)) {
    const path = [...prefix, key];
    const { schema: leaf, about, fallback } = unwrap(child as z.ZodType);
    if (leaf instanceof z.ZodObject) {
      keys.push(...listKeys(leaf, path));
    } else {
      const isList = leaf instanceof z.ZodArray;
      keys.push({
        path: path.join('.'),
        env: isList ? undefined : `VIADUCT_${path.map(snake).join('_')}`,
        about,
        fallback: fallback === undefined ? '' : JSON.stringify(fallback),
      });
      if (isList) keys.push(...entryKeys(leaf.element as z.ZodType, [...prefix, `${key}[]`]));
    }
  }
  return keys;
}
