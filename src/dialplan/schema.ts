/** The schema of a file in dialplans/. */
import { z } from 'zod';
import { countGroups, MAX_PATTERN, patternProblem } from './pattern.ts';
import { templateProblem } from './template.ts';

const patternSchema = z
  .string()
  .min(1, 'must not be empty; leave the key out to match anything')
  .max(MAX_PATTERN, `is longer than ${MAX_PATTERN} characters; split the rule in two`)
  .superRefine((pattern, context) => {
    const problem = patternProblem(pattern);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  });

const templateSchema = z.string().min(1, 'must not be empty').max(256, 'is longer than 256 characters');

export const sourceSchema = z.enum(['user', 'trunk', 'anonymous'], 'must be user, trunk or anonymous');

export const whenSchema = z.strictObject({
  source: z
    .union([sourceSchema, z.array(sourceSchema).min(1)], 'must be user, trunk, anonymous, or a list of them')
    .optional()
    .describe('who calls; without it [user, trunk], and for a rule to a trunk only user'),
  to: patternSchema.optional().describe('the dialed user part; with @ in the pattern user@host'),
  from: patternSchema.optional().describe('the caller, in the same way'),
  trunk: patternSchema.optional().describe('name of the trunk the call came from'),
  toIsUser: z.boolean().optional().describe('whether the dialed user part is the name of one of our users'),
  headers: z
    .record(z.string().regex(/^[\w-]{1,64}$/u, 'is no header name'), patternSchema)
    .optional()
    .describe('header name → pattern for its value; an absent header matches nothing'),
});

const rejectSchema = z.strictObject({
  status: z.int().min(400, 'must be from 400 to 699').max(699, 'must be from 400 to 699').describe('SIP status'),
  reason: z
    .string()
    .regex(/^[\x20-\x7e]{1,64}$/u, 'must be 1 to 64 printable ASCII characters')
    .describe('reason phrase'),
});

const DESTINATIONS = ['user', 'trunk', 'agent', 'room', 'reject'] as const;

export const routeSchema = z
  .strictObject({
    user: templateSchema.optional().describe('ring the contacts of this user'),
    trunk: z.string().min(1).max(64).optional().describe('send to this trunk; *: the first one configured'),
    number: templateSchema.optional().describe('with trunk: the number to call there'),
    agent: z.enum(['echo', 'tone'], 'must be echo or tone').optional().describe('connect a built-in endpoint'),
    room: templateSchema.optional().describe('join this room'),
    reject: rejectSchema.optional().describe('refuse the call'),
  })
  .superRefine((route, context) => {
    const chosen = DESTINATIONS.filter((key) => route[key] !== undefined);
    if (chosen.length !== 1) {
      const found = chosen.length === 0 ? 'none' : chosen.join(' and ');
      context.addIssue({
        code: 'custom',
        message: `must have exactly one of ${DESTINATIONS.join(', ')}; it has ${found}`,
      });
    }
    if ((route.trunk === undefined) !== (route.number === undefined)) {
      context.addIssue({ code: 'custom', message: 'trunk and number belong together; give both, as number: ${0}' });
    }
  });

export const ruleSchema = z
  .strictObject({
    name: z.string().regex(/^[\w.-]{1,64}$/u, 'must be 1 to 64 letters, digits, dots, dashes or underscores'),
    why: z.string().min(1).max(256).describe('a sentence for people, shown with the decision'),
    when: whenSchema.default({}),
    route: routeSchema,
  })
  .superRefine((rule, context) => {
    const [to, from] = [countGroups(rule.when.to ?? ''), countGroups(rule.when.from ?? '')];
    for (const key of ['user', 'number', 'room'] as const) {
      const problem = templateProblem(rule.route[key] ?? '', to, from);
      if (problem !== undefined) context.addIssue({ code: 'custom', path: ['route', key], message: problem });
    }
    if (rule.route.trunk !== undefined && [rule.when.source].flat().includes('anonymous')) {
      const message = 'anonymous callers never reach a trunk; remove anonymous or choose another destination';
      context.addIssue({ code: 'custom', path: ['when', 'source'], message });
    }
  });

export const dialplanSchema = z
  .strictObject({
    numbers: z
      .record(z.string().max(64), z.string().regex(/^[\w.+-]{1,64}$/u, 'must be the name of a user'))
      .default({})
      .describe('dialed number → user, for ${mapped}'),
    rules: z.array(ruleSchema).max(1_000).describe('tried in order; the first that matches decides'),
  })
  .superRefine((dialplan, context) => {
    const names = dialplan.rules.map((rule) => rule.name);
    names.forEach((name, index) => {
      if (names.indexOf(name) === index) return;
      const message = `"${name}" names two rules; rename one`;
      context.addIssue({ code: 'custom', path: ['rules', index, 'name'], message });
    });
  });

/** A validated dialplan, as plain data. */
export type Dialplan = z.infer<typeof dialplanSchema>;
export type Rule = z.infer<typeof ruleSchema>;
export type CallSource = z.infer<typeof sourceSchema>;
