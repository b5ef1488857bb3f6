/** What the breaker and the bans hold back, and how an operator lets it go. */
import type { FastifyInstance } from 'fastify';
import type { ApiGuard } from './api-guard.ts';

export interface TollView {
  readonly tenant: string;
  readonly unitsThisHour: number;
  readonly unitsToday: number;
}

export interface BanView {
  readonly address: string;
  /** Undefined: every account. */
  readonly user: string | undefined;
  /** Milliseconds since 1970. */
  readonly until: number;
}

export interface SafetyViews {
  readonly tolls: () => readonly TollView[];
  readonly resetToll: (tenant: string) => void;
  readonly bans: () => readonly BanView[];
  /** False: there was none. */
  readonly liftBan: (address: string) => boolean;
}

export function addSafety(app: FastifyInstance, views: SafetyViews, guard: ApiGuard): void {
  const preHandler = guard;
  app.get('/tolls', { preHandler }, async () => ({ tolls: views.tolls() }));
  app.delete<{ Params: { tenant: string } }>('/tolls/:tenant', { preHandler }, async (request, reply) => {
    views.resetToll(request.params.tenant);
    return reply.code(204).send();
  });
  app.get('/bans', { preHandler }, async () => ({ bans: views.bans() }));
  app.delete<{ Params: { address: string } }>('/bans/:address', { preHandler }, async (request, reply) => {
    if (views.liftBan(request.params.address)) return reply.code(204).send();
    return reply.code(404).send({ error: 'BAN_NOT_FOUND', message: 'this address is not banned' });
  });
}
