import { catalogue } from '../kernel/index.ts';

/** Why a route hook gave no answer. Each ends in the hook's fallback or the next rule, never in the call's end. */
export const hookErrors = catalogue({
  HOOK_BUSY: { retryable: false, text: 'route hook %s: %s questions are under way already' },
  HOOK_UNREACHABLE: { retryable: true, text: 'route hook %s cannot be reached: %s' },
  HOOK_TIMEOUT: { retryable: true, text: 'route hook %s gave no answer within %s ms' },
  HOOK_STATUS: { retryable: false, text: 'route hook %s answered %s' },
  HOOK_OVERLOADED: { retryable: true, text: 'route hook %s answered %s' },
  HOOK_TOO_LARGE: { retryable: false, text: 'route hook %s answered with more than %s bytes' },
  WEBHOOK_QUEUE: { retryable: false, text: 'webhook %s: %s events are waiting already' },
  WEBHOOK_SECRET: {
    retryable: false,
    text: 'webhook %s: the environment variable %s must hold whsec_ and 24 to 64 random bytes in base64: echo whsec_$(openssl rand -base64 32)',
  },
  HOOK_ANSWER: { retryable: false, text: 'the answer of route hook %s is no route: %s' },
});
