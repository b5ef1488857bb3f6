/** How agents are to behave, from the configuration. */
import { type AgentManners, agentAudioOf, PROMPTS, type Speech } from '../agents/index.ts';
import type { AgentEncoding } from '../calls/index.ts';
import type { Config } from '../config/index.ts';

/** Those by SIP are trunks (sip-agents.ts). */
export type AgentConfig = Exclude<Config['agents'][number], { protocol: 'sip' }>;
type RemoteAgent = Exclude<AgentConfig, { protocol: 'reception' | 'parrot' }>;

export function mannersOf(agent: RemoteAgent): Omit<AgentManners, 'fallback' | 'farewell'> {
  const { warmUpSec, connectTimeoutSec, retry, comfort } = agent;
  return {
    warmUpMs: warmUpSec * 1000,
    patienceMs: connectTimeoutSec * 1000,
    retry: { attempts: retry.attempts, waitMs: retry.waitSec * 1000 },
    isComforting: comfort.whenLost,
    lateMs: comfort.lateSec * 1000,
    bargeIn: bargeInOf(agent),
  };
}

export function bargeInOf({ bargeIn: { by, duckDb, confirmMs } }: AgentConfig): AgentManners['bargeIn'] {
  return { isLocal: by === 'gateway', duckDb, confirmMs };
}

/** Its words are rendered when the gateway starts: when they are needed nobody waits for them. */
export function fallbackOf(
  { fallback }: AgentConfig,
  encoding: AgentEncoding,
  speech: Speech,
): Pick<AgentManners, 'fallback' | 'farewell'> {
  const say = async (text: string): Promise<Uint8Array> =>
    agentAudioOf(encoding, await speech.say(text, 'agent-gone'), 8000);
  const farewell = (): Promise<Uint8Array> => say(PROMPTS['agent-gone']);
  if (fallback === undefined) return { fallback, farewell };
  const { say: text, to } = fallback;
  if (text !== undefined) speech.prepare(text, 'agent-gone');
  return { farewell, fallback: { words: text === undefined ? undefined : () => say(text), to, lastWords: farewell } };
}
