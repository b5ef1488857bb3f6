/** Functions that models may call: HTTP requests of the operator's. */
import { z } from 'zod';
import { environmentName } from './environment-name.ts';

const headerName = z.string().regex(/^[\w-]{1,64}$/, 'must be the name of a header');

export const toolSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-zA-Z0-9_-]{1,64}$/, 'must be letters, digits, _ and -')
      .describe('of the function, as the model sees it'),
    description: z.string().min(1).max(4000).describe('what it does and when to use it, for the model'),
    parameters: z
      .record(z.string(), z.unknown())
      .default({ type: 'object', properties: {} })
      .refine(isObjectSchema, 'must be the JSON Schema of an object')
      .describe('JSON Schema of its arguments; what the model writes is checked against it'),
    url: z
      .string()
      .regex(/^https?:\/\/[^\s]{1,2000}$/, 'must be an https:// URL')
      .describe('asked for each use; redirects are not followed'),
    method: z
      .enum(['GET', 'POST'])
      .default('POST')
      .describe('POST sends `tool`, `arguments` and `call` as JSON, GET the arguments in the query'),
    headersEnv: z
      .record(headerName, environmentName)
      .default({})
      .describe('headers, each with the environment variable that has its value'),
    timeoutSec: z.number().min(0.1).max(60).default(10).describe('how long it may take to answer'),
    maxBytes: z.int().min(1).max(1_048_576).default(16_384).describe('how long the answer may be'),
    allowPrivate: z
      .boolean()
      .default(false)
      .describe('its server may be at a private address, and then also be http://'),
  })
  .refine(({ url, allowPrivate }) => allowPrivate || url.startsWith('https:'), {
    path: ['url'],
    message: 'must be an https:// URL, or set allowPrivate',
  });

function isObjectSchema(schema: Record<string, unknown>): boolean {
  if (schema['type'] !== 'object') return false;
  try {
    z.fromJSONSchema(schema);
    return true;
  } catch {
    return false;
  }
}
