/** Why the gateway ended a connection (RFC 6455 §7.4.2: 4000 to 4999 are ours). */
export const closeCodes = {
  /** As was asked (RFC 6455 §7.4.1). */
  normal: 1000,
  /** The gateway ends: come back, to another one or later. */
  goingAway: 1001,
  /** Binary, where only text is spoken. */
  unsupported: 1003,
  tooBig: 1009,
  /** Not a message of this protocol, or not at this time. */
  malformed: 4400,
  /** No token that is good: never, no more, or not any longer. */
  unauthenticated: 4401,
  /** The token is good, but not for this: another room, a session of somebody else, or a moderator said so. */
  forbidden: 4403,
  /** No token came in time. */
  tooLate: 4408,
  /** The session goes on over another connection. */
  replaced: 4409,
  /** What we send is not read. */
  slowReader: 4413,
  /** More messages than a client has reason to send. */
  tooMany: 4429,
  /** No answer to our pings. */
  silent: 4504,
} as const;
export type CloseCode = (typeof closeCodes)[keyof typeof closeCodes];

/** After which of them a client should connect anew by itself. */
export function isWorthRetrying(code: number): boolean {
  const isFinal: readonly number[] = [
    closeCodes.normal,
    closeCodes.unsupported,
    closeCodes.tooBig,
    closeCodes.malformed,
    closeCodes.unauthenticated,
    closeCodes.forbidden,
    closeCodes.replaced,
  ];
  return !isFinal.includes(code);
}
