/** The highest rate of calls that somebody between two SIPps carries without a retransmission. */
import { sleep } from './command.ts';
import { cpuSeconds } from './cpu.ts';
import type { BenchOptions, Figures } from './goal.ts';
import { median, round } from './median.ts';
import { placeCalls, type RateResult, startCallee } from './sipp.ts';

/** Somebody who takes calls at `127.0.0.1:port` from 127.0.0.2 and places them on at the callee. */
export interface SignalingPeer {
  readonly pids: readonly number[];
  readonly port: number;
  /** What the caller dials. */
  readonly number: string;
  stop(): Promise<void>;
}

export interface SignalingPlan {
  /** For the log. */
  readonly name: string;
  /** A scratch folder of its own. */
  readonly folder: string;
  /** Calls a second, tried from below until one is not clean. */
  readonly rates: readonly number[];
}

/** Where the two SIPps are, on 127.0.0.2. */
export const callerPort = 61_900;
export const calleePort = 61_902;
/** After a run, so that its last BYEs and timers do not weigh on the next one. */
const restMs = 1500;
const warmUpRate = 100;

interface Attempt extends RateResult {
  readonly isClean: boolean;
  readonly cpuMsPerCall: number;
}

export async function highestCleanRate(
  peer: SignalingPeer,
  plan: SignalingPlan,
  options: BenchOptions,
): Promise<Figures> {
  const callee = startCallee(plan.folder, calleePort);
  try {
    await sleep(500);
    // The first calls run on code that is not compiled yet; they are not what a day of calls costs.
    await attempt(warmUpRate, peer, plan, options);
    let best: Figures = { value: 0 };
    for (const rate of plan.rates) {
      const runs: Attempt[] = [];
      for (let index = 0; index < options.repeats; index += 1) runs.push(await attempt(rate, peer, plan, options));
      const clean = runs.filter(({ isClean }) => isClean);
      // A majority of clean runs counts: the two SIPps share the processors with the gateway.
      if (clean.length * 2 <= runs.length) break;
      best = figuresOf(rate, clean, runs.length);
    }
    return best;
  } finally {
    await callee.stop();
  }
}

function figuresOf(rate: number, clean: readonly Attempt[], runs: number): Figures {
  return {
    value: rate,
    cpuMsPerCall: round(median(clean.map((run) => run.cpuMsPerCall)), 2),
    setupP50Ms: median(clean.map((run) => run.setupP50Ms)),
    setupP99Ms: median(clean.map((run) => run.setupP99Ms)),
    cleanRuns: `${clean.length} of ${runs}`,
  };
}

async function attempt(
  rate: number,
  peer: SignalingPeer,
  plan: SignalingPlan,
  { seconds, log }: BenchOptions,
): Promise<Attempt> {
  const target = `127.0.0.1:${peer.port}`;
  const before = cpuSeconds(peer.pids);
  const result = await placeCalls(plan.folder, { rate, seconds, target, number: peer.number, port: callerPort });
  const calls = Math.round(rate * seconds);
  const cpuMsPerCall = ((cpuSeconds(peer.pids) - before) * 1000) / calls;
  log(`P4 ${plan.name}: ${rate}/s: ${JSON.stringify({ ...result, cpuMsPerCall: round(cpuMsPerCall, 2) })}`);
  await sleep(restMs);
  const isClean = result.successful === calls && result.failed === 0 && result.retransmissions === 0;
  return { ...result, isClean, cpuMsPerCall };
}
