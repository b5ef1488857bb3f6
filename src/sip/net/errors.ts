import { catalogue } from '../../kernel/index.ts';

export const netErrors = catalogue({
  SIP_LISTENER_FAILED: { retryable: false, text: 'SIP over %s cannot listen on %s port %s: %s' },
  SIP_BAD_NETWORK: { retryable: false, text: '%s is not an IP address, IP/prefix length or IP:port' },
  SIP_NO_CERTIFICATE: { retryable: false, text: 'the SIP listener %s on port %s has no certificate' },
  SIP_PEER_IDENTITY: { retryable: false, text: 'the certificate of the peer is not that of %s' },
});

/** The code of a socket error, such as EADDRINUSE. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';
}
