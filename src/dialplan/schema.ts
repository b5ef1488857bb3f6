/** The schema of a file in dialplans/. */
import { z } from 'zod';
import { formatKey } from './key.ts';
import { countGroups, MAX_PATTERN, patternProblem } from './pattern.ts';
import { placesOf, type Route, ringingSchema, routeSchema } from './route-schema.ts';
import { templateProblem } from './template.ts';
import { holidaySchema, timeSchema, zoneSchema } from './time.ts';

const patternSchema = z
  .string()
  .min(1, 'must not be empty; leave the key out to match anything')
  .max(MAX_PATTERN, `is longer than ${MAX_PATTERN} characters; split the rule in two`)
  .superRefine((pattern, context) => {
    const problem = patternProblem(pattern);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  });

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
  uri: patternSchema.optional().describe('the whole Request-URI, as sip:*;user=phone'),
  tenant: patternSchema.optional().describe('the tenant of the calling user or trunk'),
  time: timeSchema.optional().describe('days, hours, dates and holidays, by the clock of `timezone`'),
});

export const ruleSchema = z
  .strictObject({
    name: z.string().regex(/^[\w.-]{1,64}$/u, 'must be 1 to 64 letters, digits, dots, dashes or underscores'),
    why: z.string().min(1).max(256).describe('a sentence for people, shown with the decision'),
    when: whenSchema.default({}),
    route: routeSchema,
  })
  .superRefine((rule, context) => {
    checkRoute(rule.route, { to: rule.when.to ?? '', from: rule.when.from ?? '', path: ['route'] }, context);
    if (leadsToTrunk(rule.route) && [rule.when.source].flat().includes('anonymous')) {
      const message = 'anonymous callers never reach a trunk; remove anonymous or choose another destination';
      context.addIssue({ code: 'custom', path: ['when', 'source'], message });
    }
  });

interface RoutePlace {
  /** The patterns whose groups the templates may use. */
  readonly to: string;
  readonly from: string;
  readonly path: readonly (string | number)[];
}

function checkRoute(route: Route, { to, from, path }: RoutePlace, context: z.core.$RefinementCtx): void {
  const check = (template: string | undefined, ...keys: readonly (string | number)[]): void => {
    const message = template === undefined ? undefined : templateProblem(template, countGroups(to), countGroups(from));
    if (message !== undefined) context.addIssue({ code: 'custom', path: [...path, ...keys], message });
  };
  check(route.room, 'room');
  check(route.callerId, 'callerId');
  for (const { place, path: keys } of placesOf(route)) {
    check(place.user, ...keys, 'user');
    check(place.number, ...keys, 'number');
  }
  if (route.hook?.fallback !== undefined)
    checkRoute(route.hook.fallback, { to, from, path: [...path, 'hook', 'fallback'] }, context);
}

/** Whether a route may send the call to a trunk. What a hook answers is looked at when it comes. */
export function leadsToTrunk(route: Route): boolean {
  return (
    placesOf(route).some(({ place }) => place.trunk !== undefined) ||
    (route.hook?.fallback !== undefined && leadsToTrunk(route.hook.fallback))
  );
}

/** Every trunk a dialplan names, and where. */
export function trunksOf(dialplan: Dialplan): readonly Named[] {
  return namedBy(dialplan, 'trunk');
}

/** The same for agents. */
export function agentsOf(dialplan: Dialplan): readonly Named[] {
  return namedBy(dialplan, 'agent');
}

interface Named {
  readonly name: string;
  /** The key that names it. */
  readonly at: string;
}

function namedBy({ rules, emergencyRoute }: Dialplan, key: 'trunk' | 'agent'): readonly Named[] {
  const routes = rules.flatMap(({ route }, index): [Route, string][] => [
    [route, `rules[${index}].route`],
    ...(route.hook?.fallback === undefined
      ? []
      : [[route.hook.fallback, `rules[${index}].route.hook.fallback`] satisfies [Route, string]]),
  ]);
  const all = emergencyRoute === undefined ? routes : [...routes, [emergencyRoute, 'emergencyRoute'] as const];
  return all.flatMap(([route, at]) =>
    placesOf(route).flatMap(({ place, path }) => {
      const name = place[key];
      return name === undefined ? [] : [{ name, at: formatKey([at, ...path, key]) }];
    }),
  );
}

export const dialplanSchema = z
  .strictObject({
    numbers: z
      .record(z.string().max(64), z.string().regex(/^[\w.+-]{1,64}$/u, 'must be the name of a user'))
      .default({})
      .describe('dialed number → user, for ${mapped}'),
    timezone: zoneSchema.default('UTC').describe('whose clock `time` means, as Europe/Berlin'),
    holidays: z.array(holidaySchema).max(1_000).default([]).describe('as 2026-12-24, or 12-24 for each year'),
    emergencyRoute: ringingSchema
      .optional()
      .describe('where calls to `emergencyNumbers` go; without it the rules decide'),
    rules: z
      .array(ruleSchema, 'is missing; write the list of rules')
      .max(1_000)
      .describe('tried in order; the first that matches decides'),
  })
  .superRefine((dialplan, context) => {
    const { emergencyRoute } = dialplan;
    if (emergencyRoute !== undefined)
      checkRoute(emergencyRoute, { to: '', from: '', path: ['emergencyRoute'] }, context);
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
