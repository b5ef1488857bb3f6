/** Agents from the configuration. */
import { createAgentDesk, openMediaStream } from '../agents/index.ts';
import type { AgentAudio, AgentDesk } from '../calls/index.ts';
import type { Config } from '../config/index.ts';
import type { Logger } from '../kernel/index.ts';
import { clock, random } from './parts.ts';

export function createAgents({ agents }: Config, audio: AgentAudio, logger: Logger): AgentDesk {
  return createAgentDesk({
    agents: agents.map(({ name, prebufferMs, warmUpSec, connectTimeoutSec, authTokenEnv, ...agent }) => ({
      name,
      prebufferMs,
      encoding: 'PCMU',
      warmUpMs: warmUpSec * 1000,
      open: openMediaStream(
        {
          ...agent,
          authToken: authTokenEnv === undefined ? undefined : process.env[authTokenEnv],
          connectTimeoutMs: connectTimeoutSec * 1000,
        },
        { clock, random, logger: logger.child({ agent: name }) },
      ),
    })),
    audio,
    clock,
    logger,
  });
}
