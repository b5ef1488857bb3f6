/** The agents that need nobody outside. */
import {
  type Agent,
  type AgentManners,
  type MenuChoice,
  openParrot,
  openReception,
  PROMPTS,
  type Speech,
} from '../agents/index.ts';
import { agentSchema, type Config } from '../config/index.ts';
import type { Logger } from '../kernel/index.ts';
import { bargeInOf, fallbackOf } from './agent-manners.ts';
import { clock } from './parts.ts';

export type BuiltInAgent = Extract<Config['agents'][number], { protocol: 'reception' | 'parrot' }>;

/** There without being configured, unless an agent has the name. */
export const BUILT_IN = (['reception', 'parrot'] as const).map((protocol) =>
  agentSchema.parse({ name: protocol, protocol }),
);

/** It speaks as soon as it is asked, and what it says is whole: nothing has to be gathered. */
export function builtIn(agent: BuiltInAgent, speech: Speech, logger: Logger): Agent {
  const manners: AgentManners = {
    warmUpMs: 2000,
    patienceMs: 0,
    retry: { attempts: 0, waitMs: 0 },
    isComforting: false,
    lateMs: 0,
    bargeIn: bargeInOf(agent),
    ...fallbackOf(agent, 'PCMU', speech),
  };
  // It calls nobody but whom the operator has written down.
  const common = { name: agent.name, prebufferMs: 0, encoding: 'PCMU', manners, mayDial: () => true } as const;
  if (agent.protocol === 'parrot') return { ...common, open: openParrot(speech) };
  const { greeting = PROMPTS.greeting, waitSec } = agent;
  const choices = new Map(Object.entries(agent.menu).map(([key, to]) => [key, choiceOf(to)]));
  const menu = { choices, patience: 2, waitMs: waitSec * 1000, afterSpeechMs: 1500 };
  return { ...common, open: openReception({ greeting, menu }, { speech, clock, logger }) };
}

function choiceOf(to: string): MenuChoice {
  return to === 'repeat' ? { kind: 'repeat' } : { kind: 'transfer', to };
}
