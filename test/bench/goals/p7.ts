import type { ProbeTimes } from '../lib/agent-probe.ts';
import { AgentRun } from '../lib/agent-run.ts';
import type { Goal, GoalResult } from '../lib/goal.ts';
import { median, percentile, round } from '../lib/median.ts';
import { stagesUpTo } from './p6.ts';

const probesPerRepeat = 10;

/** What a caller hears after the answer of an agent that thinks for 300 ms before it greets. */
export const p7: Goal = {
  id: 'P7',
  about: 'first agent audio after the answer, beside 1, 50 and as many calls as asked for',
  target: 'p99 at most 100 ms after the 200',
  calls: 200,
  async measure(options) {
    const run = await AgentRun.start(options);
    try {
      const results: GoalResult[] = [];
      for (const calls of stagesUpTo(options.calls)) {
        options.log(`P7: beside ${calls} calls`);
        await run.grow(calls);
        const times: ProbeTimes[] = [];
        for (let probe = 0; probe < options.repeats * probesPerRepeat; probe += 1) times.push(await run.probe());
        const greetings = times.map(({ greeting }) => greeting);
        const answers = times.map(({ answer }) => answer);
        const viaduct = {
          value: round(percentile(greetings, 0.99)),
          p50Ms: round(median(greetings)),
          inviteTo200P50Ms: round(median(answers)),
          inviteTo200P99Ms: round(percentile(answers, 0.99)),
          samples: times.length,
        };
        results.push({ id: 'P7', unit: 'ms from 200 to first audio, p99', calls, viaduct, peers: {} });
      }
      return results;
    } finally {
      await run.stop();
    }
  },
};
