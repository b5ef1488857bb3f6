/** Who may use rooms: how access tokens are verified. */
import { z } from 'zod';

export const authSchema = z.strictObject({
  secretEnv: z
    .string()
    .regex(/^[A-Z_][A-Z0-9_]*$/i, 'the name of an environment variable')
    .optional()
    .describe(
      'environment variable with the secret that access tokens are signed with (HS256); without it and `publicKeys` the gateway makes its own',
    ),
  publicKeys: z
    .array(z.string().min(1))
    .max(16)
    .default([])
    .describe('files with public keys that access tokens are signed for (PEM or JWK Set; ES256, RS256, EdDSA)'),
  audience: z.string().min(1).max(256).default('viaduct').describe('`aud` that an access token must have'),
  issuer: z.string().min(1).max(256).optional().describe('`iss` that an access token must have'),
  maxTokenSec: z
    .int()
    .min(60)
    .max(604_800)
    .default(86_400)
    .describe('access tokens that live longer than this are refused'),
});
