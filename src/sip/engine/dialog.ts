/** A dialog as plain data, and how requests in it are built: RFC 3261 §12. */
import {
  header,
  headerValues,
  parseNameAddr,
  parseUri,
  type SipHeader,
  type SipMessage,
  type SipRequest,
} from '../message/index.ts';
import { findHeader } from './app-headers.ts';
import { keptText } from './kept.ts';
import type { MessageFacts } from './message-facts.ts';
import type { AppId, Flow } from './ports.ts';
import { withTag } from './response-builder.ts';

export interface Dialog {
  /** `<Call-ID>;from-tag=<tag of whoever sent the first request>`: the applications' name for it. */
  readonly id: string;
  readonly role: 'uac' | 'uas';
  /** 'INVITE' or 'SUBSCRIBE'. */
  readonly method: string;
  /** Undefined when the application is gone. */
  app: AppId | undefined;
  readonly callId: string;
  readonly localTag: string;
  /** Of an early UAC dialog the tag of whichever fork was heard last. */
  remoteTag: string;
  /** From of our requests and To of theirs, tag included. */
  readonly localParty: string;
  remoteParty: string;
  localSeq: number;
  remoteSeq: number;
  /** '' when the peer gave no Contact. */
  remoteTarget: string;
  routeSet: readonly string[];
  isConfirmed: boolean;
  /** The offer of the INVITE under way has been answered already, in a provisional response. */
  hasAnswer: boolean;
  /** Where the peer was last heard. */
  flow: Flow;
}

export function dialogId(callId: string, initiatorTag: string): string {
  return `${callId};from-tag=${initiatorTag}`;
}

/** The URI of the first Contact, '' when there is none. */
export function contactUri(message: SipMessage): string {
  const first = header(message, 'Contact') === undefined ? undefined : headerValues(message, 'Contact')[0];
  return first === undefined ? '' : (parseNameAddr(first)?.uri ?? '');
}

/** The dialog a response to `request` makes for its receiver (§12.1.1). */
export function createServerDialog(
  request: {
    readonly request: SipRequest;
    readonly facts: MessageFacts;
    readonly reply: { readonly flow: Flow; readonly localTag: string };
    readonly app: AppId | undefined;
  },
  localSeq: number,
): Dialog {
  const { facts } = request;
  const { flow, localTag } = request.reply;
  return {
    id: keptText(dialogId(facts.callId, facts.fromTag)),
    role: 'uas',
    method: request.request.method,
    app: request.app,
    callId: keptText(facts.callId),
    localTag,
    remoteTag: keptText(facts.fromTag),
    localParty: keptText(withTag(facts.to, localTag)),
    remoteParty: keptText(facts.from),
    localSeq,
    remoteSeq: facts.cseq.number,
    remoteTarget: keptText(contactUri(request.request)),
    routeSet: headerValues(request.request, 'Record-Route').map(keptText),
    isConfirmed: false,
    hasAnswer: false,
    flow,
  };
}

/** The dialog a response makes for the sender of the request (§12.1.2). */
export function createClientDialog(
  request: {
    readonly method: string;
    readonly cseq: number;
    readonly from: string;
    readonly fromTag: string;
    readonly app: AppId;
  },
  response: { readonly message: SipMessage; readonly facts: MessageFacts; readonly flow: Flow },
): Dialog {
  const { facts } = response;
  return {
    id: keptText(dialogId(facts.callId, request.fromTag)),
    role: 'uac',
    method: request.method,
    app: request.app,
    callId: keptText(facts.callId),
    localTag: request.fromTag,
    remoteTag: keptText(facts.toTag),
    localParty: request.from,
    remoteParty: keptText(facts.to),
    localSeq: request.cseq,
    remoteSeq: 0,
    remoteTarget: keptText(contactUri(response.message)),
    routeSet: headerValues(response.message, 'Record-Route').map(keptText).toReversed(),
    isConfirmed: false,
    hasAnswer: false,
    flow: response.flow,
  };
}

/** Another response of the same fork or, while nothing is confirmed, of another one: what it says holds from now on. */
export function adoptResponse(dialog: Dialog, message: SipMessage, facts: MessageFacts): void {
  if (dialog.isConfirmed) return;
  dialog.remoteTag = keptText(facts.toTag);
  dialog.remoteParty = keptText(facts.to);
  dialog.remoteTarget = keptText(contactUri(message)) || dialog.remoteTarget;
  const recorded = headerValues(message, 'Record-Route');
  if (recorded.length > 0) dialog.routeSet = recorded.map(keptText).toReversed();
}

/** A Contact in a target refresh request or its 2xx moves the remote target (§12.2). */
export function refreshTarget(dialog: Dialog, message: SipMessage): void {
  dialog.remoteTarget = keptText(contactUri(message)) || dialog.remoteTarget;
}

interface InDialogParts {
  readonly method: string;
  /** '' for the remote target. */
  readonly uri: string;
  readonly cseq: number;
  readonly via: string;
  /** Of the application; its From, To, Call-ID, CSeq and Max-Forwards do not count. */
  readonly headers: readonly SipHeader[];
  /** Added when the application has none; '' for none. */
  readonly contact: string;
  readonly body: Buffer;
}

const OF_THE_DIALOG = new Set(['From', 'To', 'Call-ID', 'CSeq', 'Max-Forwards']);

/** A request in the dialog (§12.2.1.1). */
export function buildInDialog(dialog: Dialog, parts: InDialogParts): SipRequest {
  const target = parts.uri === '' ? dialog.remoteTarget : parts.uri;
  const strict = strictRoute(dialog);
  const headers: SipHeader[] = [
    { name: 'Via', value: parts.via },
    { name: 'Max-Forwards', value: findHeader(parts.headers, 'Max-Forwards') ?? '70' },
  ];
  const routes = strict === undefined ? dialog.routeSet : [...dialog.routeSet.slice(1), `<${target}>`];
  for (const value of routes) headers.push({ name: 'Route', value });
  headers.push(
    { name: 'From', value: dialog.localParty },
    { name: 'To', value: dialog.remoteParty },
    { name: 'Call-ID', value: dialog.callId },
    { name: 'CSeq', value: `${parts.cseq} ${parts.method}` },
  );
  if (parts.contact !== '' && findHeader(parts.headers, 'Contact') === undefined) {
    headers.push({ name: 'Contact', value: parts.contact });
  }
  for (const line of parts.headers) if (!OF_THE_DIALOG.has(line.name)) headers.push(line);
  headers.push({ name: 'Content-Length', value: String(parts.body.length) });
  return { kind: 'request', method: parts.method, uri: strict ?? target, headers, body: parts.body };
}

/** The first route when it is a strict router of RFC 2543, which wants to be the Request-URI. */
function strictRoute(dialog: Dialog): string | undefined {
  const first = dialog.routeSet[0];
  const uri = first === undefined ? undefined : parseNameAddr(first)?.uri;
  return uri === undefined || parseUri(uri)?.params.has('lr') !== false ? undefined : uri;
}

/** The URI whose host requests of the dialog are sent to: the first route, else the remote target. */
export function nextHopUri(dialog: Dialog): string {
  const first = dialog.routeSet[0];
  return (first === undefined ? undefined : parseNameAddr(first)?.uri) ?? dialog.remoteTarget;
}
