/** What an access token (JWT, RFC 7519) says once its signature has been verified. */
import { z } from 'zod';

export const GRANTS = ['join', 'publish', 'subscribe', 'moderate', 'e2ee'] as const;
/** What a session may do in its room. */
export type Grant = (typeof GRANTS)[number];

/** One token is for one session of one person in one room. */
export interface AccessToken {
  readonly tokenId: string;
  readonly sessionId: string;
  readonly subject: string;
  /** As others see the person. */
  readonly name: string;
  readonly tenant: string;
  readonly room: string;
  readonly grants: readonly Grant[];
  /** ms since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** Ids become parts of keys and of log lines: nothing in them may mean anything there. */
const id = z.string().regex(/^[\w-]{8,64}$/);
const roomName = z.string().regex(/^[\w.~-]{1,64}$/);
const tenant = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/i);
const person = z.string().regex(/^\P{Cc}{1,128}$/u);

/** The claims of ours, and those of RFC 7519 §4.1 that we need. Others may be there and mean nothing. */
export const claimsSchema = z.object({
  sub: person,
  sid: id,
  jti: id,
  room: roomName,
  caps: z.array(z.enum(GRANTS)).max(GRANTS.length),
  name: person.optional(),
  tenant: tenant.default('default'),
  iat: z.number(),
  exp: z.number(),
});

export function accessToken(claims: z.infer<typeof claimsSchema>): AccessToken {
  return {
    tokenId: claims.jti,
    sessionId: claims.sid,
    subject: claims.sub,
    name: claims.name ?? claims.sub,
    tenant: claims.tenant,
    room: claims.room,
    grants: claims.caps,
    issuedAt: claims.iat * 1000,
    expiresAt: claims.exp * 1000,
  };
}
