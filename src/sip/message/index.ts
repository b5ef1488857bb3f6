export {
  type Challenge,
  type Credentials,
  formatChallenge,
  formatCredentials,
  parseChallenge,
  parseCredentials,
  splitChallenges,
} from './auth-header.ts';
export { type CSeq, parseCSeq } from './cseq.ts';
export {
  type DigestInput,
  digestAlgorithm,
  digestHa1,
  digestResponse,
} from './digest.ts';
export { isEmergencyUri, isSosUrn } from './emergency.ts';
export { formatMessage } from './format-message.ts';
export {
  appendHeader,
  header,
  headerValues,
  prependHeader,
  tagOf,
  withHeader,
  withoutHeader,
} from './header-access.ts';
export { canonicalHeaderName } from './header-names.ts';
export type { NameAddr, SipHeader, SipMessage, SipRequest, SipResponse, SipUri, Via } from './model.ts';
export { formatNameAddr, parseNameAddr, parseNameAddrs } from './name-addr.ts';
export { parseParams, unquote } from './params.ts';
export { DEFAULT_PARSE_LIMITS, type ParseLimits } from './parse-head.ts';
export { type ParseResult, parseMessage } from './parse-message.ts';
export { reasonPhrase } from './reason-phrases.ts';
export { sameUri } from './same-uri.ts';
export { splitOutside } from './split-values.ts';
export { type FramerEvent, StreamFramer } from './stream-framer.ts';
export { formatUri, parseUri } from './uri.ts';
export { formatVia, parseVia, topVia, withReceived } from './via.ts';
