/** What may be done with running calls, and calls that are asked for. */
import { z } from 'zod';
import type { AgentCallVerbs, CallControl, VerbResult } from '../../calls/index.ts';
import { type ApiRoute, callParams, NO_PARAMS, route } from './api-route.ts';
import { type Problem, problemOf } from './problem.ts';

/** Printable, and of bounded length: it goes into headers, records and logs. */
const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\p{C}]*$/u, 'must not have control characters');

const party = z
  .string()
  .regex(/^[\w-]{1,64}$/)
  .default('caller')
  .describe('whom: `caller`, `callee`, or the id of a leg');
const onParty = z.strictObject({ party });

const hangup = z.strictObject({ cause: z.int().min(1).max(127).default(16).describe('Q.850 cause') });
const transfer = z.strictObject({ party, target: text(256).describe('a number, a name of ours or a SIP URI') });
const digits = z.strictObject({
  party,
  digits: z
    .string()
    .regex(/^[0-9*#A-DwW]{1,64}$/, 'must be 0-9 * # A-D and w')
    .describe('keys; w waits for half a second'),
});
const mute = z.strictObject({ party, isMuted: z.boolean().describe('whether nobody hears the party') });
const play = z.strictObject({
  party,
  sound: z
    .union([
      z.literal('music'),
      z.literal('ringback'),
      z.strictObject({
        file: z.string().regex(/^(?!\.)[\w.-]{1,64}$/, 'must be the name of a file in media.sounds'),
        isLooped: z.boolean().default(false),
      }),
    ])
    .describe('what the party hears, in place of the other one'),
});
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

const done = z.object({ status: z.literal('done') }).meta({ id: 'Done' });
const DONE = { status: 200, body: { status: 'done' } };
const GONE: Problem = { status: 404, error: 'CALL_NOT_FOUND', message: 'no running call has this id and party' };

interface Verb<Body extends object> {
  readonly name: string;
  readonly summary: string;
  readonly body: z.ZodType<Body>;
  readonly problems: readonly number[];
  readonly run: (verbs: AgentCallVerbs, body: Body) => Promise<VerbResult>;
}

/** `POST /calls/{callId}/{name}` */
function verb<Body extends object>(control: CallControl, { name, run, ...rest }: Verb<Body>): ApiRoute {
  return route({
    method: 'POST',
    path: `/calls/{callId}/${name}`,
    id: `${name}Call`,
    ...rest,
    params: callParams,
    answer: { status: 200, schema: done },
    serve: async ({ params, body }) => {
      const verbs = control.verbs(params.callId, partyOf(body));
      if (verbs === undefined) return GONE;
      const result = await run(verbs, body);
      return result.isDone ? DONE : problemOf(result);
    },
  });
}

function partyOf(body: object): string {
  return 'party' in body && typeof body.party === 'string' ? body.party : 'caller';
}

export function callVerbRoutes(control: CallControl): readonly ApiRoute[] {
  return [
    route({
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
    }),
    verb(control, {
      name: 'hangup',
      summary: 'Ends a call',
      body: hangup,
      problems: [404],
      run: async (verbs, { cause }) => verbs.hangUp(cause),
    }),
    verb(control, {
      name: 'transfer',
      summary: 'Sends a party on to somebody else; answers when that one has answered, or has failed to',
      body: transfer,
      problems: [403, 404, 409, 502],
      run: async (verbs, { target }) => verbs.transfer(target),
    }),
    verb(control, {
      name: 'digits',
      summary: 'Presses keys for a party to hear',
      body: digits,
      problems: [404, 409],
      run: async (verbs, body) => verbs.sendDigits(body.digits),
    }),
    verb(control, {
      name: 'hold',
      summary: 'Puts a party on hold: it hears music, and nobody hears it',
      body: onParty,
      problems: [404, 409],
      run: async (verbs) => verbs.hold(),
    }),
    verb(control, {
      name: 'resume',
      summary: 'Takes a party up again that was put on hold here',
      body: onParty,
      problems: [404, 409],
      run: async (verbs) => verbs.resume(),
    }),
    verb(control, {
      name: 'mute',
      summary: 'Lets the other party hear this one or not',
      body: mute,
      problems: [404, 409],
      run: async (verbs, { isMuted }) => verbs.mute(isMuted),
    }),
    verb(control, {
      name: 'play',
      summary: 'Plays a sound to a party, until its end or `stop`',
      body: play,
      problems: [404, 409],
      run: async (verbs, { sound }) =>
        verbs.play(
          typeof sound === 'string' ? { kind: sound } : { kind: 'file', name: sound.file, isLooped: sound.isLooped },
        ),
    }),
    verb(control, {
      name: 'stop',
      summary: 'Stops what is played to a party',
      body: onParty,
      problems: [404, 409],
      run: async (verbs) => verbs.stopPlaying(),
    }),
  ];
}
