/** Agents from the configuration. */
import {
  type Agent,
  createAgentDesk,
  openListen,
  openMediaStream,
  openRealtime,
  openVoiceSocket,
} from '../agents/index.ts';
import type { AgentAudio, AgentDesk } from '../calls/index.ts';
import type { Config } from '../config/index.ts';
import type { Logger } from '../kernel/index.ts';
import { TlsFileSet } from '../ops/index.ts';
import { clock, random } from './parts.ts';

type AgentConfig = Config['agents'][number];
type Of<Protocol extends AgentConfig['protocol']> = Extract<AgentConfig, { protocol: Protocol }>;
type Link = Pick<Agent, 'encoding' | 'open'>;

/** What every protocol needs besides its own. */
interface Common {
  readonly connectTimeoutMs: number;
  readonly ca: string | undefined;
  readonly logger: Logger;
}

/** Throws CERTIFICATE_UNREADABLE for an authority that is none. */
export function createAgents({ agents }: Config, audio: AgentAudio, logger: Logger): AgentDesk {
  const files = new TlsFileSet(logger);
  const agentOf = (agent: AgentConfig): Agent => {
    const { name, prebufferMs, warmUpSec, connectTimeoutSec } = agent;
    const { ca } = files.add({ ca: agent.ca })();
    const common = { connectTimeoutMs: connectTimeoutSec * 1000, ca, logger: logger.child({ agent: name }) };
    return { name, prebufferMs, warmUpMs: warmUpSec * 1000, ...linkOf(agent, common) };
  };
  return createAgentDesk({ agents: agents.map(agentOf), audio, clock, logger });
}

function linkOf(agent: AgentConfig, common: Common): Link {
  switch (agent.protocol) {
    case 'twilio':
      return twilio(agent, common);
    case 'openai':
      return openai(agent, common);
    case 'vonage':
      return vonage(agent, common);
    case 'jambonz':
      return jambonz(agent, common);
  }
}

function twilio(agent: Of<'twilio'>, { logger, ...common }: Common): Link {
  const authToken = secretIn(agent.authTokenEnv);
  return { encoding: 'PCMU', open: openMediaStream({ ...agent, ...common, authToken }, { clock, random, logger }) };
}

function openai(agent: Of<'openai'>, { logger, ...common }: Common): Link {
  const encoding = agent.encoding === 'L16' ? 'L16/24000' : agent.encoding;
  const { greeting } = agent;
  const apiKey = secretIn(agent.apiKeyEnv);
  return { encoding, open: openRealtime({ ...agent, ...common, encoding, greeting, apiKey }, { clock, logger }) };
}

function vonage(agent: Of<'vonage'>, { logger, ...common }: Common): Link {
  const encoding = `L16/${agent.rateHz}` as const;
  const token = secretIn(agent.tokenEnv);
  return { encoding, open: openVoiceSocket({ ...agent, ...common, encoding, token }, { clock, logger }) };
}

function jambonz(agent: Of<'jambonz'>, { logger, ...common }: Common): Link {
  const encoding = `L16/${agent.rateHz}` as const;
  const { username } = agent;
  const login = username === undefined ? undefined : { username, password: secretIn(agent.passwordEnv) ?? '' };
  return { encoding, open: openListen({ ...agent, ...common, encoding, login }, { clock, random, logger }) };
}

function secretIn(variable: string | undefined): string | undefined {
  return variable === undefined ? undefined : process.env[variable];
}
