import { catalogue } from '../kernel/index.ts';

/** What can go wrong between calls and the SIP engine. `sip` is the status owed to the caller. */
export const telephonyErrors = catalogue({
  TELEPHONY_ENGINE_REFUSED: {
    retryable: false,
    text: 'The SIP engine at %s refused the connection: the secret is wrong',
  },
  TELEPHONY_ENGINE_UNREACHABLE: { retryable: true, text: 'No SIP engine answers at %s' },
  TELEPHONY_ENGINE_LOST: { sip: 503, retryable: true, text: 'The connection to the SIP engine is lost' },
  TELEPHONY_NO_COMMON_CODEC: {
    sip: 488,
    retryable: false,
    text: 'The parties share no audio codec that the profiles allow',
  },
  TELEPHONY_TRANSCODING_REFUSED: {
    sip: 488,
    retryable: false,
    text: 'The parties share no audio codec, and a profile forbids to transcode: %s',
  },
  TELEPHONY_ANSWER_CHANGED: {
    sip: 488,
    retryable: false,
    text: 'The answer differs from the early one and the caller cannot follow',
  },
  TELEPHONY_OTHER_DTLS: {
    sip: 488,
    retryable: false,
    text: 'The certificate cannot change within the session',
  },
  TELEPHONY_LEG_ENDED: { sip: 487, retryable: false, text: 'The leg has ended' },
  TELEPHONY_UNKNOWN_LEG: { sip: 500, retryable: false, text: 'The call has no leg %s' },
  TELEPHONY_BAD_AOR: {
    retryable: false,
    text: 'Trunk %s: %s is no address of record to register: set register.aor, or auth.username',
  },
  TELEPHONY_BAD_ADDRESS: {
    retryable: false,
    text: 'Trunk %s: %s is not an IP address, IP/prefix length, IP:port or host name',
  },
});
