/** What the API shows, as it is described; call-routes.ts and routes.ts serve it. */
import { z } from 'zod';
import { type ApiRoute, callParams, NO_PARAMS, route } from './api-route.ts';

const record = z
  .looseObject({
    callId: z.string(),
    from: z.string(),
    to: z.string(),
    trunk: z.string().optional(),
    tenant: z.string(),
    user: z.string().optional(),
    route: z.string().describe('the rule that decided'),
    metadata: z.record(z.string(), z.string()).optional(),
    startedAt: z.number().describe('milliseconds since 1970, as all times here'),
    ringingAt: z.number().optional(),
    answeredAt: z.number().optional(),
    endedAt: z.number().optional().describe('undefined while it runs'),
    endReason: z.string().optional().describe('answered calls: who ended it; others: busy, no-answer, not-found …'),
    sipStatus: z.number().optional(),
    q850: z.number().optional().describe('Q.850 cause'),
    legs: z.array(
      z.looseObject({
        legId: z.string(),
        kind: z.enum(['sip', 'webrtc', 'agent']),
        direction: z.enum(['inbound', 'outbound']),
        party: z.string(),
      }),
    ),
  })
  .describe('record of a call');

const query = z.object({
  limit: z.int().min(1).max(1000).default(100),
  before: z.string().max(64).optional().describe('id of the last call of the page before'),
  since: z.int().min(0).optional().describe('milliseconds since 1970'),
  from: z.string().max(256).optional(),
  to: z.string().max(256).optional(),
  trunk: z.string().max(64).optional(),
  sipCallId: z.string().max(256).optional(),
  isActive: z.boolean().optional(),
});

const loose = z.array(z.looseObject({}));

function view(path: string, id: string, summary: string, schema: z.ZodType): ApiRoute {
  return route({
    method: 'GET',
    path,
    id,
    summary,
    params: path.includes('{callId}') ? callParams : NO_PARAMS,
    ...(path === '/calls' ? { query } : {}),
    answer: { status: 200, schema },
    problems: path.includes('{') ? [404] : path === '/calls' ? [400] : [],
  });
}

export const viewRoutes: readonly ApiRoute[] = [
  view('/calls', 'listCalls', 'Records of calls, newest first', z.object({ calls: z.array(record) })),
  view('/calls/{callId}', 'showCall', 'The record of a call, running or ended', record),
  view(
    '/calls/{callId}/ladder',
    'showLadder',
    'The SIP messages of a call',
    z.object({ callId: z.string(), messages: loose }),
  ),
  view('/registrations', 'listRegistrations', 'Who is registered', z.object({ registrations: loose })),
  view('/trunks', 'listTrunks', 'Trunks and how they do', z.object({ trunks: loose })),
];
