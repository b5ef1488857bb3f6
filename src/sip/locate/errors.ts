import { catalogue } from '../../kernel/index.ts';

/** What can go wrong on the way from a name to the servers behind it. */
export const locateErrors = catalogue({
  LOCATE_BAD_TARGET: { retryable: false, text: '%s is not host[:port] or a sip or sips URI without user part' },
  LOCATE_NO_TRANSPORT: { sip: 503, retryable: false, text: 'No listener speaks the transport that %s needs' },
  LOCATE_NO_ADDRESS: { sip: 503, retryable: true, text: 'No address is known for %s' },
  LOCATE_DNS_FAILED: { sip: 503, retryable: true, text: 'No name server answers the question for %s %s' },
});
