/** Warning header values for a refused description: RFC 3261 §20.43. */
import type { CodedError } from '../kernel/index.ts';

const WARNINGS: Readonly<Record<string, readonly [code: number, text: string]>> = {
  SDP_NO_AUDIO: [304, 'Media type not available: audio is needed'],
  SDP_PROTOCOL: [302, 'Incompatible transport protocol: RTP/AVP or UDP/TLS/RTP/SAVPF is needed'],
  SDP_ADDRESS: [301, 'Incompatible network address format: a unicast IP address is needed'],
  SDP_NO_FINGERPRINT: [399, 'A DTLS certificate fingerprint of SHA-256 or stronger is needed'],
  SDP_NO_CRYPTO: [399, 'An a=crypto with a suite known here is needed'],
  SDP_SRTP_ANSWER: [399, 'The a=crypto of the answer is none of those offered'],
  SDP_SRTP_REFUSED: [302, 'Incompatible transport protocol: RTP/AVP is needed'],
  SDP_SRTP_REQUIRED: [302, 'Incompatible transport protocol: RTP/SAVP is needed'],
  SDP_SRTP_IN_CLEAR: [399, 'SRTP keys need signaling over TLS'],
  SDP_NO_ICE: [399, 'ICE credentials are needed'],
};

/** The Warning that goes with a 488 because no codec is common to all. `host` names us. */
export function noCommonCodecWarning(host: string): string {
  return `305 ${host} "Incompatible media format: no common audio codec"`;
}

/** The same, when there would have been a way. */
export function transcodingRefusedWarning(host: string): string {
  return `305 ${host} "Incompatible media format: no common audio codec, and transcoding is not allowed"`;
}

/** The Warning that goes with an error of `sdpErrors`; undefined when its status says it all. */
export function warningFor(error: CodedError, host: string): string | undefined {
  const warning = WARNINGS[error.code];
  return warning === undefined ? undefined : `${warning[0]} ${host} "${warning[1]}"`;
}
