/** A function of a model that is an HTTP request of the operator's. */
import { z } from 'zod';
import { askHttp } from '../../http-client/index.ts';
import { CodedError, type Logger } from '../../kernel/index.ts';
import { clean } from '../template.ts';
import { failure, type Tool, type ToolPlace, type ToolTerms } from './tool.ts';

export interface HttpToolOptions extends ToolTerms {
  readonly url: string;
  /** GET sends what the model wrote in the query. */
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Of the answer. */
  readonly maxBytes: number;
  readonly mayBePrivate: boolean;
}

export function createHttpTool(options: HttpToolOptions, logger: Logger): Tool {
  const { name, description, parameters } = options;
  const schema = z.fromJSONSchema(parameters);
  return {
    name,
    description,
    parameters,
    run: async (given, place) => {
      const read = schema.safeParse(given);
      if (!read.success) return failure(z.prettifyError(read.error));
      try {
        return await ask(options, read.data, place);
      } catch (error) {
        logger.warn({ err: error, tool: name, callId: place.call.callId }, 'tool of an agent failed');
        // What is told to a model may be told to a caller: no addresses of ours.
        return failure(
          error instanceof CodedError && error.code === 'HTTP_TIMEOUT' ? 'no answer in time' : 'no answer',
        );
      }
    },
  };
}

async function ask(options: HttpToolOptions, input: unknown, { call, signal }: ToolPlace): Promise<object> {
  const { name, method, url, headers, timeoutMs, maxBytes, mayBePrivate } = options;
  const common = { method, timeoutMs, maxBytes, mayBePrivate, signal };
  const about = { callId: call.callId, from: clean(call.from), to: clean(call.to) };
  const reply =
    method === 'GET'
      ? await askHttp({ ...common, url: withQuery(url, input), headers })
      : await askHttp({
          ...common,
          url,
          headers: { 'content-type': 'application/json', ...headers },
          body: JSON.stringify({ tool: name, arguments: input, call: about }),
        });
  const content = parsed(reply.text);
  return reply.status < 300 ? { result: content } : failure(`the server answered ${reply.status}`, { result: content });
}

function withQuery(url: string, input: unknown): string {
  const full = new URL(url);
  for (const [key, value] of Object.entries(Object(input)))
    full.searchParams.set(key, typeof value === 'string' ? value : JSON.stringify(value));
  return full.href;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
