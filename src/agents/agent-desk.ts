/** All agents of the configuration by name, and the calls they have. */
import type {
  AgentAudio,
  AgentCall,
  AgentCallEvents,
  AgentCallVerbs,
  AgentDesk,
  AgentFacts,
  AgentRun,
} from '../calls/index.ts';
import type { Clock, Logger } from '../kernel/index.ts';
import { type AgentManners, AgentSession } from './agent-session.ts';
import type { OpenLink } from './link.ts';

export interface Agent extends AgentFacts {
  readonly open: OpenLink;
  readonly manners: AgentManners;
}

export interface AgentsOptions {
  readonly agents: readonly Agent[];
  readonly audio: AgentAudio;
  readonly clock: Clock;
  readonly logger: Logger;
}

export function createAgentDesk({ agents, audio, clock, logger }: AgentsOptions): AgentDesk {
  const byName = new Map(agents.map((agent) => [agent.name, agent]));
  return {
    find: (name) => byName.get(name),
    start(call: AgentCall, events: AgentCallEvents, verbs: AgentCallVerbs): AgentRun {
      const agent = byName.get(call.agent);
      if (agent === undefined) throw new Error(`no agent ${call.agent}`);
      const { callId, legId } = call;
      const { encoding, open, manners } = agent;
      return new AgentSession({
        call,
        encoding,
        open,
        manners,
        audio,
        events,
        verbs,
        clock,
        logger: logger.child({ callId, legId, agent: call.agent }),
      });
    },
  };
}
