import { catalogue } from '../../kernel/index.ts';

/** What can go wrong with the engine as a whole. */
export const serverErrors = catalogue({
  SIP_PORT_TAKEN: {
    retryable: false,
    text: 'Port %s/%s on %s is taken: end what uses it, or set another port in the listeners of sip-profiles/',
  },
  SIP_ENGINE_FAILED: { retryable: false, text: 'The SIP engine could not start: %s' },
  SIP_ENGINE_CRASHED: { retryable: false, text: 'The SIP engine ended unexpectedly: %s' },
});
