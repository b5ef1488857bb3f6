/** Agents from the configuration. */
import { type Agent, createAgentDesk, openMediaStream, openRealtime } from '../agents/index.ts';
import type { AgentAudio, AgentDesk } from '../calls/index.ts';
import type { Config } from '../config/index.ts';
import type { Logger } from '../kernel/index.ts';
import { clock, random } from './parts.ts';

type AgentConfig = Config['agents'][number];

export function createAgents({ agents }: Config, audio: AgentAudio, logger: Logger): AgentDesk {
  return createAgentDesk({
    agents: agents.map((agent) => agentOf(agent, logger.child({ agent: agent.name }))),
    audio,
    clock,
    logger,
  });
}

function agentOf(agent: AgentConfig, logger: Logger): Agent {
  const { name, prebufferMs, warmUpSec, connectTimeoutSec } = agent;
  const common = { name, prebufferMs, warmUpMs: warmUpSec * 1000 };
  const connectTimeoutMs = connectTimeoutSec * 1000;
  if (agent.protocol === 'twilio') {
    const authToken = secretIn(agent.authTokenEnv);
    const open = openMediaStream({ ...agent, authToken, connectTimeoutMs }, { clock, random, logger });
    return { ...common, encoding: 'PCMU', open };
  }
  const { greeting } = agent;
  const encoding = agent.encoding === 'L16' ? 'L16/24000' : agent.encoding;
  const apiKey = secretIn(agent.apiKeyEnv);
  return {
    ...common,
    encoding,
    open: openRealtime({ ...agent, encoding, greeting, apiKey, connectTimeoutMs }, { clock, logger }),
  };
}

function secretIn(variable: string | undefined): string | undefined {
  return variable === undefined ? undefined : process.env[variable];
}
