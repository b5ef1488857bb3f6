/** Certificates made at run time: an authority, and whom it vouches for. */
import { generate } from 'selfsigned';

export interface Names {
  readonly dns?: readonly string[];
  readonly ip?: readonly string[];
  readonly uri?: readonly string[];
  readonly commonName?: string;
}

export interface Pair {
  readonly certificate: string;
  readonly key: string;
}

export interface Authority {
  /** Its own certificate, for those who believe it. */
  readonly ca: string;
  issue(names: Names): Promise<Pair>;
}

const day = 86_400_000;
const common = () =>
  ({
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - day),
    notAfterDate: new Date(Date.now() + 30 * day),
  }) as const;

export async function createAuthority(name = 'Test Authority'): Promise<Authority> {
  const own = await generate([{ name: 'commonName', value: name }], {
    ...common(),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return {
    ca: own.cert,
    issue: async ({ dns = [], ip = [], uri = [], commonName = 'Peer' }) => {
      const altNames = [
        ...dns.map((value) => ({ type: 2 as const, value })),
        ...ip.map((address) => ({ type: 7 as const, ip: address })),
        ...uri.map((value) => ({ type: 6 as const, value })),
      ];
      const made = await generate([{ name: 'commonName', value: commonName }], {
        ...common(),
        ca: { key: own.private, cert: own.cert },
        extensions: [
          { name: 'basicConstraints', cA: false },
          { name: 'keyUsage', digitalSignature: true },
          { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
          ...(altNames.length === 0 ? [] : [{ name: 'subjectAltName' as const, altNames }]),
        ],
      });
      return { certificate: made.cert, key: made.private };
    },
  };
}
