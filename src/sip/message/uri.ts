/** SIP, SIPS and tel URIs: RFC 3261 §19.1 and §25.1, RFC 3966. */
import type { SipUri } from './model.ts';
import { formatParams } from './params.ts';

const HOST = /^(?:\[[0-9A-Fa-f:.]+(?:%25[\w.~-]+)?\]|[A-Za-z0-9_.-]+)$/;
const USER_INFO = /^[^\s<>"@[\]\\^{}|`#]*$/;
const PARAM = /^[^\s<>"@;?=,]+$/;
const HEADERS = /^[^\s<>"@]*$/;
const NUMBER = /^\+?[0-9A-Fa-f*#\-.()]+$/;
const NO_PARAMS: ReadonlyMap<string, string> = new Map();

/** Reads a URI without its angle brackets; undefined when malformed or of another scheme. */
export function parseUri(text: string): SipUri | undefined {
  const colon = text.indexOf(':');
  const scheme = text.slice(0, colon).toLowerCase();
  if (scheme === 'sip' || scheme === 'sips') return parseSip(scheme, text.slice(colon + 1));
  if (scheme === 'tel') return parseTel(text.slice(colon + 1));
  return undefined;
}

function parseSip(scheme: 'sip' | 'sips', rest: string): SipUri | undefined {
  // '@' is legal nowhere else unescaped, while ';', '?' and ':' are legal in the user part: so '@' is sought first.
  const at = rest.indexOf('@');
  const userInfo = at < 0 ? '' : rest.slice(0, at);
  if (at === 0 || !USER_INFO.test(userInfo)) return undefined;
  const tail = parseTail(rest.slice(at + 1));
  if (tail === undefined) return undefined;
  const passwordAt = userInfo.indexOf(':');
  if (passwordAt < 0) return { scheme, user: userInfo, password: undefined, ...tail };
  return { scheme, user: userInfo.slice(0, passwordAt), password: userInfo.slice(passwordAt + 1), ...tail };
}

/** `host[:port][;params][?headers]` */
function parseTail(text: string): Pick<SipUri, 'host' | 'port' | 'params' | 'headers'> | undefined {
  const question = text.indexOf('?');
  const headers = question < 0 ? '' : text.slice(question + 1);
  const hostAndParams = question < 0 ? text : text.slice(0, question);
  const semicolon = hostAndParams.indexOf(';');
  const hostPort = parseHostPort(semicolon < 0 ? hostAndParams : hostAndParams.slice(0, semicolon));
  const params = semicolon < 0 ? NO_PARAMS : parseUriParams(hostAndParams.slice(semicolon + 1));
  if (hostPort === undefined || params === undefined || !HEADERS.test(headers)) return undefined;
  return { host: hostPort.host, port: hostPort.port, params, headers };
}

function parseTel(rest: string): SipUri | undefined {
  const semicolon = rest.indexOf(';');
  const number = semicolon < 0 ? rest : rest.slice(0, semicolon);
  const params = semicolon < 0 ? NO_PARAMS : parseUriParams(rest.slice(semicolon + 1));
  if (params === undefined || !NUMBER.test(number)) return undefined;
  return { scheme: 'tel', user: '', password: undefined, host: number, port: undefined, params, headers: '' };
}

/** Reads `host`, `host:port`, `[v6]` or `[v6]:port`; the brackets stay. */
export function parseHostPort(text: string): { host: string; port: number | undefined } | undefined {
  const colon = text.indexOf(':', text.startsWith('[') ? text.indexOf(']') + 1 : 0);
  const host = colon < 0 ? text : text.slice(0, colon);
  if (!HOST.test(host)) return undefined;
  if (colon < 0) return { host, port: undefined };
  const digits = text.slice(colon + 1);
  const port = Number(digits);
  return /^\d{1,5}$/.test(digits) && port <= 65_535 ? { host, port } : undefined;
}

function parseUriParams(text: string): ReadonlyMap<string, string> | undefined {
  const params = new Map<string, string>();
  for (const part of text.split(';')) {
    const equals = part.indexOf('=');
    const name = (equals < 0 ? part : part.slice(0, equals)).toLowerCase();
    const value = equals < 0 ? '' : part.slice(equals + 1);
    if (!PARAM.test(name) || !HEADERS.test(value) || params.has(name)) return undefined;
    params.set(name, value);
  }
  return params;
}

/** Writes a URI without angle brackets. */
export function formatUri(uri: SipUri): string {
  if (uri.scheme === 'tel') return `tel:${uri.host}${formatParams(uri.params)}`;
  const password = uri.password === undefined ? '' : `:${uri.password}`;
  const userInfo = uri.user === '' && uri.password === undefined ? '' : `${uri.user}${password}@`;
  const port = uri.port === undefined ? '' : `:${uri.port}`;
  const headers = uri.headers === '' ? '' : `?${uri.headers}`;
  return `${uri.scheme}:${userInfo}${uri.host}${port}${formatParams(uri.params)}${headers}`;
}
