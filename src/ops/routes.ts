/** The HTTP API: pages, health, metrics, and (with the bearer token) call records and registrations. */
import { timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { CallRecord } from '../calls/index.ts';
import type { WebFile } from './web-files.ts';

export interface RegistrationView {
  readonly aor: string;
  readonly contact: string;
  readonly transport: string;
  readonly expiresAt: number;
  /** True when its WS or TCP connection went with an earlier run of the gateway. */
  readonly isFlowLost: boolean;
}

/** What the API shows, read anew at each request. */
export interface OpsViews {
  /** Newest first, running calls included. */
  readonly calls: (limit: number) => Promise<readonly CallRecord[]>;
  readonly call: (callId: string) => Promise<CallRecord | undefined>;
  readonly registrations: () => Promise<readonly RegistrationView[]>;
  readonly metrics: () => Promise<{ readonly text: string; readonly contentType: string }>;
  /** Part → is it ready; all true: ready. */
  readonly readiness: () => Promise<Readonly<Record<string, boolean>>>;
}

export interface RouteOptions {
  readonly views: OpsViews;
  readonly files: ReadonlyMap<string, WebFile>;
  readonly token: string;
  readonly domain: string;
}

const POLICY = [
  "default-src 'self'",
  "connect-src 'self' ws: wss:",
  "media-src 'self' blob: mediastream:",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "object-src 'none'",
].join('; ');

function isAuthorized(request: FastifyRequest, token: string): boolean {
  const given = Buffer.from(request.headers.authorization ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function addPages(app: FastifyInstance, files: ReadonlyMap<string, WebFile>): void {
  for (const [path, file] of files) {
    app.get(path, (request: FastifyRequest, reply: FastifyReply) => {
      void reply
        .header('content-security-policy', POLICY)
        .header('x-content-type-options', 'nosniff')
        .header('referrer-policy', 'no-referrer')
        .header('cache-control', 'no-cache')
        .header('etag', file.etag);
      if (request.headers['if-none-match'] === file.etag) return reply.code(304).send();
      return reply.type(file.contentType).send(file.body);
    });
  }
}

function addHealth(app: FastifyInstance, views: OpsViews): void {
  app.get('/healthz', () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    const parts = await views.readiness();
    const isReady = Object.values(parts).every(Boolean);
    return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ready' : 'not ready', parts });
  });
  app.get('/metrics', async (_request, reply) => {
    const { text, contentType } = await views.metrics();
    return reply.header('content-type', contentType).send(text);
  });
}

function addRecords(app: FastifyInstance, { views, token }: RouteOptions): void {
  const guard = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (isAuthorized(request, token)) return;
    await reply.code(401).header('www-authenticate', 'Bearer realm="viaduct"').send({
      error: 'API_TOKEN',
      message: 'send the header "Authorization: Bearer <token>"; the token is in the data folder, file api-token',
    });
  };
  app.get<{ Querystring: { limit?: number } }>(
    '/calls',
    {
      preHandler: guard,
      schema: {
        querystring: { type: 'object', properties: { limit: { type: 'integer', minimum: 1, maximum: 1000 } } },
      },
    },
    async (request) => ({ calls: await views.calls(request.query.limit ?? 100) }),
  );
  app.get<{ Params: { callId: string } }>('/calls/:callId', { preHandler: guard }, async (request, reply) => {
    const record = await views.call(request.params.callId);
    if (record === undefined) return reply.code(404).send({ error: 'CALL_NOT_FOUND', message: 'no call has this id' });
    return record;
  });
  app.get('/registrations', { preHandler: guard }, async () => ({ registrations: await views.registrations() }));
}

/** Adds every route to one server. */
export function addRoutes(app: FastifyInstance, options: RouteOptions): void {
  addPages(app, options.files);
  addHealth(app, options.views);
  addRecords(app, options);
  app.get('/api/softphone', () => ({ domain: options.domain }));
}
