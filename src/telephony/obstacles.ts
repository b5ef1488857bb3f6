/** What stands against serving a request, whoever sends it: RFC 3261 §8.2.2.3, §8.2.3, §21.4.7, §21.4.13. */
import type { InboundRequest, SipHeaders } from './sip-ports.ts';

interface Refusal {
  readonly status: number;
  readonly headers: SipHeaders;
}

type Readable = Pick<InboundRequest, 'method' | 'body' | 'header'>;

/** Option tags that a peer may require of us. */
const EXTENSIONS = new Set(['100rel', 'timer', 'replaces', 'path', 'outbound', 'norefersub', 'ice']);
const BODY_TYPE = 'application/sdp';

/** Undefined when it can be served. */
export function findObstacle(request: Readable): Refusal | undefined {
  const unknown = valuesOf(request, 'Require').filter((tag) => !EXTENSIONS.has(tag));
  if (unknown.length > 0) return { status: 420, headers: { Unsupported: unknown.join(', ') } };
  return request.method === 'INVITE' || request.method === 'UPDATE' ? findOfferObstacle(request) : undefined;
}

/** An INVITE's body must be one we can read, and ours one that its sender can (RFC 4475 §3.3.6, §3.3.15). */
function findOfferObstacle(invite: Readable): Refusal | undefined {
  const encodings = valuesOf(invite, 'Content-Encoding').filter((encoding) => encoding !== 'identity');
  if (encodings.length > 0) return { status: 415, headers: { 'Accept-Encoding': 'identity' } };
  const type = withoutParams(invite.header('Content-Type') ?? BODY_TYPE);
  if (invite.body !== '' && type !== BODY_TYPE) return { status: 415, headers: { Accept: BODY_TYPE } };
  const accepted = valuesOf(invite, 'Accept').map(withoutParams);
  const isReadable = accepted.length === 0 || accepted.some((one) => ACCEPTED.has(one));
  return isReadable ? undefined : { status: 406, headers: { Accept: BODY_TYPE } };
}

const ACCEPTED = new Set([BODY_TYPE, 'application/*', '*/*']);

function valuesOf(request: Readable, name: string): string[] {
  const value = request.header(name);
  if (value === undefined) return [];
  return value
    .split(',')
    .map((one) => one.trim().toLowerCase())
    .filter((one) => one !== '');
}

function withoutParams(value: string): string {
  return (value.split(';')[0] ?? '').trim().toLowerCase();
}
