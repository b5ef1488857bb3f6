/** How we name ourselves in Via and Contact, and which listener a message leaves from. */
import { formatNameAddr, formatUri, parseNameAddr, parseUri, type SipHeader } from '../message/index.ts';
import type { ListenerAddress, SipTransport } from './ports.ts';

/** IPv6 addresses wear brackets in SIP. */
function hostText(address: string): string {
  return address.includes(':') && !address.startsWith('[') ? `[${address}]` : address;
}

/** The URI parameter that leads back to this transport; WS and WSS share theirs (RFC 7118 §5.2). */
function transportParam(transport: SipTransport): string {
  if (transport === 'udp') return '';
  return transport === 'wss' ? ';transport=ws' : `;transport=${transport}`;
}

/**
 * `sip:host:port;transport=x`, where we can be reached over this listener. A dialog that was asked for with a sips URI
 * wants one back, whose scheme says all there is to say about TLS (RFC 3261 §12.1.1, RFC 5630 §3.1.1).
 */
export function ownUri(listener: ListenerAddress, scheme: 'sip' | 'sips' = 'sip'): string {
  const { transport } = listener;
  const param = scheme === 'sips' && transport === 'tls' ? '' : transportParam(transport);
  return `${scheme}:${hostText(listener.advertisedAddress)}:${listener.advertisedPort}${param}`;
}

/** Our Via. Over WebSocket nobody asks for rport: the flow is the connection. */
export function viaValue(listener: ListenerAddress, branch: string): string {
  const rport = listener.transport === 'ws' || listener.transport === 'wss' ? '' : ';rport';
  const host = hostText(listener.advertisedAddress);
  return `SIP/2.0/${listener.transport.toUpperCase()} ${host}:${listener.advertisedPort}${rport};branch=${branch}`;
}

const LOCALIZED = new Set(['From', 'To', 'Contact', 'P-Asserted-Identity']);

/** Writes our own host and port where an application said `localhost`, and brackets where it left them out. */
export function localizeHeaders(headers: readonly SipHeader[], listener: ListenerAddress): readonly SipHeader[] {
  return headers.map((line) => (LOCALIZED.has(line.name) ? localize(line, listener) : line));
}

function localize(line: SipHeader, listener: ListenerAddress): SipHeader {
  const { name, value } = line;
  const isLocal = value.includes('localhost');
  if (!isLocal && value.includes('<')) return line;
  const parsed = parseNameAddr(value);
  if (parsed === undefined) return line;
  const uri = isLocal ? localizeUri(parsed.uri, listener, name === 'Contact') : parsed.uri;
  return { name, value: formatNameAddr({ ...parsed, uri }) };
}

function localizeUri(text: string, listener: ListenerAddress, isContact: boolean): string {
  const uri = parseUri(text);
  if (uri === undefined || uri.host.toLowerCase() !== 'localhost') return text;
  const own = formatUri({ ...uri, host: hostText(listener.advertisedAddress), port: listener.advertisedPort });
  return isContact && !uri.params.has('transport') ? `${own}${transportParam(listener.transport)}` : own;
}

/** The listener of that transport and of the address family of `remote` that looks nearest: same subnet first, then one that speaks for us outside. */
export function chooseListener(
  listeners: readonly ListenerAddress[],
  transport: SipTransport,
  remote: string,
): ListenerAddress | undefined {
  let best: ListenerAddress | undefined;
  let bestScore = 0;
  for (const listener of listeners) {
    if (listener.transport !== transport) continue;
    const score = nearness(listener, remote);
    if (score > bestScore) {
      best = listener;
      bestScore = score;
    }
  }
  return best;
}

function nearness(listener: ListenerAddress, remote: string): number {
  if (listener.address.includes(':') !== remote.includes(':')) return 0;
  const own = listener.address.split('.');
  const other = remote.split('.');
  let octets = 0;
  while (octets < 4 && own[octets] !== undefined && own[octets] === other[octets]) octets++;
  const speaksOutside = listener.advertisedAddress !== listener.address ? 2 : 0;
  const isRoutable = listener.address.startsWith('127.') || listener.address === '::1' ? 0 : 1;
  return 1 + octets * 4 + speaksOutside + isRoutable;
}
