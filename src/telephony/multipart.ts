/** Bodies of several parts (RFC 5621): phones that add their place to an emergency call send the offer among others. */
import type { InboundInvite, LocationBody } from './sip-ports.ts';

const SDP = 'application/sdp';
const LOCATION = 'application/pidf+xml';
/** RFC 2046 §5.1.1. */
const BOUNDARY = /;\s*boundary=(?:"([^"\r\n]{1,70})"|([\w'()+,./:=?-]{1,70}))/iu;
/** RFC 5322 §3.6.4, without what would need quoting. */
const CONTENT_ID = /^<([\w.!#$%&'*+/=?^`{|}~@-]{1,200})>$/u;
const MAX_PARTS = 16;

interface BodyPart {
  readonly type: string;
  readonly contentId: string | undefined;
  readonly text: string;
}

/**
 * The INVITE with its session description as the only body, and the places of the caller beside it in `locations`. As
 * it is when it has one part, or none of them is SDP.
 */
export function withOfferAlone(invite: InboundInvite): InboundInvite {
  const type = invite.header('Content-Type') ?? '';
  if (!/^multipart\/(?:mixed|alternative)\s*;/iu.test(type.trim())) return invite;
  const [, quoted, plain] = BOUNDARY.exec(type) ?? [];
  const boundary = quoted ?? plain;
  const parts = boundary === undefined ? [] : partsOf(invite.body, boundary);
  const offer = parts.find((part) => part.type === SDP);
  if (offer === undefined) return invite;
  return {
    ...invite,
    body: offer.text,
    locations: parts.flatMap(({ type: partType, contentId, text }) =>
      partType === LOCATION && contentId !== undefined ? [{ contentId, text }] : [],
    ),
    header: (name) => (name.toLowerCase() === 'content-type' ? SDP : invite.header(name)),
  };
}

/** A body with an offer and the places it comes from. `boundary` stands in none of them. */
export function formatMultipart(
  offer: string,
  locations: readonly LocationBody[],
  boundary: string,
): { readonly type: string; readonly body: string } {
  const places = locations.map(
    ({ contentId, text }) =>
      // Whoever cannot read it takes the call all the same (RFC 5621 §8.2): its default would be to refuse.
      `Content-Type: ${LOCATION}\r\nContent-ID: <${contentId}>\r\nContent-Disposition: by-reference;handling=optional\r\n\r\n${text}`,
  );
  const parts = [`Content-Type: ${SDP}\r\n\r\n${offer}`, ...places];
  const body = `${parts.map((part) => `--${boundary}\r\n${part}\r\n`).join('')}--${boundary}--\r\n`;
  return { type: `multipart/mixed;boundary=${boundary}`, body };
}

/** The parts that are written as they are: another Content-Transfer-Encoding is not read. */
function partsOf(body: string, boundary: string): BodyPart[] {
  // What stands before the first boundary is no part; the last one ends with "--".
  const texts = `\r\n${body}`.split(`\r\n--${boundary}`, MAX_PARTS + 1).slice(1);
  return texts.flatMap((part) => {
    const end = part.indexOf('\r\n\r\n');
    if (end < 0 || part.startsWith('--')) return [];
    const head = part.slice(0, end);
    if (/^content-transfer-encoding:\s*(?!7bit|8bit|binary)/imu.test(head)) return [];
    const type = /^content-type:\s*([\w.+-]+\/[\w.+-]+)\s*(?:;|$)/imu.exec(head)?.[1]?.toLowerCase();
    const id = /^content-id:\s*(\S+)\s*$/imu.exec(head)?.[1];
    const [, contentId] = id === undefined ? [] : (CONTENT_ID.exec(id) ?? []);
    return type === undefined ? [] : [{ type, contentId, text: `${part.slice(end + 4)}\r\n` }];
  });
}
