/** What a REGISTER does to the bindings of an AOR: RFC 3261 §10.3, RFC 3327 (Path), RFC 5626 §6 (instance). Pure. */
import { formatNameAddr, type NameAddr, parseNameAddr, parseUri, sameUri } from '../sip/message/index.ts';
import { type Binding, hasFlow } from './binding.ts';
import type { RegistrationPolicy } from './options.ts';
import type { SipHeaders, SipSource } from './sip-ports.ts';

/** A REGISTER, read as far as the registrar needs it. */
export interface RegisterRequest {
  readonly aor: string;
  readonly sipCallId: string;
  readonly cseq: number;
  /** `*` is a Contact of its own kind. */
  readonly contacts: '*' | readonly NameAddr[];
  /** The Expires header. */
  readonly expiresSec: number | undefined;
  readonly path: readonly string[];
  /** Nobody stands between the client and us. */
  readonly isFirstHop: boolean;
  /** Its Supported names `outbound`. */
  readonly supportsOutbound: boolean;
  readonly userAgent: string;
  readonly source: SipSource;
}

export interface RegisterContext {
  readonly policy: RegistrationPolicy;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly flowEpoch: string;
  readonly newId: () => string;
}

export type RegisterOutcome =
  | { readonly kind: 'refused'; readonly status: number; readonly headers: SipHeaders }
  | {
      readonly kind: 'done';
      readonly bindings: readonly Binding[];
      readonly added: readonly Binding[];
      readonly refreshed: readonly Binding[];
      readonly removed: readonly Binding[];
    };

interface Change {
  readonly contact: NameAddr;
  readonly expiresSec: number;
  /** What it replaces. */
  readonly old: Binding | undefined;
}

/** Applies all of it or nothing. `current` are the live bindings of the AOR. */
export function applyRegister(
  current: readonly Binding[],
  request: RegisterRequest,
  context: RegisterContext,
): RegisterOutcome {
  if (request.contacts === '*') return removeAll(current, request);
  const changes: Change[] = [];
  for (const contact of request.contacts) {
    const change = changeOf(current, contact, { request, policy: context.policy });
    if ('status' in change) return { kind: 'refused', ...change };
    changes.push(change);
  }
  if (changes.some((change) => isOutOfOrder(change.old, request))) return refuse(500);
  const replaced = new Set(changes.flatMap((change) => (change.old === undefined ? [] : [change.old.id])));
  const made = changes
    .filter((change) => change.expiresSec > 0)
    .map((change) => ({ change, binding: bindingOf(change, request, context) }));
  const bindings = [...current.filter((binding) => !replaced.has(binding.id)), ...made.map(({ binding }) => binding)];
  if (bindings.length > context.policy.maxContacts) return refuse(403);
  return {
    kind: 'done',
    bindings,
    added: made.flatMap(({ change, binding }) => (change.old === undefined ? [binding] : [])),
    refreshed: made.flatMap(({ change, binding }) => (change.old === undefined ? [] : [binding])),
    removed: changes.flatMap((change) => (change.expiresSec === 0 && change.old !== undefined ? [change.old] : [])),
  };
}

function refuse(status: number, headers: SipHeaders = {}): RegisterOutcome {
  return { kind: 'refused', status, headers };
}

/** `*` is legal alone and with Expires: 0 (RFC 3261 §10.2.2). */
function removeAll(current: readonly Binding[], request: RegisterRequest): RegisterOutcome {
  if (request.expiresSec !== 0) return refuse(400);
  if (current.some((binding) => isOutOfOrder(binding, request))) return refuse(500);
  return { kind: 'done', bindings: [], added: [], refreshed: [], removed: current };
}

/** A CSeq that does not grow within one Call-ID is an old request come late (RFC 3261 §10.3 step 7). */
function isOutOfOrder(binding: Binding | undefined, request: RegisterRequest): boolean {
  return binding !== undefined && binding.sipCallId === request.sipCallId && request.cseq <= binding.cseq;
}

interface ChangeContext {
  readonly request: RegisterRequest;
  readonly policy: RegistrationPolicy;
}

function changeOf(
  current: readonly Binding[],
  contact: NameAddr,
  { request, policy }: ChangeContext,
): Change | { status: number; headers: SipHeaders } {
  const uri = parseUri(contact.uri);
  if (uri === undefined || uri.scheme === 'tel') return { status: 400, headers: {} };
  const wanted = contact.params.has('expires')
    ? secondsOf(contact.params.get('expires') ?? '')
    : (request.expiresSec ?? policy.maxExpiresSec);
  if (wanted === undefined) return { status: 400, headers: {} };
  if (wanted > 0 && wanted < policy.minExpiresSec)
    return { status: 423, headers: { 'Min-Expires': String(policy.minExpiresSec) } };
  const instance = instanceOf(contact);
  const isSame = (binding: Binding): boolean => {
    const other = parseUri(binding.contact);
    return (instance !== '' && instance === binding.instance) || (other !== undefined && sameUri(uri, other));
  };
  return { contact, expiresSec: Math.min(wanted, policy.maxExpiresSec), old: current.find(isSame) };
}

/** A number of seconds; undefined when malformed. More than 2^32-1 is cut, as RFC 3261 §20.19 allows no more. */
export function secondsOf(text: string): number | undefined {
  return /^\d{1,20}$/.test(text.trim()) ? Math.min(Number(text), 4_294_967_295) : undefined;
}

/** Without reg-id an instance does not replace what it registered before (RFC 5626 §6). */
function instanceOf(contact: NameAddr): string {
  const instance = contact.params.get('+sip.instance');
  const regId = contact.params.get('reg-id');
  return instance === undefined || regId === undefined ? '' : `${instance};${regId}`;
}

function bindingOf(change: Change, request: RegisterRequest, context: RegisterContext): Binding {
  const { contact, expiresSec, old } = change;
  const q = Number(contact.params.get('q') ?? '1');
  return {
    id: old?.id ?? context.newId(),
    aor: request.aor,
    contact: contact.uri,
    instance: instanceOf(contact),
    q: q >= 0 && q <= 1 ? q : 1,
    expiresAt: context.now + expiresSec * 1000,
    registeredAt: old?.registeredAt ?? context.now,
    sipCallId: request.sipCallId,
    cseq: request.cseq,
    path: request.path,
    transport: request.source.transport,
    sourceAddress: request.source.address,
    sourcePort: request.source.port,
    userAgent: request.userAgent,
    flowEpoch: context.flowEpoch,
  };
}

/** The Contact header of the 200: every binding with the time it has left (RFC 3261 §10.3 step 8). */
export function contactHeader(bindings: readonly Binding[], now: number): string {
  return bindings
    .map(({ contact, expiresAt, q }) => {
      const params = new Map([['expires', String(Math.max(0, Math.round((expiresAt - now) / 1000)))]]);
      if (q !== 1) params.set('q', String(q));
      return formatNameAddr({ displayName: '', uri: contact, params });
    })
    .join(', ');
}

/** Where to send a request for the binding when that is not its Contact: the Path, or the NAT it came through. */
export function nextHopOf(binding: Binding): string | undefined {
  const [edge] = binding.path;
  if (edge !== undefined) return edge;
  // The engine finds the connection of a TCP or WebSocket client by itself; nothing else leads there.
  if (hasFlow(binding)) return undefined;
  const uri = parseUri(binding.contact);
  const isDirect = uri?.host === binding.sourceAddress && (uri.port ?? 5060) === binding.sourcePort;
  const host = binding.sourceAddress.includes(':') ? `[${binding.sourceAddress}]` : binding.sourceAddress;
  return isDirect ? undefined : `sip:${host}:${binding.sourcePort}`;
}

/** The name-addrs of a header whose lines are joined by ','; undefined when one is malformed. */
export function nameAddrsOf(value: string): readonly NameAddr[] | undefined {
  const all: NameAddr[] = [];
  for (const part of splitList(value)) {
    const one = parseNameAddr(part);
    if (one === undefined) return undefined;
    all.push(one);
  }
  return all;
}

/** Splits at the commas outside quotes and angle brackets. */
function splitList(value: string): readonly string[] {
  return value.match(/(?:"(?:[^"\\]|\\[^])*"|<[^>]*>|[^,"<])+/g) ?? [];
}
