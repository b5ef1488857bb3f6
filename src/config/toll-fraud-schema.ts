/** What calls to trunks may cost, and who is not listened to. */
import { z } from 'zod';

const prefix = z.string().regex(/^\+?\d{1,15}$/, 'digits, with + in front for what leaves the country');
const units = z.number().min(0).max(1_000_000);

const ruleSchema = z.strictObject({
  prefix: prefix.describe('the longest that a number begins with counts'),
  deny: z.boolean().default(false).describe('such numbers are not called'),
  unitsPerMinute: units.default(1).describe('what a minute costs, in the unit of the budgets'),
  callsPerHour: z.int().min(0).max(1_000_000).optional().describe('calls of one tenant to such numbers'),
});

const budgetSchema = z.strictObject({
  unitsPerHour: units.optional().describe('what a tenant may spend in an hour; then its calls to trunks are ended'),
  unitsPerDay: units.optional().describe('and in a day (UTC)'),
});

/**
 * Where toll fraud goes: satellite networks, international premium and shared-cost services, and networks that belong to
 * no country (ITU-T E.164, list of assigned country codes).
 */
const DEARLY = ['+870', '+878', '+881', '+882', '+883', '+888', '+979'];

export const tollFraudSchema = z.strictObject({
  enabled: z.boolean().default(true).describe('watch what calls to trunks cost; emergency numbers always pass'),
  rules: z
    .array(ruleSchema)
    .default(DEARLY.map((each) => ({ prefix: each, deny: true, unitsPerMinute: 1 })))
    .describe('by prefix; without any, satellite and international premium networks are denied'),
  exitCodes: z
    .array(z.string().regex(/^\d{1,5}$/, 'digits'))
    .default(['00', '011'])
    .describe('what users dial to leave the country; compared as +'),
  unitsPerMinute: units.default(1).describe('of numbers without a rule; left at 1 a budget is in minutes'),
  userCallsPerMinute: z.int().min(1).max(100_000).default(30).describe('calls to trunks that one user may begin'),
  userConcurrentCalls: z.int().min(1).max(100_000).default(10).describe('calls to trunks that one user may have'),
  budget: budgetSchema.prefault({}),
  budgets: z.record(z.string(), budgetSchema).default({}).describe('tenant → a budget of its own'),
});

export const bansSchema = z.strictObject({
  enabled: z.boolean().default(true).describe('do not listen to who guesses passwords; a challenge is no failure'),
  failures: z.int().min(1).max(10_000).default(10).describe('wrong passwords that ban an account from one address'),
  accounts: z.int().min(2).max(10_000).default(5).describe('accounts tried wrongly from one address that ban it'),
  windowSec: z.number().min(1).max(86_400).default(600).describe('within this time'),
  banSec: z.number().min(1).max(604_800).default(600).describe('how long a ban lasts'),
});
