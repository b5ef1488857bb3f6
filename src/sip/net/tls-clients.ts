/** Connecting by TLS: whom to believe and what to show, per peer. RFC 3261 §26.3.2, RFC 5922 §4. */
import { isIP } from 'node:net';
import {
  connect,
  createSecureContext,
  getCACertificates,
  rootCertificates,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import { isCertificateOf } from './certificate-names.ts';
import { netErrors } from './errors.ts';
import { secureContextOptions, type TlsPeer, type TlsServerMaterial } from './tls-material.ts';

export interface TlsDestination {
  readonly host: string;
  readonly port: number;
  readonly localAddress?: string;
  /** The host as the URI named it. */
  readonly name: string;
}

export class TlsClients {
  #byHost = new Map<string, TlsPeer>();
  /** Contexts hold parsed certificates, the system's more than a hundred: made once for each peer and listener. */
  #contexts = new WeakMap<object, SecureContext>();

  constructor(peers: readonly TlsPeer[]) {
    this.update(peers);
  }

  /** For connections made from now on. */
  update(peers: readonly TlsPeer[]): void {
    this.#byHost = new Map(peers.flatMap((peer) => peer.hosts.map((host) => [host.toLowerCase(), peer] as const)));
    this.#contexts = new WeakMap();
  }

  connect({ name, ...where }: TlsDestination, own: TlsServerMaterial): TLSSocket {
    const peer = this.#byHost.get(name.toLowerCase());
    const expected = peer?.serverName ?? name;
    return connect({
      ...where,
      secureContext: this.#contextFor(peer, own),
      rejectUnauthorized: peer?.verify ?? true,
      // An address is no server name (RFC 6066 §3).
      ...(isIP(name) === 0 ? { servername: name } : {}),
      checkServerIdentity: (_host, certificate) =>
        isCertificateOf(certificate, expected) ? undefined : netErrors.SIP_PEER_IDENTITY([expected]),
    });
  }

  #contextFor(peer: TlsPeer | undefined, own: TlsServerMaterial): SecureContext {
    const known = this.#contexts.get(peer ?? own);
    if (known !== undefined) return known;
    const { certificate = own.certificate, key = own.key } = peer ?? {};
    const context = createSecureContext({
      ...secureContextOptions({ certificate, key }),
      ca: peer?.ca ?? systemAuthorities(),
    });
    this.#contexts.set(peer ?? own, context);
    return context;
  }
}

/** The system's store and NODE_EXTRA_CA_CERTS; a machine that has no store gets Node's own list. */
function systemAuthorities(): string[] {
  const system = getCACertificates('system');
  return [...(system.length > 0 ? system : rootCertificates), ...getCACertificates('extra')];
}
