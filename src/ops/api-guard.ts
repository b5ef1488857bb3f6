/** Who may use the API: whoever has the bearer token (RFC 6750 §2.1). */
import { timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';

export type ApiGuard = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

export function guardOf(token: string): ApiGuard {
  return async (request, reply) => {
    if (isAuthorized(request, token)) return;
    await reply.code(401).header('www-authenticate', 'Bearer realm="viaduct"').send({
      error: 'API_TOKEN',
      message: 'send the header "Authorization: Bearer <token>"; the token is in the data folder, file api-token',
    });
  };
}

function isAuthorized(request: FastifyRequest, token: string): boolean {
  const given = Buffer.from(request.headers.authorization ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
