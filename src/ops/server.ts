/** The HTTP and HTTPS servers. */
import { Server as TlsServer } from 'node:tls';
import { type FastifyInstance, fastify } from 'fastify';
import { CodedError, type Logger, Scope } from '../kernel/index.ts';
import { errors } from './errors.ts';
import { addRoutes, type RouteOptions } from './routes.ts';
import { type SipUpstream, sipFront } from './sip-front.ts';
import { serveUpgrades, type UpgradeHandler } from './upgrades.ts';

export interface ListenOptions {
  readonly address: string;
  readonly port: number;
}

/** PEM texts. */
export interface HttpsPair {
  readonly certificate: string;
  readonly key: string;
}

export interface OpsOptions extends RouteOptions {
  readonly http: ListenOptions | undefined;
  readonly https: (ListenOptions & { readonly pair: HttpsPair }) | undefined;
  /** Where `/sip` upgrades go; undefined: nowhere, they get 404. */
  readonly sipUpstream: SipUpstream | undefined;
  /** Who takes WebSocket upgrades of further paths. */
  readonly upgrades?: ReadonlyMap<string, UpgradeHandler>;
  readonly logger: Logger;
}

export interface Ops {
  /** The ports really bound; undefined where disabled. */
  readonly httpPort: number | undefined;
  readonly httpsPort: number | undefined;
  /** For connections made from now on. */
  updateCertificate(pair: HttpsPair): void;
  close(): Promise<void>;
}

interface Listening {
  readonly kind: 'http' | 'https';
  readonly listen: ListenOptions;
}

async function listen(app: FastifyInstance, { kind, listen: { address, port } }: Listening): Promise<number> {
  try {
    await app.listen({ host: address, port });
  } catch (cause) {
    const isTaken = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
    if (isTaken)
      throw errors.HTTP_PORT_TAKEN([kind.toUpperCase(), port, `${kind}.port (VIADUCT_${kind.toUpperCase()}_PORT)`], {
        cause,
      });
    throw errors.HTTP_LISTEN(
      [kind.toUpperCase(), `${port} of ${address}`, cause instanceof Error ? cause.message : String(cause)],
      { cause },
    );
  }
  const bound = app.server.address();
  return typeof bound === 'object' && bound !== null ? bound.port : port;
}

function createApp(pair: HttpsPair | undefined): FastifyInstance {
  const base = { bodyLimit: 65_536, requestTimeout: 30_000, forceCloseConnections: true };
  if (pair === undefined) return fastify(base);
  // One type for both servers: nothing of ours looks at what differs.
  return fastify({ ...base, https: { ...contextOf(pair) } });
}

function contextOf({ certificate, key }: HttpsPair): { cert: string; key: string; minVersion: 'TLSv1.2' } {
  return { cert: certificate, key, minVersion: 'TLSv1.2' };
}

interface StartedServer {
  readonly port: number;
  readonly app: FastifyInstance;
}

async function startServer(
  options: OpsOptions,
  listening: Listening,
  pair: HttpsPair | undefined,
  scope: Scope,
): Promise<StartedServer> {
  const app = createApp(pair);
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) options.logger.error({ error: error.message }, 'HTTP request failed');
    return reply.code(status).send({
      error: error instanceof CodedError ? error.code : 'HTTP',
      message: status >= 500 ? 'internal error; see the log' : error.message,
    });
  });
  addRoutes(app, options);
  const isSecure = pair !== undefined;
  const { upgrades = new Map<string, UpgradeHandler>(), sipUpstream: upstream, logger } = options;
  const handlers = new Map(upgrades);
  if (upstream !== undefined)
    handlers.set('/sip', sipFront({ proto: isSecure ? 'wss' : 'ws', upstream, logger, scope }));
  serveUpgrades(app.server, handlers, { isSecure, scope });
  const port = await listen(app, listening);
  scope.add(() => app.close());
  return { port, app };
}

/** Starts what is configured. Throws HTTP_PORT_TAKEN or HTTP_LISTEN, with everything closed again. */
export async function startOps(options: OpsOptions): Promise<Ops> {
  const scope = new Scope();
  try {
    const { http, https } = options;
    const plain =
      http === undefined ? undefined : await startServer(options, { kind: 'http', listen: http }, undefined, scope);
    const secure =
      https === undefined ? undefined : await startServer(options, { kind: 'https', listen: https }, https.pair, scope);
    return {
      httpPort: plain?.port,
      httpsPort: secure?.port,
      updateCertificate: (pair) => {
        const server: object | undefined = secure?.app.server;
        if (server instanceof TlsServer) server.setSecureContext(contextOf(pair));
      },
      close: () => scope.close(),
    };
  } catch (error) {
    await scope.close();
    throw error;
  }
}
