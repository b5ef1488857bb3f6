/** Which sessions there are, in the Store: a session outlives its connection and the process. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { AccessToken } from '../auth/index.ts';
import type { Clock, Random } from '../kernel/index.ts';
import type { ParticipantId } from '../rooms/index.ts';
import type { Json, Store } from '../store/index.ts';

/** A session as it is kept. The secret itself is known to its client alone. */
export interface SessionRecord {
  readonly participantId: ParticipantId;
  readonly subject: string;
  readonly room: string;
  readonly tenant: string;
  readonly secretHash: string;
  /** An ended one stays until its token expires, so that the token cannot begin it again. */
  readonly isEnded: boolean;
}

/** Beyond the token's expiry, for the clocks of others. */
const SLACK_MS = 10_000;

export class SessionBook {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(store: Store, clock: Clock, random: Random) {
    this.#store = store;
    this.#clock = clock;
    this.#random = random;
  }

  async find(sessionId: string): Promise<SessionRecord | undefined> {
    const value = await this.#store.get(keyOf(sessionId));
    return value === undefined ? undefined : (value as unknown as SessionRecord);
  }

  create(token: AccessToken): { readonly record: SessionRecord; readonly secret: string } {
    const secret = this.#random.hex(24);
    const { subject, room, tenant } = token;
    const participantId = this.#random.hex(12) as ParticipantId;
    return { record: { participantId, subject, room, tenant, secretHash: hashOf(secret), isEnded: false }, secret };
  }

  async keep(token: AccessToken, record: SessionRecord): Promise<void> {
    const ttlMs = Math.max(1, token.expiresAt - this.#clock.wallTime()) + SLACK_MS;
    await this.#store.put(keyOf(token.sessionId), record as unknown as Json, { ttlMs });
  }
}

/** Whether the token and the secret are those of the session. */
export function mayResume(record: SessionRecord, token: AccessToken, secret: string | undefined): boolean {
  if (record.isEnded || secret === undefined) return false;
  const isSame = record.subject === token.subject && record.room === token.room && record.tenant === token.tenant;
  return isSame && timingSafeEqual(Buffer.from(hashOf(secret)), Buffer.from(record.secretHash));
}

function keyOf(sessionId: string): string {
  return `rooms/sessions/${sessionId}`;
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64');
}
