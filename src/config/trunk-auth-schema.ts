/** Passwords between us and a trunk. */
import { z } from 'zod';

const username = z.string().min(1).max(128);
const password = z.string().min(1).max(256).optional();
const passwordEnv = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable')
  .optional();

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
  .refine(({ password: given, passwordEnv: named }) => (given === undefined) !== (named === undefined), {
    path: ['password'],
    error: 'give either password or passwordEnv',
  });
