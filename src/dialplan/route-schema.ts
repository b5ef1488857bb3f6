/** What a rule does: the `route` of a rule, of a fallback, and of the answer of a hook. */
import { z } from 'zod';
import { CAUSE_WORDS } from './cause.ts';
import { hookProblem, hookShape } from './hook-schema.ts';

export const templateSchema = z.string().min(1, 'must not be empty').max(256, 'is longer than 256 characters');

const rejectSchema = z.strictObject({
  status: z.int().min(400, 'must be from 400 to 699').max(699, 'must be from 400 to 699').describe('SIP status'),
  reason: z
    .string()
    .regex(/^[\x20-\x7e]{1,64}$/u, 'must be 1 to 64 printable ASCII characters')
    .describe('reason phrase'),
});

const causeSchema = z.union(
  [z.enum(CAUSE_WORDS), z.int().min(300).max(699)],
  `must be ${CAUSE_WORDS.join(', ')} or a SIP status from 300 to 699`,
);
const causesSchema = z.array(causeSchema).min(1, 'must name a cause').max(32);
const ringSecSchema = z.number().min(1, 'must be from 1 to 600').max(600, 'must be from 1 to 600');

const place = {
  user: templateSchema.optional().describe('ring the contacts of this user'),
  trunk: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('send to this trunk or trunk group; *: the first trunk configured'),
  number: templateSchema.optional().describe('with trunk: the number to call there'),
  agent: z.string().min(1).max(64).optional().describe('connect an agent: echo, tone, or one of `agents`'),
};
const PLACES = ['user', 'trunk', 'agent'] as const;

const placeSchema = z.strictObject(place).superRefine((data, context) => checkChoice(data, PLACES, context));

const stage = {
  ...place,
  fork: z.array(placeSchema).min(1).max(20).optional().describe('ring these at once'),
  ringSec: ringSecSchema.optional().describe('how long it rings; without it sip.noAnswerSec'),
};
const STAGES = [...PLACES, 'fork'] as const;

const stageSchema = z
  .strictObject({
    ...stage,
    on: causesSchema
      .optional()
      .describe('after which causes the next of the list is rung; without it [no-answer, unavailable, failed]'),
  })
  .superRefine((data, context) => checkChoice(data, STAGES, context));

const ringing = {
  ...stage,
  hunt: z.array(stageSchema).min(1).max(20).optional().describe('ring these one after another'),
  callerId: templateSchema.optional().describe('the user part that the called party sees; without it the caller’s'),
};
const RINGING = [...STAGES, 'hunt'] as const;

const fallbackSchema = z
  .strictObject({ on: causesSchema.describe('after which causes'), ...ringing })
  .omit({ callerId: true })
  .superRefine((data, context) => checkChoice(data, RINGING, context));

/** A route that rings somebody, and nothing else. */
export const ringingSchema = z
  .strictObject(ringing)
  .superRefine((data, context) => checkChoice(data, RINGING, context));

const answered = {
  ...ringing,
  reject: rejectSchema.optional().describe('refuse the call'),
  fallback: z
    .array(fallbackSchema)
    .max(8)
    .optional()
    .describe('what to ring when nobody has answered; the first entry whose causes fit'),
};
const ANSWERS = [...RINGING, 'reject'] as const;

/** What a hook may answer. */
export const hookAnswerSchema = z.strictObject(answered).superRefine((data, context) => {
  checkChoice(data, ANSWERS, context);
  checkFallback(data, context);
});

const hookSchema = z
  .strictObject({
    ...hookShape,
    fallback: hookAnswerSchema.optional().describe('the route when the hook fails; without it the next rule is tried'),
  })
  .superRefine((hook, context) => {
    const message = hookProblem(hook);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });

const ROUTES = ['user', 'trunk', 'agent', 'room', 'reject', 'fork', 'hunt', 'hook'] as const;

export const routeSchema = z
  .strictObject({
    ...answered,
    room: templateSchema.optional().describe('join this room'),
    hook: hookSchema.optional().describe('ask an HTTP server'),
  })
  .superRefine((data, context) => {
    checkChoice(data, ROUTES, context);
    checkFallback(data, context);
  });

export type PlaceData = z.infer<typeof placeSchema>;
export type StageData = z.infer<typeof stageSchema>;
export type RingingData = z.infer<typeof ringingSchema>;
export type Hook = z.infer<typeof hookSchema>;
export type HookAnswer = z.infer<typeof hookAnswerSchema>;
export type Route = z.infer<typeof routeSchema>;

type Choice = Readonly<Record<string, unknown>>;

function checkChoice(data: Choice, keys: readonly string[], context: z.core.$RefinementCtx): void {
  const chosen = keys.filter((key) => data[key] !== undefined);
  if (chosen.length !== 1) {
    const found = chosen.length === 0 ? 'none' : chosen.join(' and ');
    context.addIssue({ code: 'custom', message: `must have exactly one of ${keys.join(', ')}; it has ${found}` });
  }
  if ((data['trunk'] === undefined) !== (data['number'] === undefined))
    context.addIssue({ code: 'custom', message: 'trunk and number belong together; give both, as number: ${0}' });
  if (data['hunt'] !== undefined && data['ringSec'] !== undefined)
    context.addIssue({ code: 'custom', path: ['ringSec'], message: 'belongs to each entry of hunt; move it there' });
}

function checkFallback(data: Choice, context: z.core.$RefinementCtx): void {
  if (data['fallback'] === undefined || RINGING.some((key) => data[key] !== undefined)) return;
  const message = 'follows only on a route that rings; a hook has its own, and a reject or a room has none';
  context.addIssue({ code: 'custom', path: ['fallback'], message });
}

/** The places of a route, with the keys that lead to each. */
export function placesOf(route: RingingData & { readonly fallback?: Route['fallback'] }): readonly {
  readonly path: readonly (string | number)[];
  readonly place: PlaceData;
}[] {
  const stages = (data: RingingData, path: readonly (string | number)[]) =>
    [
      { data: data as StageData, at: path },
      ...(data.hunt ?? []).map((each, i) => ({ data: each, at: [...path, 'hunt', i] })),
    ].flatMap(({ data: each, at }) => [
      { place: each, path: at },
      ...(each.fork ?? []).map((of, i) => ({ place: of, path: [...at, 'fork', i] })),
    ]);
  return [...stages(route, []), ...(route.fallback ?? []).flatMap((each, i) => stages(each, ['fallback', i]))];
}
