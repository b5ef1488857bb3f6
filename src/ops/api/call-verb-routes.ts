/** The routes that do something with calls. */
import { z } from 'zod';
import type { AgentCallVerbs, CallControl, VerbResult } from '../../calls/index.ts';
import { type ApiRoute, callParams, route } from './api-route.ts';
import { originateRoute } from './originate-route.ts';
import { type Problem, problemOf } from './problem.ts';
import { text } from './text.ts';

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
const done = z.object({ status: z.literal('done') });
const DONE = { status: 200, body: { status: 'done' } };
const GONE: Problem = { status: 404, error: 'CALL_NOT_FOUND', message: 'no running call has this id and party' };

interface Verb<Body extends object> {
  readonly name: string;
  /** Of the operation, where the name is not enough. */
  readonly id?: string;
  readonly summary: string;
  readonly body: z.ZodType<Body>;
  readonly problems: readonly number[];
  readonly run: (verbs: AgentCallVerbs, body: Body) => Promise<VerbResult>;
}

/** `POST /calls/{callId}/{name}` */
function verb<Body extends object>(
  control: CallControl,
  { name, id = `${name}Call`, run, ...rest }: Verb<Body>,
): ApiRoute {
  return route({
    method: 'POST',
    path: `/calls/{callId}/${name}`,
    id,
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

/** Who is there, and who goes. */
function partyRoutes(control: CallControl): readonly ApiRoute[] {
  return [
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
  ];
}

/** A transfer that begins with a talk. */
function consultationRoutes(control: CallControl): readonly ApiRoute[] {
  return [
    verb(control, {
      name: 'consult',
      summary:
        'Holds a party and connects the other one with a target; answers when that one has answered, or has failed to and both talk again',
      body: transfer,
      problems: [403, 404, 409, 502],
      run: async (verbs, { target }) => verbs.consult(target),
    }),
    verb(control, {
      name: 'consult/complete',
      id: 'completeConsultation',
      summary: 'Joins the held party with the target, and lets the other one go',
      body: onParty,
      problems: [404, 409, 502],
      run: async (verbs) => verbs.completeConsultation(),
    }),
    verb(control, {
      name: 'consult/cancel',
      id: 'cancelConsultation',
      summary: 'Lets the target go: the first two talk again',
      body: onParty,
      problems: [404, 409],
      run: async (verbs) => verbs.cancelConsultation(),
    }),
  ];
}

/** Who hears what. */
function mediaRoutes(control: CallControl): readonly ApiRoute[] {
  return [
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

export function callVerbRoutes(control: CallControl): readonly ApiRoute[] {
  return [originateRoute(control), ...partyRoutes(control), ...consultationRoutes(control), ...mediaRoutes(control)];
}
