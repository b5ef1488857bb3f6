/** The certificate of the HTTPS server: the configured one, or one made at first start and kept. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { errors } from './errors.ts';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
  /** Browsers will ask the user once. */
  readonly isSelfSigned: boolean;
}

const DAY_MS = 86_400_000;
/** Browsers refuse server certificates that live longer than 825 days. */
const LIFETIME_DAYS = 800;

/**
 * Loads the PEM files named, or the generated pair in `folder`, made when missing or about to expire.
 * `names` are the host names and addresses that the generated one is good for.
 */
export async function loadCertificate(options: {
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  readonly folder: string;
  readonly names: readonly string[];
  readonly nowMs: number;
}): Promise<Certificate> {
  if (options.certificate !== undefined && options.key !== undefined) {
    try {
      return {
        cert: readFileSync(options.certificate, 'utf8'),
        key: readFileSync(options.key, 'utf8'),
        isSelfSigned: false,
      };
    } catch (cause) {
      throw errors.CERTIFICATE_UNREADABLE([String(cause)], { cause });
    }
  }
  return loadGenerated(options.folder, options.names, options.nowMs);
}

const isAddress = (name: string): boolean => /^[\d.]+$|:/.test(name);

async function loadGenerated(folder: string, names: readonly string[], nowMs: number): Promise<Certificate> {
  const certPath = join(folder, 'https-certificate.pem');
  const keyPath = join(folder, 'https-key.pem');
  const metaPath = join(folder, 'https-certificate.json');
  const wanted = JSON.stringify(names.toSorted());
  if (existsSync(certPath) && existsSync(keyPath) && existsSync(metaPath)) {
    const meta = JSON.parse(readFileSync(metaPath, 'utf8')) as { names: string; until: number };
    if (meta.names === wanted && meta.until - nowMs > 30 * DAY_MS) {
      return { cert: readFileSync(certPath, 'utf8'), key: readFileSync(keyPath, 'utf8'), isSelfSigned: true };
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
      { name: 'extKeyUsage', serverAuth: true },
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
  return { cert: made.cert, key: made.private, isSelfSigned: true };
}
