/** Adds the routes of the API that change something: guarded, checked against their schemas, bounded in their rate. */
import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { ApiGuard } from '../api-guard.ts';
import type { ApiAnswer, ApiRoute } from './api-route.ts';
import { Idempotency } from './idempotency.ts';
import { type Problem, sendProblem } from './problem.ts';
import { RequestRate } from './request-rate.ts';

export interface ApiOptions {
  readonly guard: ApiGuard;
  readonly requestsPerSec: number;
}

const TOO_MANY: Problem = {
  status: 429,
  error: 'TOO_MANY_REQUESTS',
  message: 'too many requests: try again in a second',
};
const BAD_KEY: Problem = {
  status: 400,
  error: 'IDEMPOTENCY_KEY',
  message: 'an Idempotency-Key is 1 to 128 printable characters',
};

export function addApiRoutes(app: FastifyInstance, routes: readonly ApiRoute[], options: ApiOptions): void {
  const rate = new RequestRate(options.requestsPerSec);
  const kept = new Idempotency();
  for (const each of routes) {
    if (each.serve === undefined) continue;
    const url = each.path.replaceAll(/\{(\w+)\}/g, ':$1');
    app.route({
      method: each.method,
      url,
      preHandler: options.guard,
      handler: async (request, reply) => {
        if (!rate.take(performance.now())) {
          void reply.header('retry-after', '1');
          return sendProblem(reply, TOO_MANY);
        }
        return send(reply, await answer(each, request, kept));
      },
    });
  }
}

async function answer(each: ApiRoute, request: FastifyRequest, kept: Idempotency): Promise<ApiAnswer | Problem> {
  const params = each.params.safeParse(request.params);
  if (!params.success) return invalid(params.error);
  const body = each.body?.safeParse(request.body ?? {});
  if (body?.success === false) return invalid(body.error);
  const serve = async () =>
    each.serve?.({ params: params.data, body: body?.data }) ?? { status: 404, error: 'HTTP', message: 'no such route' };
  const key = request.headers['idempotency-key'];
  if (key === undefined) return serve();
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,128}$/.test(key)) return BAD_KEY;
  const asked = JSON.stringify([each.id, params.data, body?.data]);
  return kept.run(key, createHash('sha256').update(asked).digest('base64'), performance.now(), serve);
}

function invalid(error: z.ZodError): Problem {
  const errors = error.issues.slice(0, 20).map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`);
  return { status: 422, error: 'REQUEST_INVALID', message: 'the request is not as the description says', errors };
}

function send(reply: FastifyReply, outcome: ApiAnswer | Problem): FastifyReply {
  if ('error' in outcome) return sendProblem(reply, outcome);
  return reply.code(outcome.status).send(outcome.body);
}
