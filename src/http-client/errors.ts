import { catalogue } from '../kernel/index.ts';

/** Why an HTTP server outside gave no answer. */
export const httpErrors = catalogue({
  HTTP_PRIVATE: {
    retryable: false,
    text: '%s is a private address: allow private addresses for it if that is what you want',
  },
  HTTP_UNREACHABLE: { retryable: true, text: '%s cannot be reached: %s' },
  HTTP_TIMEOUT: { retryable: true, text: '%s gave no answer within %s ms' },
  HTTP_TOO_LARGE: { retryable: false, text: '%s answered with more than %s bytes' },
});
