import { catalogue } from '../../kernel/index.ts';

/** What can go wrong with the engine as a whole. */
export const serverErrors = catalogue({
  SIP_PORT_TAKEN: {
    retryable: false,
    text: 'Port %s/%s on %s is taken: stop the program that has it, or configure another port',
  },
  SIP_ENGINE_FAILED: { retryable: false, text: 'The SIP engine could not start: %s' },
  SIP_ENGINE_CRASHED: { retryable: false, text: 'The SIP engine ended unexpectedly: %s' },
});
