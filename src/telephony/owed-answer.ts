/** What a peer is owed for an error of ours: the SIP status, and the Warning that says what was wrong with its SDP. */
import { CodedError } from '../kernel/index.ts';
import { noCommonCodecWarning, transcodingRefusedWarning, warningFor } from '../sdp/index.ts';
import type { SipHeaders } from './sip-ports.ts';

const OURS: ReadonlyMap<string, (domain: string) => string> = new Map([
  ['TELEPHONY_NO_COMMON_CODEC', noCommonCodecWarning],
  ['TELEPHONY_TRANSCODING_REFUSED', transcodingRefusedWarning],
]);

/** `otherwise`: for an error that names none. */
export function owedStatus(error: unknown, otherwise: number): number {
  return error instanceof CodedError ? (error.sip ?? otherwise) : otherwise;
}

/** `domain` names us (RFC 3261 §20.43). */
export function owedWarning(error: unknown, domain: string): SipHeaders {
  if (!(error instanceof CodedError)) return {};
  const warning = OURS.get(error.code)?.(domain) ?? warningFor(error, domain);
  return warning === undefined ? {} : { Warning: warning };
}
