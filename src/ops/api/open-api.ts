/** The description of the API (OpenAPI 3.1), made of the schemas that requests are checked against. */
import { z } from 'zod';
import type { ApiRoute } from './api-route.ts';
import { problemSchema } from './problem.ts';

/** Whoever asks may get these from any route. */
const COMMON_PROBLEMS = [401];
/** Those that take a body, these too. */
const BODY_PROBLEMS = [400, 422, 429];

const WORDS: Readonly<Record<number, string>> = {
  200: 'Done',
  201: 'Made',
  204: 'Done',
  400: 'Malformed',
  401: 'Without the token',
  403: 'Not allowed',
  404: 'There is no such thing',
  409: 'Not possible as things are',
  422: 'Not as described here',
  429: 'Too many requests',
  502: 'The called party is not there; `sipStatus` says why',
};

export function openApi(routes: readonly ApiRoute[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const each of routes) {
    paths[each.path] = { ...paths[each.path], [each.method.toLowerCase()]: operation(each) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Viaduct', version: '1', description: 'Calls: seen, begun, changed and ended from outside.' },
    servers: [{ url: '/' }],
    security: [{ token: [] }],
    paths,
    components: {
      schemas: { Problem: schemaOf(problemSchema, 'output') },
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
  };
}

function operation({ id, summary, method, params, query, body, answer, problems }: ApiRoute): object {
  const refusals = [...COMMON_PROBLEMS, ...(method === 'POST' && body !== undefined ? BODY_PROBLEMS : []), ...problems];
  const described: Readonly<Record<string, object>> = Object.fromEntries(
    [...new Set(refusals)].map((status) => [status, { description: WORDS[status] ?? '', content: PROBLEM }]),
  );
  const content = answer.schema === undefined ? {} : { content: json(schemaOf(answer.schema, 'output')) };
  return {
    operationId: id,
    summary,
    parameters: [
      ...parametersOf(params, 'path'),
      ...(query === undefined ? [] : parametersOf(query, 'query')),
      ...(body === undefined ? [] : [IDEMPOTENCY_KEY]),
    ],
    ...(body === undefined ? {} : { requestBody: { required: true, content: json(schemaOf(body, 'input')) } }),
    responses: {
      [answer.status]: { description: WORDS[answer.status] ?? '', ...content },
      ...described,
    },
  };
}

const PROBLEM = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'Under the same key a request is done once, however often it is sent within an hour.',
  schema: { type: 'string', maxLength: 128 },
};

function json(schema: object): object {
  return { 'application/json': { schema } };
}

function parametersOf(schema: z.ZodType, place: 'path' | 'query'): readonly object[] {
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
    properties?: Record<string, { description?: string }>;
    required?: readonly string[];
  };
  return Object.entries(properties).map(([name, { description, ...inner }]) => ({
    name,
    in: place,
    required: required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: inner,
  }));
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, id: __, ...bare } = z.toJSONSchema(schema, { io }) as { $schema?: string; id?: string };
  return bare;
}
