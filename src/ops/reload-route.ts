/** `POST /reload`: reads the configuration again. */
import type { FastifyInstance } from 'fastify';
import { CodedError } from '../kernel/index.ts';
import type { ApiGuard } from './api-guard.ts';

export interface ReloadReport {
  /** Changed settings that only a restart puts in force. */
  readonly needRestart: readonly string[];
}

/** Throws a CodedError, whose text has one line for each mistake, when what it has read is not right. */
export type Reload = () => ReloadReport;

export function addReload(app: FastifyInstance, reload: Reload, guard: ApiGuard): void {
  app.post('/reload', { preHandler: guard }, async (_request, reply) => {
    try {
      return { status: 'reloaded', ...reload() };
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      const message = 'the old configuration stays in force';
      return reply.code(422).send({ error: error.code, message, errors: error.message.split('\n') });
    }
  });
}
