/** How we prove who we are to a trunk, and say where we are. */
import { z } from 'zod';

const username = z.string().min(1).max(128);
const password = z.string().min(1).max(256).optional();
const passwordEnv = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable')
  .optional();

const ONE_PASSWORD = { path: ['password'], error: 'give either password or passwordEnv' };

function hasOnePassword(account: { readonly password?: unknown; readonly passwordEnv?: unknown }): boolean {
  return (account.password === undefined) !== (account.passwordEnv === undefined);
}

export const trunkAuthSchema = z
  .strictObject({
    username: username.describe('user name for digest'),
    password: password.describe('its password'),
    passwordEnv: passwordEnv.describe('environment variable that has the password, instead of `password`'),
    realm: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe('the only realm that is answered; without it the one in which the trunk first accepts us is kept'),
  })
  .refine(hasOnePassword, ONE_PASSWORD);

export const inboundAuthSchema = z
  .strictObject({
    username: username.describe('user name it gives when challenged'),
    password: password.describe('its password'),
    passwordEnv: passwordEnv.describe('environment variable that has the password, instead of `password`'),
  })
  .refine(hasOnePassword, ONE_PASSWORD);

const seconds = z.number().min(0.1).max(3600);

export const trunkRegisterSchema = z.strictObject({
  aor: z
    .string()
    .regex(/^sips?:[^@\s]+@[^@\s]+$/, 'must be sip:user@domain')
    .optional()
    .describe('address of record; default: `auth.username` at the first target'),
  contactUser: z
    .string()
    .regex(/^[A-Za-z0-9._+-]{1,64}$/, 'letters, digits and ._+- only')
    .optional()
    .describe('user part of our Contact, by which its calls are known; default: that of the address of record'),
  expiresSec: z.int().min(30).max(86_400).default(600).describe('what is asked for; the registrar has the last word'),
  retrySec: seconds.default(5).describe('wait when no server answers; doubles up to `maxRetrySec`'),
  maxRetrySec: seconds.default(300).describe('and no longer than this'),
  refusedRetrySec: z
    .number()
    .min(0.1)
    .max(86_400)
    .default(300)
    .describe('wait after a refusal as for a wrong password; doubles up to an hour'),
});
