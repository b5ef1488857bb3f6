/** What is to be found: a host as people configure it, or the URI of RFC 3263. */
import { isIP } from 'node:net';
import { parseUri } from '../message/index.ts';
import { locateErrors } from './errors.ts';

/** Transports that a request can be sent over to somebody who is not connected yet. */
export type LocateTransport = 'udp' | 'tcp' | 'tls';

export interface LocateTarget {
  /** A name, or a bare address without brackets. */
  readonly host: string;
  readonly port: number | undefined;
  /** Undefined: found out by RFC 3263 §4.1. */
  readonly transport: LocateTransport | undefined;
  /** sips: TLS only. */
  readonly isSecure: boolean;
}

/**
 * host, host:port, [IPv6]:port, or a sip or sips URI with transport; `transport` is for a text that names none.
 * Throws LOCATE_BAD_TARGET.
 */
export function parseTarget(text: string, transport: LocateTransport | undefined): LocateTarget {
  const written = isIP(text) === 6 ? `[${text}]` : text;
  const uri = parseUri(/^sips?:/i.test(written) ? written : `sip:${written}`);
  if (uri === undefined || uri.scheme === 'tel' || uri.user !== '') throw locateErrors.LOCATE_BAD_TARGET([text]);
  const named = transportOf(uri.params.get('transport')?.toLowerCase(), text);
  const isSecure = uri.scheme === 'sips';
  const wanted = named ?? transport;
  return {
    host: uri.host.replace(/^\[|\]$/g, '').toLowerCase(),
    port: uri.port,
    // sips over tcp is TLS (RFC 3261 §26.2.2).
    transport: isSecure && wanted !== undefined ? 'tls' : wanted,
    isSecure,
  };
}

function transportOf(name: string | undefined, text: string): LocateTransport | undefined {
  if (name === undefined || name === 'udp' || name === 'tcp' || name === 'tls') return name;
  throw locateErrors.LOCATE_BAD_TARGET([text]);
}
