/** Errors of the API (RFC 9457), with the code that programs tell them apart by. */
import { STATUS_CODES } from 'node:http';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { VerbRefusal, VerbRefusalCode } from '../../calls/index.ts';

export const problemSchema = z.object({
  status: z.int(),
  title: z.string(),
  error: z.string().describe('code of the error'),
  message: z.string().describe('a sentence for people'),
  errors: z.array(z.string()).optional().describe('one for each mistake in the request'),
  sipStatus: z.int().optional().describe('what the called party has answered'),
});

export type Problem = Omit<z.infer<typeof problemSchema>, 'title'>;

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  const title = STATUS_CODES[problem.status] ?? '';
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .send(JSON.stringify({ title, ...problem }));
}

const STATUS: Readonly<Record<VerbRefusalCode, number>> = {
  CALL_OVER: 404,
  CALL_NOT_TALKING: 409,
  VERB_INVALID: 422,
  VERB_FORBIDDEN: 403,
  VERB_BUSY: 409,
  NO_CONSULTATION: 409,
  TARGET_RINGING: 409,
  VERB_IMPOSSIBLE: 409,
  TARGET_FAILED: 502,
  VERB_FAILED: 500,
};

export function problemOf({ code, text, sipStatus }: VerbRefusal): Problem {
  return { status: STATUS[code], error: code, message: text, ...(sipStatus === undefined ? {} : { sipStatus }) };
}
