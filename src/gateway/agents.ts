/** Agents from the configuration, and those that are always there. */
import {
  type Agent,
  CallBook,
  createAgentDesk,
  createSpeech,
  createTwilioRest,
  openAudioSocket,
  openListen,
  openRealtime,
  openTwilioAgent,
  openVoiceSocket,
  type ServeRest,
} from '../agents/index.ts';
import type { AgentAudio, AgentDesk } from '../calls/index.ts';
import type { Config } from '../config/index.ts';
import type { Logger } from '../kernel/index.ts';
import { TlsFileSet } from '../ops/index.ts';
import { type AgentConfig, fallbackOf, mannersOf } from './agent-manners.ts';
import { toolsOf } from './agent-tools.ts';
import { BUILT_IN, type BuiltInAgent, builtIn } from './built-in-agents.ts';
import { clock, random } from './parts.ts';
import { secretIn } from './secret-in.ts';

type Of<Protocol extends AgentConfig['protocol']> = Extract<AgentConfig, { protocol: Protocol }>;
type Link = Pick<Agent, 'encoding' | 'open'>;

/** What every protocol needs besides its own. */
interface Common {
  readonly connectTimeoutMs: number;
  readonly ca: string | undefined;
  readonly logger: Logger;
  readonly twilioCalls: CallBook;
}

/** What Twilio applications reach from outside. */
export interface TwilioSide {
  readonly calls: CallBook;
  readonly serve: ServeRest;
}

/** An account for all agents that name none. */
const ACCOUNT_SID = `AC${'0'.repeat(31)}1`;

export function createTwilioSide({ agents }: Config): TwilioSide {
  const calls = new CallBook(clock);
  const accounts = agents.flatMap((agent) => {
    if (agent.protocol !== 'twilio') return [];
    const { accountSid, authToken } = accountOf(agent);
    return authToken === undefined ? [] : [{ accountSid, authToken }];
  });
  return { calls, serve: createTwilioRest(calls, accounts) };
}

interface AgentParts {
  readonly audio: AgentAudio;
  readonly logger: Logger;
  readonly twilioSide: TwilioSide;
}

/** Throws CERTIFICATE_UNREADABLE for an authority that is none. */
export function createAgents({ agents }: Config, { audio, logger, twilioSide }: AgentParts): AgentDesk {
  const files = new TlsFileSet(logger);
  const speech = createSpeech(logger);
  const builtIns = BUILT_IN.filter(({ name }) => !agents.some((agent) => agent.name === name));
  const agentOf = (agent: AgentConfig): Agent => {
    if (isBuiltIn(agent)) return builtIn(agent, speech, logger.child({ agent: agent.name }));
    const { name, prebufferMs, connectTimeoutSec, fallback, transferTo } = agent;
    const { ca } = files.add({ ca: 'ca' in agent ? agent.ca : undefined })();
    const connectTimeoutMs = connectTimeoutSec * 1000;
    const common = { connectTimeoutMs, ca, logger: logger.child({ agent: name }), twilioCalls: twilioSide.calls };
    const link = linkOf(agent, common);
    const manners = { ...mannersOf(agent), ...fallbackOf(agent, link.encoding, speech) };
    const mayDial = (number: string): boolean =>
      number === fallback?.to || transferTo.some((beginning) => number.startsWith(beginning));
    return { name, prebufferMs, manners, mayDial, ...link };
  };
  const ours = [...agents, ...builtIns].filter((agent): agent is AgentConfig => agent.protocol !== 'sip');
  return createAgentDesk({ agents: ours.map(agentOf), audio, clock, logger });
}

function isBuiltIn(agent: AgentConfig): agent is BuiltInAgent {
  return agent.protocol === 'reception' || agent.protocol === 'parrot';
}

function linkOf(agent: Exclude<AgentConfig, BuiltInAgent>, common: Common): Link {
  switch (agent.protocol) {
    case 'twilio':
      return twilio(agent, common);
    case 'openai':
      return openai(agent, common);
    case 'vonage':
      return vonage(agent, common);
    case 'jambonz':
      return jambonz(agent, common);
    case 'audiosocket':
      return audioSocket(agent, common);
  }
}

function twilio(agent: Of<'twilio'>, { logger, twilioCalls: calls, ...common }: Common): Link {
  const open = openTwilioAgent(
    { ...agent, ...common, ...accountOf(agent), mayBePrivate: agent.allowPrivate },
    { clock, random, logger, calls },
  );
  return { encoding: 'PCMU', open };
}

function accountOf({ accountSidEnv, authTokenEnv }: Of<'twilio'>): {
  readonly accountSid: string;
  readonly authToken: string | undefined;
} {
  return { accountSid: secretIn(accountSidEnv) ?? ACCOUNT_SID, authToken: secretIn(authTokenEnv) };
}

function openai(agent: Of<'openai'>, { logger, ...common }: Common): Link {
  const encoding = agent.encoding === 'L16' ? 'L16/24000' : agent.encoding;
  const { greeting } = agent;
  const apiKey = secretIn(agent.apiKeyEnv);
  const tools = toolsOf(agent, logger);
  return {
    encoding,
    open: openRealtime({ ...agent, ...common, encoding, greeting, apiKey, tools }, { clock, logger }),
  };
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

function audioSocket({ address, rateHz }: Of<'audiosocket'>, { connectTimeoutMs, logger }: Common): Link {
  const encoding = `L16/${rateHz}` as const;
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
  const agent = { host, port: Number(address.slice(colon + 1)), encoding, connectTimeoutMs };
  return { encoding, open: openAudioSocket(agent, { clock, random, logger }) };
}
