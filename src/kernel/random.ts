/** The only source of chance: branches, tags, SSRCs, nonces. Tests bring a seeded one. */
export interface Random {
  /** `bytes` random bytes as lower-case hexadecimal. */
  hex(bytes: number): string;
  /** A random unsigned 32-bit number. */
  uint32(): number;
  /** A random (version 4) UUID, RFC 9562. */
  uuid(): string;
}
