/** A real HTTP server for hooks, whose answers a test says, and which remembers what it was asked. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface HookServer {
  readonly url: string;
  readonly asked: readonly Asked[];
  /** What the next questions get, by their number from 0. A promise that stays open is a server that hangs. */
  answer: (asked: Asked, index: number) => Answer | Promise<Answer>;
  close(): Promise<void>;
}

async function answerWith(response: ServerResponse, answer: Answer | Promise<Answer>): Promise<void> {
  const { status, headers = {}, body = '' } = await answer;
  response.writeHead(status, headers).end(body);
}

export async function startHookServer(): Promise<HookServer> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one: Asked = {
        method: request.method ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString('utf8'),
      };
      asked.push(one);
      void answerWith(response, running.answer(one, asked.length - 1));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const running: HookServer = {
    url: `http://127.0.0.1:${port}/route`,
    asked,
    answer: () => ({ status: 204 }),
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
  return running;
}
