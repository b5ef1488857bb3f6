import { catalogue } from '../kernel/index.ts';

export const authErrors = catalogue({
  AUTH_KEY: { retryable: false, text: 'auth.publicKeys: %s: %s' },
  AUTH_SECRET: {
    retryable: false,
    text: 'auth.secretEnv: the environment variable %s must hold at least 32 characters; make some with "openssl rand -base64 48"',
  },
  TOKEN_INVALID: { retryable: false, text: 'the access token is not valid: %s' },
  TOKEN_EXPIRED: { retryable: false, text: 'the access token has expired' },
  TOKEN_REVOKED: { retryable: false, text: 'the access token was revoked' },
  GRANT_MISSING: { retryable: false, text: 'the access token does not grant "%s"' },
});
