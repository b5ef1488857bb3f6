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
  SDP_PROTOCOL: { sip: 488, retryable: false, text: 'The transport protocol %s of the audio section is not supported' },
  SDP_ADDRESS: { sip: 488, retryable: false, text: 'The audio address %s is not a unicast IP address' },
});
