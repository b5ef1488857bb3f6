import { catalogue } from '../kernel/index.ts';

export const errors = catalogue({
  HTTP_PORT_TAKEN: { retryable: false, text: '%s port %s is taken: end what uses it, or set %s to another port' },
  HTTP_LISTEN: { retryable: false, text: 'cannot listen on %s port %s: %s' },
  CERTIFICATE_UNREADABLE: { retryable: false, text: 'certificate or key not usable: %s' },
  CERTIFICATE_MISMATCH: { retryable: false, text: 'the private key is not that of the certificate %s' },
  WEB_BUILD: { retryable: false, text: 'the web pages cannot be bundled: %s' },
});
