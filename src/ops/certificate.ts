/** The certificate made at first start and kept, for HTTPS and for SIP over TLS. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';

const DAY_MS = 86_400_000;
/** Browsers refuse server certificates that live longer than 825 days. */
const LIFETIME_DAYS = 800;

const isAddress = (name: string): boolean => /^[\d.]+$|:/.test(name);

/**
 * The files of the pair in `folder`, made when missing or about to expire. `names` are the host names and addresses
 * it is good for.
 */
export async function ensureCertificate(options: {
  readonly folder: string;
  readonly names: readonly string[];
  readonly nowMs: number;
}): Promise<{ readonly certificate: string; readonly key: string }> {
  const { folder, names, nowMs } = options;
  const certPath = join(folder, 'https-certificate.pem');
  const keyPath = join(folder, 'https-key.pem');
  const metaPath = join(folder, 'https-certificate.json');
  const wanted = JSON.stringify(names.toSorted());
  if (existsSync(certPath) && existsSync(keyPath) && existsSync(metaPath)) {
    const meta = JSON.parse(readFileSync(metaPath, 'utf8')) as { names: string; until: number };
    if (meta.names === wanted && meta.until - nowMs > 30 * DAY_MS) {
      return { certificate: certPath, key: keyPath };
    }
  }
  const until = nowMs + LIFETIME_DAYS * DAY_MS;
  const made = await generate([{ name: 'commonName', value: 'Viaduct' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(nowMs - DAY_MS),
    notAfterDate: new Date(until),
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      {
        name: 'subjectAltName',
        altNames: names.map((name) => (isAddress(name) ? { type: 7, ip: name } : { type: 2, value: name })),
      },
    ],
  });
  mkdirSync(folder, { recursive: true });
  writeFileSync(certPath, made.cert);
  writeFileSync(keyPath, made.private, { mode: 0o600 });
  chmodSync(keyPath, 0o600);
  writeFileSync(metaPath, JSON.stringify({ names: wanted, until }));
  return { certificate: certPath, key: keyPath };
}
