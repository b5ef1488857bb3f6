import { catalogue } from '../kernel/index.ts';

/** Everything that can be wrong with the configuration. Each text names the place and the fix. */
export const errors = catalogue({
  CONFIG_NOT_FOUND: {
    retryable: false,
    text: '%s: no such file; write it, or leave --config away to run on the defaults',
  },
  CONFIG_SYNTAX: { retryable: false, text: '%s: not valid YAML: %s' },
  CONFIG_INVALID: { retryable: false, text: '%s' },
  CONFIG_ENV: { retryable: false, text: '%s' },
});
