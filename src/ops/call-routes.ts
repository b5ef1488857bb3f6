/** Calls over HTTP: records by filter, one record, and the SIP messages of one call as data or as a drawing. */
import type { FastifyInstance } from 'fastify';
import type { CallQuery, CallRecord } from '../calls/index.ts';
import type { ApiGuard } from './api-guard.ts';
import { drawLadder, type LadderMessage } from './ladder.ts';

export interface CallViews {
  /** Newest first, running calls included. */
  readonly calls: (query: CallQuery) => Promise<readonly CallRecord[]>;
  readonly call: (callId: string) => Promise<CallRecord | undefined>;
  /** The SIP messages of a call, oldest first, as far as they are kept. */
  readonly messages: (record: CallRecord) => Promise<readonly LadderMessage[]>;
}

const QUERY = {
  type: 'object',
  additionalProperties: false,
  properties: {
    limit: { type: 'integer', minimum: 1, maximum: 1000, default: 100 },
    before: { type: 'string', maxLength: 64 },
    since: { type: 'integer', minimum: 0 },
    from: { type: 'string', maxLength: 256 },
    to: { type: 'string', maxLength: 256 },
    trunk: { type: 'string', maxLength: 64 },
    sipCallId: { type: 'string', maxLength: 256 },
    isActive: { type: 'boolean' },
  },
} as const;

const NOT_FOUND = { error: 'CALL_NOT_FOUND', message: 'no call has this id' };

export function addCalls(app: FastifyInstance, views: CallViews, guard: ApiGuard): void {
  const preHandler = guard;
  app.get<{ Querystring: CallQuery }>('/calls', { preHandler, schema: { querystring: QUERY } }, async (request) => ({
    calls: await views.calls(request.query),
  }));
  app.get<{ Params: { callId: string } }>('/calls/:callId', { preHandler }, async (request, reply) => {
    const record = await views.call(request.params.callId);
    return record ?? reply.code(404).send(NOT_FOUND);
  });
  app.get<{ Params: { callId: string } }>('/calls/:callId/ladder', { preHandler }, async (request, reply) => {
    const record = await views.call(request.params.callId);
    if (record === undefined) return reply.code(404).send(NOT_FOUND);
    const messages = await views.messages(record);
    const isText = request.headers.accept?.includes('text/plain') === true;
    if (isText) return reply.type('text/plain; charset=utf-8').send(drawLadder(record, messages));
    return { callId: record.callId, messages };
  });
}
