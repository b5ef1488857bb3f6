import { catalogue } from '../kernel/index.ts';

/** Everything a remote description can be refused for. */
export const sdpErrors = catalogue({
  SDP_MALFORMED: { sip: 400, retryable: false, text: 'The session description is not valid SDP: %s' },
  SDP_TOO_LARGE: { sip: 413, retryable: false, text: 'The session description is too large: %s' },
  SDP_NO_AUDIO: { sip: 488, retryable: false, text: 'The session description has no usable audio section' },
  SDP_NO_FINGERPRINT: {
    sip: 488,
    retryable: false,
    text: 'The audio section has no certificate fingerprint of SHA-256 or stronger',
  },
  SDP_NO_ICE: { sip: 488, retryable: false, text: 'The encrypted audio section has no ICE user name and password' },
  SDP_NO_CRYPTO: {
    sip: 488,
    retryable: false,
    text: 'The audio section asks for SRTP and has no a=crypto that can be used',
  },
  SDP_SRTP_ANSWER: { sip: 488, retryable: false, text: 'The a=crypto of the answer is none of those offered' },
  SDP_SRTP_REFUSED: { sip: 488, retryable: false, text: 'The profile allows no SRTP' },
  SDP_SRTP_REQUIRED: { sip: 488, retryable: false, text: 'The profile requires SRTP' },
  SDP_SRTP_IN_CLEAR: {
    sip: 488,
    retryable: false,
    text: 'SRTP keys are not sent over signaling that is not encrypted: use TLS, or srtpKeysInClear in the profile',
  },
  SDP_PROTOCOL: { sip: 488, retryable: false, text: 'The transport protocol %s of the audio section is not supported' },
  SDP_ADDRESS: { sip: 488, retryable: false, text: 'The audio address %s is not a unicast IP address' },
});
