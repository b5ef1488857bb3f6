/** The settings of an HTTP hook. */
import { z } from 'zod';

/** Standard Webhooks, "Signature scheme": the key is 24 to 64 random bytes, written as `whsec_` and base64. */
export function keyProblem(secret: string): string | undefined {
  const [, text] = /^whsec_([A-Za-z0-9+/]+={0,2})$/u.exec(secret) ?? [];
  const bytes = text === undefined ? 0 : Buffer.from(text, 'base64').length;
  if (bytes >= 24 && bytes <= 64) return undefined;
  return 'must be whsec_ and 24 to 64 random bytes in base64: echo whsec_$(openssl rand -base64 32)';
}

const secretSchema = z.string().superRefine((secret, context) => {
  const message = keyProblem(secret);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});

function urlProblem(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return 'must be an http:// or https:// URL';
  return url.username === '' && url.password === '' ? undefined : 'must not hold a password; the signature proves us';
}

export const hookShape = {
  url: z
    .string()
    .max(2048)
    .superRefine((text, context) => {
      const message = urlProblem(text);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    })
    .describe('where the facts of the call are sent by POST; redirects are not followed'),
  secret: secretSchema.optional().describe('key of the signature: whsec_ and base64'),
  secretEnv: z
    .string()
    .regex(/^(?!VIADUCT_)[A-Z][A-Z0-9_]{0,63}$/u, 'must be a name in capitals that does not begin with VIADUCT_')
    .optional()
    .describe('environment variable that holds the key'),
  timeoutMs: z.int().min(100).max(10_000).default(2_000).describe('how long one attempt may take'),
  retries: z.int().min(0).max(3).default(1).describe('further attempts after a failure, with the same webhook-id'),
  headers: z
    .array(z.string().regex(/^[\w-]{1,64}$/u, 'is no header name'))
    .max(32)
    .default([])
    .describe('headers of the INVITE to tell'),
};

/** What zod cannot say of the keys one by one. */
export function hookProblem(hook: Readonly<Record<string, unknown>>): string | undefined {
  const isOne = (hook['secret'] === undefined) !== (hook['secretEnv'] === undefined);
  return isOne ? undefined : 'must have exactly one of secret and secretEnv';
}

export type HookSettings = z.infer<z.ZodObject<typeof hookShape>>;
