/** Where a request came from, as far as the engine at hand can tell. Pure. */
import type { SipSource, SipTransportName } from './sip-ports.ts';

/** What an engine and the network say about a request. */
export interface SourceFacts {
  /** By the engine: exact from the embedded one; a drachtio-server calls WebSocket tcp. */
  readonly protocol: string;
  readonly address: string;
  readonly port: number;
  /** The topmost Via, written by the sender. */
  readonly via: string;
  /** `X-Viaduct-Peer-Names`: the embedded engine strips what the network sent and writes what it has verified. */
  readonly peerNames: string | undefined;
}

/** `isOurs`: the embedded engine handed it over. Of any other engine the header is the network's, and nobody's word. */
export function sourceOf(facts: SourceFacts, isOurs: boolean): SipSource {
  const { address, port, peerNames } = facts;
  const transport = isOurs ? named(facts.protocol) : guessed(facts);
  const names = isOurs && peerNames !== undefined ? peerNames.split(',').map((name) => name.trim()) : undefined;
  return { transport, address, port, ...(names === undefined ? {} : { peerNames: names }) };
}

function guessed({ protocol, via }: SourceFacts): SipTransportName {
  if (protocol !== 'tcp') return named(protocol);
  const written = named(/^\s*SIP\s*\/\s*2\.0\s*\/\s*(\w+)/i.exec(via)?.[1] ?? '');
  return written === 'ws' || written === 'wss' ? written : 'tcp';
}

function named(name: string): SipTransportName {
  const lower = name.toLowerCase();
  return lower === 'tcp' || lower === 'tls' || lower === 'ws' || lower === 'wss' ? lower : 'udp';
}
