/** The functions of an agent's model, from the configuration. */
import { callTools, createHttpTool, type Tool } from '../agents/index.ts';
import type { Config } from '../config/index.ts';
import type { Logger } from '../kernel/index.ts';
import { secretIn } from './secret-in.ts';

type ModelConfig = Extract<Config['agents'][number], { protocol: 'openai' }>;

export function toolsOf(
  { callTools: names, tools }: Pick<ModelConfig, 'callTools' | 'tools'>,
  logger: Logger,
): readonly Tool[] {
  const own = tools.map(({ headersEnv, timeoutSec, allowPrivate, ...rest }) => {
    const named = Object.entries(headersEnv).map(([header, variable]) => [header, secretIn(variable) ?? ''] as const);
    const headers: Readonly<Record<string, string>> = Object.fromEntries(named);
    const times = { timeoutMs: timeoutSec * 1000, mayBePrivate: allowPrivate };
    return createHttpTool({ ...rest, ...times, headers }, logger);
  });
  return [...names.map((name) => callTools[name]), ...own];
}
