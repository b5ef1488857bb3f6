/** Responses of drachtio-srf as telephony reads them, and what becomes of a challenge. */
import type { Challenged, CredentialsTurn, SipHeaders, SipReply } from './sip-ports.ts';
import type { SrfError, SrfMessage, SrfRequest, SrfResponse } from './srf-types.ts';

/** A reply that knows what it answers. */
export interface HeardReply extends SipReply {
  readonly request?: SrfRequest;
}

export function isSuccess({ status }: SipReply): boolean {
  return status >= 200 && status < 300;
}

export function challengeOf(body: string, reply: HeardReply): Challenged | undefined {
  const { status, request } = reply;
  if ((status !== 401 && status !== 407) || request === undefined) return undefined;
  return { method: request.method, uri: request.uri, body, reply };
}

/** What makes of a challenged request outside a dialog the one that answers the challenge. */
export function resendHeaders(
  turn: CredentialsTurn | undefined,
  body: string,
  reply: HeardReply,
): SipHeaders | undefined {
  const challenged = challengeOf(body, reply);
  const again = challenged === undefined ? undefined : turn?.answer(challenged);
  const { request } = reply;
  if (again === undefined || request === undefined) return undefined;
  return {
    ...again,
    'Call-ID': request.get('Call-ID') ?? '',
    From: request.get('From') ?? '',
    CSeq: `${cseqOf(request) + 1} ${request.method}`,
  };
}

export function replyOf(response: SrfResponse): HeardReply {
  return {
    status: response.status,
    body: response.body ?? '',
    source: { address: response.source_address, port: response.source_port },
    header: (name) => response.get(name),
    request: response.req,
  };
}

/** A failure of which no message came. */
export function madeReply(status: number): HeardReply {
  return { status, body: '', header: () => undefined };
}

/** What an error of drachtio-srf stands for; a 200 that it could not make a dialog of is a failure too. */
export function failureOf({ status = 503, res }: NonNullable<SrfError>): HeardReply {
  return res !== undefined && res.status === status ? replyOf(res) : madeReply(status);
}

export function cseqOf(message: SrfMessage): number {
  return Number.parseInt(message.get('CSeq') ?? '0', 10);
}
