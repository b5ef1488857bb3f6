import { catalogue } from '../../kernel/index.ts';

export const netErrors = catalogue({
  SIP_LISTENER_FAILED: { retryable: false, text: 'SIP over %s cannot listen on %s port %s: %s' },
  SIP_BAD_NETWORK: { retryable: false, text: '%s is not an IP address, IP/prefix length or IP:port' },
});

/** The code of a socket error, such as EADDRINUSE. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';
}
