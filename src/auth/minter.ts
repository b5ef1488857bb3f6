/** Makes access tokens with a secret that only this gateway knows. */
import type { KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import type { Clock, Random } from '../kernel/index.ts';
import type { Grant } from './access-token.ts';

export interface MintRequest {
  readonly subject: string;
  readonly name?: string;
  readonly tenant: string;
  readonly room: string;
  readonly grants: readonly Grant[];
  /** How long the token lives, seconds. */
  readonly ttlSec: number;
  /** Renews the token of this session; undefined: of a new one. */
  readonly sessionId?: string;
}

export interface MintedToken {
  readonly token: string;
  readonly sessionId: string;
  /** ms since 1970. */
  readonly expiresAt: number;
}

export class TokenMinter {
  readonly #key: KeyObject;
  readonly #audience: string;
  readonly #issuer: string | undefined;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(
    key: KeyObject,
    policy: { readonly audience: string; readonly issuer: string | undefined },
    { clock, random }: { readonly clock: Clock; readonly random: Random },
  ) {
    this.#key = key;
    this.#audience = policy.audience;
    this.#issuer = policy.issuer;
    this.#clock = clock;
    this.#random = random;
  }

  async mint(request: MintRequest): Promise<MintedToken> {
    const nowSec = Math.floor(this.#clock.wallTime() / 1000);
    const sessionId = request.sessionId ?? this.#random.hex(16);
    const expSec = nowSec + request.ttlSec;
    const jwt = new SignJWT({
      sid: sessionId,
      room: request.room,
      caps: [...request.grants],
      tenant: request.tenant,
      ...(request.name === undefined ? {} : { name: request.name }),
    })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setSubject(request.subject)
      .setJti(this.#random.hex(16))
      .setAudience(this.#audience)
      .setIssuedAt(nowSec)
      .setExpirationTime(expSec);
    if (this.#issuer !== undefined) jwt.setIssuer(this.#issuer);
    return { token: await jwt.sign(this.#key), sessionId, expiresAt: expSec * 1000 };
  }
}
