/** The HTTP API: pages, health, metrics, and (with the bearer token) calls and registrations. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { CallControl } from '../calls/index.ts';
import { addApiRoutes } from './api/add-routes.ts';
import { callVerbRoutes } from './api/call-verb-routes.ts';
import { openApi } from './api/open-api.ts';
import { viewRoutes } from './api/view-routes.ts';
import { guardOf } from './api-guard.ts';
import { addCalls, type CallViews } from './call-routes.ts';
import { addReload, type Reload } from './reload-route.ts';
import { addRooms, type RoomViews } from './room-routes.ts';
import { addSafety, type SafetyViews } from './safety-routes.ts';
import { addTwilio, type ServeForms } from './twilio-routes.ts';
import type { WebFile } from './web-files.ts';

export interface RegistrationView {
  readonly aor: string;
  readonly contact: string;
  readonly transport: string;
  readonly expiresAt: number;
  /** True when its WS or TCP connection went with an earlier run of the gateway. */
  readonly isFlowLost: boolean;
}

export interface TrunkView {
  readonly name: string;
  readonly targets: readonly string[];
  readonly limits: { readonly calls: number | undefined; readonly callsPerSec: number | undefined };
  /** Running calls. */
  readonly inbound: number;
  readonly outbound: number;
  /** Calls refused for a limit since the start. */
  readonly refusedInbound: number;
  readonly refusedOutbound: number;
  /** Our own registration there; undefined: we do not register. */
  readonly registration:
    | {
        readonly aor: string;
        readonly state: string;
        readonly since: number;
        readonly server: string | undefined;
        readonly expiresAt: number | undefined;
        readonly lastStatus: number | undefined;
      }
    | undefined;
  /** The addresses behind the targets, as calls would try them without regard to weight and health. */
  readonly servers: readonly {
    readonly transport: string;
    readonly address: string;
    readonly port: number;
    readonly priority: number;
    readonly weight: number;
    readonly standing: string;
    readonly since: number;
    readonly lastStatus: number | undefined;
    readonly roundTripMs: number | undefined;
  }[];
}

/** What the API shows, read anew at each request. */
export interface OpsViews extends CallViews, SafetyViews {
  readonly registrations: () => Promise<readonly RegistrationView[]>;
  readonly trunks: () => readonly TrunkView[];
  /** Undefined: there are no rooms. */
  readonly rooms?: RoomViews | undefined;
  readonly metrics: () => Promise<{ readonly text: string; readonly contentType: string }>;
  /** Part → is it ready; all true: ready. */
  readonly readiness: () => Promise<Readonly<Record<string, boolean>>>;
}

export interface RouteOptions {
  readonly views: OpsViews;
  readonly reload: Reload;
  /** Undefined in tools that have no agents. */
  readonly twilio?: ServeForms;
  readonly files: ReadonlyMap<string, WebFile>;
  readonly token: string;
  readonly domain: string;
  readonly control: CallControl;
  /** Of those that change something. */
  readonly requestsPerSec: number;
}

const POLICY = [
  "default-src 'self'",
  "connect-src 'self' ws: wss:",
  "media-src 'self' blob: mediastream:",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "object-src 'none'",
].join('; ');

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

function addRegistrations(app: FastifyInstance, { views, token }: RouteOptions): void {
  app.get('/registrations', { preHandler: guardOf(token) }, async () => ({
    registrations: await views.registrations(),
  }));
  app.get('/trunks', { preHandler: guardOf(token) }, () => ({ trunks: views.trunks() }));
}

/** Adds every route to one server. */
export function addRoutes(app: FastifyInstance, options: RouteOptions): void {
  addPages(app, options.files);
  addHealth(app, options.views);
  addCalls(app, options.views, guardOf(options.token));
  addSafety(app, options.views, guardOf(options.token));
  addRegistrations(app, options);
  if (options.views.rooms !== undefined) addRooms(app, options.views.rooms, guardOf(options.token));
  addReload(app, options.reload, guardOf(options.token));
  if (options.twilio !== undefined) addTwilio(app, options.twilio);
  const changes = callVerbRoutes(options.control);
  addApiRoutes(app, changes, { guard: guardOf(options.token), requestsPerSec: options.requestsPerSec });
  const description = openApi([...viewRoutes, ...changes]);
  app.get('/api/openapi.json', () => description);
  app.get('/api/softphone', () => ({ domain: options.domain }));
}
