/** One route of the API as data: it is added to the server from this, and described from it (open-api.ts). */
import { z } from 'zod';
import type { Problem } from './problem.ts';

export interface ApiAnswer {
  readonly status: number;
  readonly body?: unknown;
}

export interface ApiInput<Params, Body> {
  readonly params: Params;
  readonly body: Body;
}

export interface ApiRoute<Params = unknown, Body = unknown> {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** With places as `{callId}`. */
  readonly path: string;
  readonly id: string;
  readonly summary: string;
  readonly params: z.ZodType<Params>;
  /** Undefined: it takes none. */
  readonly body?: z.ZodType<Body>;
  readonly query?: z.ZodObject;
  readonly answer: { readonly status: number; readonly schema?: z.ZodType };
  /** The statuses of its problems beside those that any route may have. */
  readonly problems: readonly number[];
  /** Undefined: the route is added elsewhere, and only described here. */
  readonly serve?: (input: ApiInput<Params, Body>) => Promise<ApiAnswer | Problem>;
}

/** Keeps the types of input and handler together. */
export function route<Params, Body>(given: ApiRoute<Params, Body>): ApiRoute {
  return given as unknown as ApiRoute;
}

export const NO_PARAMS = z.object({});
export const callParams = z.object({ callId: z.string().min(1).max(64).describe('id of the call') });
