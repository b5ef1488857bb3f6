/** Whom a certificate speaks for: RFC 5922 §7. Pure. */
import type { PeerCertificate } from 'node:tls';
import { asNumber } from './address.ts';

type Names = Pick<PeerCertificate, 'subject' | 'subjectaltname'>;

/**
 * The SIP domains of a certificate, in lower case: those of its `sip:` URIs; without such its DNS names and
 * addresses; without any SubjectAltName its common name (§7.1). A URI with a user part names a person, not a domain.
 */
export function certificateNames({ subject, subjectaltname }: Names): readonly string[] {
  const alternatives = splitAlternatives(subjectaltname ?? '');
  if (alternatives.length === 0) return [subject.CN].flat().flatMap((name) => (name ? [lower(name)] : []));
  const uris = valuesOf(alternatives, 'URI').filter((uri) => /^sip:/i.test(uri));
  const domains = uris.flatMap((uri) => /^sip:([^@;?]+)$/i.exec(uri)?.[1] ?? []);
  if (uris.length > 0) return domains.map(lower);
  return [...valuesOf(alternatives, 'DNS'), ...valuesOf(alternatives, 'IP Address')].map(lower);
}

/** Whether the certificate is that of `wanted`: the whole name, and a wildcard stands for itself alone (§7.2). */
export function isCertificateOf(names: Names, wanted: string): boolean {
  const name = asNumber(wanted) ?? wanted;
  return certificateNames(names).includes(lower(name));
}

/** `DNS:a, URI:sip:b, IP Address:::1`; what holds a comma or quote is written as a JSON string. */
function splitAlternatives(text: string): readonly string[] {
  return text.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g)?.map((part) => part.trim()) ?? [];
}

function valuesOf(alternatives: readonly string[], kind: string): readonly string[] {
  // A quoted value has something in it that no host name has: it is nobody's.
  return alternatives.flatMap((one) =>
    one.startsWith(`${kind}:`) && !one.includes('"') ? [canonical(one.slice(kind.length + 1))] : [],
  );
}

/** OpenSSL writes IPv6 addresses out in full and in capitals. */
function canonical(value: string): string {
  if (!/^[\dA-F]{1,4}(?::[\dA-F]{0,4}){2,7}$/i.test(value)) return value;
  return URL.canParse(`http://[${value}]/`) ? new URL(`http://[${value}]/`).hostname.slice(1, -1) : value;
}

function lower(name: string): string {
  return name.toLowerCase();
}
