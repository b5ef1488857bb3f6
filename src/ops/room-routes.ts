/** Rooms over HTTP: who is in them, access tokens of our own making, and their revocation. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ApiGuard } from './api-guard.ts';
import { AttemptLimit } from './attempt-limit.ts';

export interface TokenRequest {
  readonly room: string;
  readonly subject: string;
  readonly name?: string;
  readonly tenant?: string;
  readonly grants?: readonly string[];
  readonly ttlSec?: number;
  readonly sessionId?: string;
}

export interface RoomToken {
  readonly token: string;
  readonly sessionId: string;
  readonly expiresAt: number;
}

export interface RoomViews {
  readonly rooms: () => readonly object[];
  /** Undefined: keys are configured, and whoever has them makes the tokens. */
  readonly mint: ((request: TokenRequest) => Promise<RoomToken>) | undefined;
  /** The account with this password; undefined: there is none. */
  readonly account: (
    user: string,
    password: string,
  ) => { readonly subject: string; readonly name: string; readonly tenant: string } | undefined;
  readonly revoke: (what: RevocationBody) => Promise<void>;
}

export type RevocationBody =
  | { readonly tokenId: string }
  | { readonly sessionId: string }
  | { readonly subject: string; readonly tenant: string };

const id = { type: 'string', pattern: '^[A-Za-z0-9_-]{8,64}$' } as const;
const room = { type: 'string', pattern: '^[A-Za-z0-9_.~-]{1,64}$' } as const;
const person = { type: 'string', minLength: 1, maxLength: 128 } as const;
const tenant = { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' } as const;

const TOKEN_BODY = {
  type: 'object',
  additionalProperties: false,
  required: ['room', 'subject'],
  properties: {
    room,
    subject: person,
    name: person,
    tenant,
    grants: {
      type: 'array',
      maxItems: 5,
      items: { enum: ['join', 'publish', 'subscribe', 'moderate', 'e2ee'] },
    },
    ttlSec: { type: 'integer', minimum: 10, maximum: 86_400 },
    sessionId: id,
  },
} as const;

const OWN_TOKEN_BODY = {
  type: 'object',
  additionalProperties: false,
  required: ['room'],
  properties: { room, sessionId: id },
} as const;

const REVOCATION_BODY = {
  type: 'object',
  additionalProperties: false,
  properties: { tokenId: id, sessionId: id, subject: person, tenant: { ...tenant, default: 'default' } },
  oneOf: [{ required: ['tokenId'] }, { required: ['sessionId'] }, { required: ['subject'] }],
} as const;

const NOT_OURS = {
  error: 'TOKENS_NOT_OURS',
  message: 'auth.secretEnv or auth.publicKeys is set: whoever has those keys makes the access tokens',
};

export function addRooms(app: FastifyInstance, views: RoomViews, preHandler: ApiGuard): void {
  app.get('/rooms', { preHandler }, () => ({ rooms: views.rooms() }));
  app.post<{ Body: TokenRequest }>(
    '/rooms/tokens',
    { preHandler, schema: { body: TOKEN_BODY } },
    async (request, reply) => (await views.mint?.(request.body)) ?? reply.code(409).send(NOT_OURS),
  );
  app.post<{ Body: RevocationBody }>(
    '/rooms/revocations',
    { preHandler, schema: { body: REVOCATION_BODY } },
    async (request, reply) => {
      await views.revoke(request.body);
      return reply.code(204).send();
    },
  );
  addOwnTokens(app, views);
}

/** What the pages that we serve use: an account of the softphone gets a token for itself. */
function addOwnTokens(app: FastifyInstance, views: RoomViews): void {
  const limit = new AttemptLimit();
  app.post<{ Body: { room: string; sessionId?: string } }>(
    '/api/room-token',
    { schema: { body: OWN_TOKEN_BODY } },
    async (request, reply) => {
      if (views.mint === undefined) return reply.code(409).send(NOT_OURS);
      if (limit.isExhausted(request.ip)) return tooMany(reply);
      const account = accountOf(request, views);
      if (account === undefined) {
        limit.fail(request.ip);
        return reply.code(401).send({ error: 'ACCOUNT', message: 'no account has this name and password' });
      }
      return views.mint({ ...request.body, ...account });
    },
  );
}

function tooMany(reply: FastifyReply): FastifyReply {
  return reply.code(429).header('retry-after', '60').send({ error: 'ATTEMPTS', message: 'too many wrong passwords' });
}

/** RFC 7617 §2. */
function accountOf(request: FastifyRequest, views: RoomViews): ReturnType<RoomViews['account']> {
  const credentials = /^Basic ([A-Za-z0-9+/=]{1,1024})$/.exec(request.headers.authorization ?? '')?.[1];
  if (credentials === undefined) return undefined;
  const text = Buffer.from(credentials, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : views.account(text.slice(0, colon), text.slice(colon + 1));
}
