/** A user who wanted to be called and then connected: hears it ring until the wanted one has answered. */
import type { AgentCallEvents, AgentCallVerbs, AgentRun } from '../calls/index.ts';

/** Runs in the place of the party that has called the user. */
export function connectTo(target: string, events: AgentCallEvents, verbs: AgentCallVerbs): AgentRun {
  let isOver = false;
  const connect = async (): Promise<void> => {
    await verbs.play({ kind: 'ringback' });
    const result = await verbs.transfer(target);
    if (!result.isDone && !isOver) events.onFailed(result.sipStatus ?? 480);
  };
  void connect();
  return {
    onDigit: () => {},
    end: () => {
      isOver = true;
    },
  };
}
