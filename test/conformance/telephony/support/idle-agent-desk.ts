/** An agent named robot that does nothing by itself, and what became of each call to it. */
import type { AgentCall, AgentCallEvents, AgentCallVerbs, AgentDesk } from '../../../../src/calls/index.ts';

interface StartedAgent {
  readonly call: AgentCall;
  readonly events: AgentCallEvents;
  readonly verbs: AgentCallVerbs;
  readonly digits: string[];
  isOver: boolean;
}

export class IdleAgentDesk implements AgentDesk {
  readonly started: StartedAgent[] = [];
  find(name: string) {
    if (name !== 'robot') return undefined;
    return {
      name,
      encoding: 'PCMU' as const,
      prebufferMs: 40,
      mayDial: (number: string) => number.startsWith('4930'),
    };
  }
  start(call: AgentCall, events: AgentCallEvents, verbs: AgentCallVerbs) {
    const started: StartedAgent = { call, events, verbs, digits: [], isOver: false };
    this.started.push(started);
    return {
      onDigit: (digit: string) => void started.digits.push(digit),
      end: () => {
        started.isOver = true;
      },
    };
  }
}
