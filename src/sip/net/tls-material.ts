/** What TLS is done with, as plain data: PEM texts that travel to the engine's thread and can be exchanged there. */
import type { SecureContextOptions, TlsOptions } from 'node:tls';

/** What a TLS or WSS listener shows, and whose client certificates it believes. */
export interface TlsServerMaterial {
  readonly certificate: string;
  readonly key: string;
  /** Authorities of client certificates. Undefined: none is asked for. */
  readonly clientCa?: string;
  /** No connection without a certificate of theirs. */
  readonly requiresClient?: boolean;
}

/** How we connect to one peer. */
export interface TlsPeer {
  /** Host names or addresses, as URIs name it. */
  readonly hosts: readonly string[];
  /** False: whoever answers is believed. */
  readonly verify: boolean;
  /** The name its certificate must have, when that is not the host's. */
  readonly serverName?: string;
  /** Authorities that its certificate may come from, instead of the system's. */
  readonly ca?: string;
  /** What we show when asked, instead of the listener's certificate. */
  readonly certificate?: string;
  readonly key?: string;
}

const HANDSHAKE_MS = 10_000;
/** RFC 8996: nothing below 1.2. */
const MIN_VERSION = 'TLSv1.2' as const;

export function secureContextOptions({ certificate, key, clientCa }: TlsServerMaterial): SecureContextOptions {
  return { cert: certificate, key, minVersion: MIN_VERSION, ...(clientCa === undefined ? {} : { ca: clientCa }) };
}

export function tlsServerOptions(material: TlsServerMaterial): TlsOptions {
  return {
    ...secureContextOptions(material),
    handshakeTimeout: HANDSHAKE_MS,
    requestCert: material.clientCa !== undefined,
    rejectUnauthorized: material.requiresClient === true,
  };
}
