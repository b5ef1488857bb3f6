/**
 * Proxies of ours in front of the gateway: what one forwards is judged by the client behind it. Such a proxy has written
 * into the client's Via where the request really came from (RFC 3261 §18.2.1, RFC 3581 §4), so the client cannot lie there.
 */
import { BlockList, isIP } from 'node:net';
import { parseVia } from '../sip/message/index.ts';
import type { InboundRequest, SipSource, SipTransportName } from './sip-ports.ts';

export type SourceReader = (request: Pick<InboundRequest, 'source' | 'header'>) => SipSource;

const TRANSPORTS: readonly SipTransportName[] = ['udp', 'tcp', 'tls', 'ws', 'wss'];

/** `proxies`: IP addresses and IP/prefix lengths. */
export function createSourceReader(proxies: readonly string[]): SourceReader {
  if (proxies.length === 0) return ({ source }) => source;
  const edges = new BlockList();
  for (const proxy of proxies) {
    const [address = '', prefix] = proxy.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (prefix === undefined) edges.addAddress(address, family);
    else edges.addSubnet(address, Number(prefix), family);
  }
  return ({ source, header }) => {
    const address = bare(source.address);
    if (!edges.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')) return source;
    return clientOf(header('Via') ?? '') ?? source;
  };
}

/** What the second Via says; undefined when the proxy itself is the client, as with its own OPTIONS. */
function clientOf(vias: string): SipSource | undefined {
  const via = parseVia(vias.split(',')[1]?.trim() ?? '');
  const transport = TRANSPORTS.find((each) => each === via?.transport.toLowerCase());
  if (via === undefined || transport === undefined) return undefined;
  const address = bare(via.params.get('received') ?? via.host);
  if (isIP(address) === 0) return undefined;
  const isSecure = transport === 'tls' || transport === 'wss';
  return { transport, address, port: Number(via.params.get('rport') || via.port || (isSecure ? 5061 : 5060)) };
}

function bare(address: string): string {
  return address.replace(/^\[|\]$/g, '');
}
