/** What a REFER asks for (RFC 3515, RFC 3891, RFC 3892, RFC 4488), and the sipfrag that tells what came of it. */
import { parseNameAddr, parseUri } from '../sip/message/index.ts';
import type { InboundRequest, SipHeaders } from './sip-ports.ts';

/** The dialog that a Replaces header names, as its recipient has it. */
export interface ReplacedDialog {
  readonly sipCallId: string;
  /** To-tag: the tag of the side that gets the header. */
  readonly localTag: string;
  readonly remoteTag: string;
  readonly isEarlyOnly: boolean;
}

export interface ReferRequest {
  /** The value of Refer-To as it came. */
  readonly referTo: string;
  /** Its URI without embedded headers. */
  readonly uri: string;
  /** From the headers embedded in it (RFC 3261 §19.1.1). */
  readonly replaces: ReplacedDialog | undefined;
  /** The embedded Replaces as it came, unescaped. */
  readonly replacesValue: string | undefined;
  readonly referredBy: string | undefined;
  /** The number of its CSeq. */
  readonly cseq: string;
  /** False: the transferor asked for no NOTIFYs (RFC 4488). */
  readonly isSubscribed: boolean;
}

export type ReferReading =
  | { readonly kind: 'refer'; readonly refer: ReferRequest }
  | { readonly kind: 'refused'; readonly status: number; readonly headers: SipHeaders };

const SUPPORTED = new Set(['norefersub', 'replaces']);

/** Reads it, or says what it is to be refused with. */
export function readRefer(request: InboundRequest): ReferReading {
  const unknown = unsupportedIn(request.header('Require'));
  if (unknown !== '') return refused(420, { Unsupported: unknown });
  const referTo = request.header('Refer-To');
  const target = referTo === undefined ? undefined : parseNameAddr(referTo);
  // Exactly one Refer-To (RFC 3515 §2.4.1); several lines would come joined, which is no name-addr.
  if (referTo === undefined || target === undefined) return refused(400);
  const uri = parseUri(target.uri);
  if (uri === undefined) return refused(416);
  const method = uri.params.get('method') ?? 'INVITE';
  if (method.toUpperCase() !== 'INVITE') return refused(501);
  const replacesValue = embeddedHeader(uri.headers, 'replaces');
  const replaces = replacesValue === undefined ? undefined : parseReplaces(replacesValue);
  if (replacesValue !== undefined && replaces === undefined) return refused(400);
  const [bare = target.uri] = target.uri.split('?', 1);
  return { kind: 'refer', refer: { referTo, uri: bare, replaces, replacesValue, ...circumstances(request) } };
}

function circumstances(request: InboundRequest): Pick<ReferRequest, 'referredBy' | 'cseq' | 'isSubscribed'> {
  return {
    referredBy: request.header('Referred-By'),
    cseq: /^\s*(\d+)/.exec(request.header('CSeq') ?? '')?.[1] ?? '',
    isSubscribed: request.header('Refer-Sub')?.trim().toLowerCase() !== 'false',
  };
}

function refused(status: number, headers: SipHeaders = {}): ReferReading {
  return { kind: 'refused', status, headers };
}

function unsupportedIn(require: string | undefined): string {
  const tags = (require ?? '').split(',').map((tag) => tag.trim().toLowerCase());
  return tags.filter((tag) => tag !== '' && !SUPPORTED.has(tag)).join(', ');
}

/** The value of a header embedded in a URI, unescaped; undefined when there is none or it comes twice. */
function embeddedHeader(headers: string, name: string): string | undefined {
  const values = headers.split('&').flatMap((part) => {
    const equals = part.indexOf('=');
    return equals > 0 && part.slice(0, equals).toLowerCase() === name ? [part.slice(equals + 1)] : [];
  });
  const [value] = values;
  if (value === undefined || values.length > 1) return undefined;
  try {
    return decodeURIComponent(value);
  } catch {
    return '';
  }
}

/** Reads `call-id;to-tag=x;from-tag=y[;early-only]` (RFC 3891 §6.1); undefined when malformed. */
export function parseReplaces(value: string): ReplacedDialog | undefined {
  const [sipCallId = '', ...params] = value.split(';').map((part) => part.trim());
  const tags = new Map<string, string>();
  for (const param of params) {
    const [name = '', ...rest] = param.split('=');
    if (tags.has(name.toLowerCase())) return undefined;
    tags.set(name.toLowerCase(), rest.join('='));
  }
  const [localTag, remoteTag] = [tags.get('to-tag'), tags.get('from-tag')];
  if (!/^[^\s;,]+$/.test(sipCallId) || !isTag(localTag) || !isTag(remoteTag)) return undefined;
  return { sipCallId, localTag, remoteTag, isEarlyOnly: tags.has('early-only') };
}

function isTag(tag: string | undefined): tag is string {
  return tag !== undefined && /^[^\s;,=]+$/.test(tag);
}

/** The status of the response that a NOTIFY's message/sipfrag carries; undefined when it carries none. */
export function sipfragStatus(body: string): number | undefined {
  const status = /^\s*SIP\/2\.0 ([1-6]\d\d)(?:\s|$)/.exec(body)?.[1];
  return status === undefined ? undefined : Number(status);
}

export function isReferNotify(request: InboundRequest): boolean {
  return /^\s*refer\s*(;|$)/i.test(request.header('Event') ?? '');
}

/** A transfer that nobody is told of by NOTIFY. */
export function unaskedRefer(uri: string): ReferRequest {
  return {
    referTo: `<${uri}>`,
    uri,
    replaces: undefined,
    replacesValue: undefined,
    referredBy: undefined,
    cseq: '',
    isSubscribed: false,
  };
}
