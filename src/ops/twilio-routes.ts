/** The paths under which applications look for Twilio's REST API; who may do what is decided behind them. */
import type { FastifyInstance } from 'fastify';

export interface FormRequest {
  readonly method: 'GET' | 'POST';
  /** Without the query. */
  readonly path: string;
  readonly authorization: string | undefined;
  readonly form: Readonly<Record<string, string>>;
}

export interface FormReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object;
}

export type ServeForms = (request: FormRequest) => FormReply;

const PREFIX = '/2010-04-01';

export function addTwilio(app: FastifyInstance, serve: ServeForms): void {
  void app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    // A field that comes twice counts once, and none may be named like what every object has.
    scope.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, parsed) => {
      parsed(null, Object.assign(Object.create(null), Object.fromEntries(new URLSearchParams(body.toString()))));
    });
    scope.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
      const status = error.statusCode ?? 500;
      const message = status >= 500 ? 'Internal error' : error.message;
      return reply.code(status).send({ code: status >= 500 ? 20500 : 20001, message, status });
    });
    scope.route({
      method: ['GET', 'POST'],
      url: `${PREFIX}/*`,
      handler: (request, reply) => {
        const { status, headers, body } = serve({
          method: request.method === 'POST' ? 'POST' : 'GET',
          path: request.url.split('?', 1)[0] ?? '',
          authorization: request.headers.authorization,
          form: (request.body ?? {}) as Readonly<Record<string, string>>,
        });
        return reply.code(status).headers(headers).send(body);
      },
    });
    done();
  });
}
