/** A new request outside a dialog, with everything filled in that its application left out: drachtio-protocol §5.2. */
import { parseCSeq, parseNameAddr, type SipHeader, type SipRequest } from '../message/index.ts';
import { findHeader } from './app-headers.ts';
import { createSequence, createTag, type EngineCore } from './core.ts';
import { localizeHeaders, ownUri, viaValue } from './local-address.ts';
import type { ListenerAddress } from './ports.ts';
import { withTag } from './response-builder.ts';

interface NewRequest {
  readonly request: SipRequest;
  readonly callId: string;
  /** The whole From value. */
  readonly from: string;
  readonly fromTag: string;
  readonly cseq: number;
}

/** Requests that say where later ones go. */
const WITH_CONTACT = new Set(['INVITE', 'SUBSCRIBE', 'REFER']);
const PLACED_FIRST = new Set(['Max-Forwards', 'From', 'To', 'Call-ID', 'CSeq', 'Contact']);

export function buildNewRequest(
  wish: {
    readonly method: string;
    readonly uri: string;
    readonly headers: readonly SipHeader[];
    readonly body: Buffer;
  },
  by: { readonly listener: ListenerAddress; readonly branch: string; readonly core: EngineCore },
): NewRequest {
  const { method, uri, body } = wish;
  const { listener } = by;
  const { random, options } = by.core;
  const given = localizeHeaders(wish.headers, listener);
  const from = withTag(findHeader(given, 'From') ?? `<${ownUri(listener)}>`, createTag(random));
  const fromTag = parseNameAddr(from)?.params.get('tag') ?? '';
  const callId = findHeader(given, 'Call-ID') ?? random.uuid();
  const cseq = parseCSeq(findHeader(given, 'CSeq') ?? '')?.number ?? createSequence(random);
  const headers: SipHeader[] = [
    { name: 'Via', value: viaValue(listener, by.branch) },
    { name: 'Max-Forwards', value: findHeader(given, 'Max-Forwards') ?? '70' },
    { name: 'From', value: from },
    { name: 'To', value: findHeader(given, 'To') ?? (options.strict ? uri : `<${uri}>`) },
    { name: 'Call-ID', value: callId },
    { name: 'CSeq', value: `${cseq} ${method}` },
    ...contactsOf(method, given, listener),
    ...given.filter((line) => !PLACED_FIRST.has(line.name)),
    { name: 'Content-Length', value: String(body.length) },
  ];
  return { request: { kind: 'request', method, uri, headers, body }, callId, from, fromTag, cseq };
}

/** The application's, else ours where one is needed. */
function contactsOf(method: string, given: readonly SipHeader[], listener: ListenerAddress): readonly SipHeader[] {
  const contacts = given.filter((line) => line.name === 'Contact');
  if (contacts.length > 0 || !WITH_CONTACT.has(method)) return contacts;
  return [{ name: 'Contact', value: `<${ownUri(listener)}>` }];
}
