/** Responses: what they mirror from the request (RFC 3261 §8.2.6) and what is added. */
import { formatMessage, reasonPhrase, type SipHeader, type SipMessage, type SipResponse } from '../message/index.ts';

interface ResponseParts {
  readonly status: number;
  /** '' for the usual phrase. */
  readonly reason: string;
  /** Added to To when the request's has none; '' for none. */
  readonly toTag: string;
  readonly hasRecordRoute: boolean;
  readonly headers: readonly SipHeader[];
  readonly body: Buffer;
}

export const NO_BODY = Buffer.alloc(0);
export const NO_HEADERS: readonly SipHeader[] = [];

export function buildResponse(request: SipMessage, parts: ResponseParts): SipResponse {
  const headers: SipHeader[] = [];
  for (const line of request.headers) {
    if (isMirrored(line.name, parts)) headers.push(line.name === 'To' ? tagged(line, parts.toTag) : line);
  }
  for (const line of parts.headers) headers.push(line);
  headers.push({ name: 'Content-Length', value: String(parts.body.length) });
  const reason = parts.reason === '' ? reasonPhrase(parts.status) : parts.reason;
  return { kind: 'response', status: parts.status, reason, headers, body: parts.body };
}

function isMirrored(name: string, parts: ResponseParts): boolean {
  switch (name) {
    case 'Via':
    case 'From':
    case 'To':
    case 'Call-ID':
    case 'CSeq':
      return true;
    case 'Record-Route':
      return parts.hasRecordRoute;
    case 'Timestamp':
      return parts.status === 100;
    default:
      return false;
  }
}

function tagged(line: SipHeader, tag: string): SipHeader {
  return { name: line.name, value: withTag(line.value, tag) };
}

/** A From or To value with a tag; one that has its own keeps it. */
export function withTag(value: string, tag: string): string {
  if (tag === '' || /;\s*tag\s*=/i.test(value.slice(value.lastIndexOf('>') + 1))) return value;
  return `${value};tag=${tag}`;
}

/** A response without body, as bytes. */
export function formatPlainResponse(
  request: SipMessage,
  status: number,
  toTag: string,
  headers: readonly SipHeader[] = NO_HEADERS,
): Buffer {
  const parts = { status, reason: '', toTag, hasRecordRoute: false, headers, body: NO_BODY };
  return formatMessage(buildResponse(request, parts));
}
