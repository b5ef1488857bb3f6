import { AgentRun, type AgentWindow, STAGES } from '../lib/agent-run.ts';
import type { BenchOptions, Goal, GoalResult } from '../lib/goal.ts';
import { median, percentile, round } from '../lib/median.ts';

const probesPerRepeat = 5;

/** The bridge to an agent behind a WebSocket, for callers in G.711 of a trunk. */
export const p6: Goal = {
  id: 'P6',
  about: 'agent bridge: RTP to WebSocket and back, the whole gateway, with 1, 50 and as many calls as asked for',
  target:
    'to the agent p99 at most 25 ms, to the caller at most 65 ms, clear to silence at most 40 ms, 200 calls a core',
  calls: 200,
  async measure(options) {
    const run = await AgentRun.start(options);
    try {
      const results: GoalResult[] = [];
      for (const calls of stagesUpTo(options.calls)) {
        options.log(`P6: ${calls} calls`);
        await run.grow(calls);
        results.push(await measureStage(run, calls, options));
      }
      return results;
    } finally {
      await run.stop();
    }
  },
};

export function stagesUpTo(calls: number): readonly number[] {
  return [...STAGES.filter((stage) => stage < calls), calls];
}

async function measureStage(run: AgentRun, calls: number, { seconds, repeats }: BenchOptions): Promise<GoalResult> {
  const windows: AgentWindow[] = [];
  const silences: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    windows.push(await run.window(seconds));
    for (let probe = 0; probe < probesPerRepeat; probe += 1) silences.push((await run.probe()).silence);
  }
  const middle = (pick: (window: AgentWindow) => number): number => median(windows.map(pick));
  const perCall = middle(({ cpuPercent }) => cpuPercent) / calls;
  const viaduct = {
    value: round(perCall * 100),
    inP50Ms: round(middle(({ toAgent }) => toAgent.p50) / 1000),
    inP99Ms: round(middle(({ toAgent }) => toAgent.p99) / 1000),
    outP50Ms: round(middle(({ toCaller }) => toCaller.p50) / 1000),
    outP99Ms: round(middle(({ toCaller }) => toCaller.p99) / 1000),
    clearToSilenceP99Ms: round(percentile(silences, 0.99)),
    callsPerCore: Math.round(100 / perCall),
    lost: windows.reduce((sum, { lost }) => sum + lost, 0),
  };
  return { id: 'P6', unit: 'cpu % per 100 calls', calls, viaduct, peers: {} };
}
