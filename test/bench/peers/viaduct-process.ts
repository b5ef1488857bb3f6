/** Our media plane in a process of its own, asked over its pipes. */
import path from 'node:path';
import readline from 'node:readline';
import type { CallRequest, TranscodedRequest } from '../gateway/media-gateway.ts';
import { start, withPriority } from '../lib/command.ts';
import type { MediaRun } from '../lib/media-run.ts';

const program = path.join(import.meta.dirname, '..', 'gateway', 'media-gateway.ts');

export interface MediaGateway {
  /** Node and the media workers. */
  readonly pids: readonly number[];
  /** One line there, one line back. Throws when the process has ended. */
  ask<T>(request: CallRequest | TranscodedRequest | 'carried'): Promise<T>;
  stop(): Promise<void>;
}

export async function startMediaGateway(run: MediaRun, env: NodeJS.ProcessEnv): Promise<MediaGateway> {
  const command = [process.execPath, '--disable-warning=ExperimentalWarning', program];
  const gateway = start(withPriority(5, command), path.join(run.folder, 'viaduct.log'), { pipe: true, env });
  const { stdout, stdin } = gateway.child;
  if (stdout === null || stdin === null) throw new Error('the media gateway has no pipes');
  const lines = readline.createInterface({ input: stdout })[Symbol.asyncIterator]();
  const next = async <T>(): Promise<T> => {
    const line = await lines.next();
    if (line.done === true) throw new Error(`the media gateway ended; see ${run.folder}/viaduct.log`);
    return JSON.parse(line.value) as T;
  };
  try {
    const { pids } = await next<{ pids: number[] }>();
    return {
      pids,
      ask: (request) => {
        stdin.write(`${JSON.stringify(request)}\n`);
        return next();
      },
      stop: () => gateway.stop(),
    };
  } catch (error) {
    await gateway.stop();
    throw error;
  }
}
