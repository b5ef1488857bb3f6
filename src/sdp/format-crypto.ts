import type { SrtpCrypto } from './model.ts';

/** Our a=crypto lines say the key and nothing else (RFC 4568 §9): every default is ours. */
export function formatCrypto({ tag, keys }: SrtpCrypto): string {
  const text = Buffer.concat([keys.key, keys.salt]).toString('base64');
  return `a=crypto:${tag} ${keys.suite} inline:${text}`;
}
