/**
 * The part of the platform's REST API that applications of streams use: look at a call, hang it up, give it other TwiML.
 * Whoever has the account and the token of an agent reaches the calls of that agent, and no others.
 */
import { CodedError } from '../../kernel/index.ts';
import { type BookedCall, type CallBook, isSameSecret } from './call-book.ts';
import type { Source } from './program.ts';
import { callback, parseTwiml } from './twiml.ts';

export interface RestRequest {
  readonly method: 'GET' | 'POST';
  /** Without the query. */
  readonly path: string;
  readonly authorization: string | undefined;
  readonly form: Readonly<Record<string, string>>;
}

export interface RestReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object;
}

export interface RestAccount {
  readonly accountSid: string;
  readonly authToken: string;
}

export type ServeRest = (request: RestRequest) => RestReply;

const CALL_PATH = /^\/2010-04-01\/Accounts\/([^/]{1,64})\/Calls\/([^/]{1,64})\.json$/;

export function createTwilioRest(calls: CallBook, accounts: readonly RestAccount[]): ServeRest {
  return ({ method, path, authorization, form }) => {
    const account = accountOf(authorization, accounts);
    const [, accountSid, sid] = CALL_PATH.exec(path) ?? [];
    if (account === undefined || (accountSid !== undefined && accountSid !== account.accountSid)) return unauthorized();
    const isTheirs = (call: BookedCall): boolean =>
      call.accountSid === account.accountSid &&
      call.authToken !== undefined &&
      isSameSecret(call.authToken, account.authToken);
    const call = sid === undefined ? undefined : calls.find(sid, isTheirs);
    if (call === undefined) return notFound(path);
    if (method === 'GET') return ok(call);
    return call.control === undefined
      ? notFound(path)
      : update(call, form, () => calls.find(call.sid, isTheirs) ?? call);
  };
}

/** Basic (RFC 7617): the account is the name, the token is the password. */
function accountOf(authorization: string | undefined, accounts: readonly RestAccount[]): RestAccount | undefined {
  const base64 = /^Basic ([A-Za-z0-9+/=]{1,1000})$/i.exec(authorization ?? '')?.[1] ?? '';
  const pair = Buffer.from(base64, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  if (colon < 1) return undefined;
  const [name, password] = [pair.slice(0, colon), pair.slice(colon + 1)];
  return accounts.find(({ accountSid, authToken }) => accountSid === name && isSameSecret(password, authToken));
}

function update(call: BookedCall, form: RestRequest['form'], after: () => BookedCall): RestReply {
  const { Status, Twiml, Url } = form;
  if (Status !== undefined && Status !== 'completed' && Status !== 'canceled')
    return failure(400, 20001, 'Status must be completed or canceled');
  if (Twiml !== undefined && Url !== undefined) return failure(400, 20001, 'Url and Twiml cannot both be given');
  if (Status !== undefined) call.control?.hangUp();
  else {
    const source = sourceOf(call, form);
    if ('status' in source) return source;
    call.control?.redirect(source);
  }
  return ok(after());
}

function sourceOf({ base }: BookedCall, { Twiml, Url, Method }: RestRequest['form']): Source | RestReply {
  try {
    if (Twiml !== undefined) return { kind: 'verbs', verbs: parseTwiml(Twiml, base) };
    if (Url !== undefined) return { kind: 'url', request: callback(Url, Method, base), fields: {} };
    return failure(400, 20001, 'Status, Url or Twiml must be given');
  } catch (error) {
    return error instanceof CodedError
      ? failure(400, 12100, error.message)
      : failure(400, 21205, 'Url is not a valid URL, or Method is not GET or POST');
  }
}

function ok(call: BookedCall): RestReply {
  return { status: 200, headers: {}, body: resourceOf(call) };
}

function unauthorized(): RestReply {
  const reply = failure(401, 20003, 'Authenticate');
  return { ...reply, headers: { 'www-authenticate': 'Basic realm="Twilio API"' } };
}

function notFound(path: string): RestReply {
  return failure(404, 20404, `The requested resource ${path} was not found`);
}

/** As the platform writes errors. */
export function failure(status: number, code: number, message: string): RestReply {
  return {
    status,
    headers: {},
    body: { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status },
  };
}

function resourceOf(call: BookedCall): object {
  const { sid, accountSid, from, to, status, createdAt, answeredAt, endedAt } = call;
  const uri = `/2010-04-01/Accounts/${accountSid}/Calls/${sid}`;
  const duration = endedAt === undefined ? null : String(Math.round((endedAt - (answeredAt ?? endedAt)) / 1000));
  return {
    sid,
    account_sid: accountSid,
    annotation: null,
    answered_by: null,
    api_version: '2010-04-01',
    caller_name: null,
    date_created: dateOf(createdAt),
    date_updated: dateOf(endedAt ?? answeredAt ?? createdAt),
    direction: 'inbound',
    duration,
    end_time: dateOf(endedAt),
    forwarded_from: null,
    from,
    from_formatted: from,
    group_sid: null,
    parent_call_sid: null,
    phone_number_sid: null,
    price: null,
    price_unit: 'USD',
    queue_time: '0',
    start_time: dateOf(answeredAt),
    status,
    subresource_uris: {},
    to,
    to_formatted: to,
    trunk_sid: null,
    uri: `${uri}.json`,
  };
}

/** RFC 2822 */
function dateOf(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toUTCString().replace('GMT', '+0000');
}
