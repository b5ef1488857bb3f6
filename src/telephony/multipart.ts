/** Bodies of several parts (RFC 5621): phones that add their place to an emergency call send the offer among others. */
import type { InboundInvite } from './sip-ports.ts';

const SDP = 'application/sdp';
/** RFC 2046 §5.1.1. */
const BOUNDARY = /;\s*boundary=(?:"([^"\r\n]{1,70})"|([\w'()+,./:=?-]{1,70}))/iu;
const MAX_PARTS = 16;

/** The INVITE with its session description as the only body. As it is when it has one part, or none of them is SDP. */
export function withOfferAlone(invite: InboundInvite): InboundInvite {
  const type = invite.header('Content-Type') ?? '';
  if (!/^multipart\/(?:mixed|alternative)\s*;/iu.test(type.trim())) return invite;
  const [, quoted, plain] = BOUNDARY.exec(type) ?? [];
  const boundary = quoted ?? plain;
  const body = boundary === undefined ? undefined : sdpPart(invite.body, boundary);
  if (body === undefined) return invite;
  return {
    ...invite,
    body,
    header: (name) => (name.toLowerCase() === 'content-type' ? SDP : invite.header(name)),
  };
}

/** The first part that is SDP and written as it is: another Content-Transfer-Encoding is not read. */
function sdpPart(body: string, boundary: string): string | undefined {
  // What stands before the first boundary is no part; the last one ends with "--".
  const parts = `\r\n${body}`.split(`\r\n--${boundary}`, MAX_PARTS + 1).slice(1);
  for (const part of parts) {
    const end = part.indexOf('\r\n\r\n');
    if (end < 0 || part.startsWith('--')) continue;
    const head = part.slice(0, end);
    const isPlain = !/^content-transfer-encoding:\s*(?!7bit|8bit|binary)/imu.test(head);
    if (/^content-type:\s*application\/sdp\s*(?:;|$)/imu.test(head) && isPlain) return `${part.slice(end + 4)}\r\n`;
  }
  return undefined;
}
