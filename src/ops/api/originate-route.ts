/** `POST /calls`: begins a call. */
import { z } from 'zod';
import type { CallControl } from '../../calls/index.ts';
import { type ApiRoute, NO_PARAMS, route } from './api-route.ts';
import { problemOf } from './problem.ts';
import { text } from './text.ts';

const originate = z.strictObject({
  to: text(256).describe('whom to call: a number, a name of ours or a SIP URI'),
  agent: text(64).optional().describe('who talks with it: an agent, brought in when `to` has answered'),
  user: text(64).optional().describe('or a user, who is rung first'),
  from: z
    .string()
    .regex(/^\+?[\w.-]{1,32}$/)
    .optional()
    .describe('the number that `to` is shown, where an agent calls'),
  displayName: text(128).optional(),
  timeoutSec: z.int().min(1).max(300).default(60).describe('how long it may ring'),
  headers: z
    .record(z.string().regex(/^[\w.-]{1,64}$/), z.string().max(1024))
    .default({})
    .describe('of the INVITE: what the profile of the called party lets through'),
  metadata: z
    .record(z.string().regex(/^[\w.-]{1,64}$/), z.string().max(512))
    .default({})
    .refine((metadata) => Object.keys(metadata).length <= 32, 'must have 32 keys at most')
    .describe('goes with the call, its events and its record'),
});

export function originateRoute(control: CallControl): ApiRoute {
  return route({
    method: 'POST',
    path: '/calls',
    id: 'originateCall',
    summary: 'Begins a call',
    params: NO_PARAMS,
    body: originate,
    answer: { status: 201, schema: z.object({ callId: z.string() }) },
    problems: [403, 502],
    serve: async ({ body }) => {
      const { agent, user, timeoutSec, to, from, displayName, headers, metadata } = body;
      const name = agent ?? user;
      if (name === undefined || (agent !== undefined && user !== undefined))
        return { status: 422, error: 'REQUEST_INVALID', message: 'exactly one of agent and user must be given' };
      const connect = { kind: agent === undefined ? ('user' as const) : ('agent' as const), name };
      const ringMs = timeoutSec * 1000;
      const result = await control.originate({ to, connect, from, displayName, ringMs, headers, metadata });
      return result.isDone ? { status: 201, body: { callId: result.callId } } : problemOf(result);
    },
  });
}
