/** Calls between Opus and PCMU, both as plain RTP: the same load and the same windows for every gateway. */
import { sleep } from './command.ts';
import { cpuSeconds } from './cpu.ts';
import type { Figures } from './goal.ts';
import { type GroupStats, LoadGenerator } from './load.ts';
import { firstPort, type MediaRun } from './media-run.ts';
import { median, round } from './median.ts';
import { opusType } from './sdp.ts';

export interface TranscodingRun extends MediaRun {
  readonly speech: string;
  /** What a tone burst takes through Opus and back with no gateway between, ms. */
  readonly referenceMs: number;
}

/** So many of the calls carry tone bursts instead of speech. */
const probes = 10;
/** Compilers have compiled and jitter buffers have settled, ms. */
const settleMs = 5000;

const opusEnd = (call: number): number => 2 * call;
const pcmuEnd = (call: number): number => 2 * call + 1;
export const opusPort = (call: number): number => firstPort + 4 * call;
export const pcmuPort = (call: number): number => firstPort + 4 * call + 2;

/** Binds the generator's ports of every call. */
export async function openTranscoded(run: TranscodingRun): Promise<LoadGenerator> {
  const load = await LoadGenerator.start(run.folder, run.log, { speech: run.speech });
  for (let call = 0; call < run.calls; call += 1) {
    load.openPlain(opusEnd(call), opusPort(call));
    load.openPlain(pcmuEnd(call), pcmuPort(call));
  }
  return load;
}

/** Where the gateway takes what the ends of this call send. */
export function connectTranscoded(load: LoadGenerator, call: number, gateway: { opus: number; pcmu: number }): void {
  const [a, b] = [opusEnd(call), pcmuEnd(call)];
  load.peerPlain(a, '127.0.0.1', gateway.opus);
  load.peerPlain(b, '127.0.0.1', gateway.pcmu);
  if (call >= probes) {
    load.speak(a, 'A', opusType, 'opus');
    load.speak(b, 'B', 0, 'pcmu');
    return;
  }
  const [opus, pcmu] = [
    { payloadType: opusType, sound: 'probe-opus' } as const,
    { payloadType: 0, sound: 'probe-pcmu' } as const,
  ];
  load.probe(a, 'opus', opus, { sound: 'probe-opus', of: b });
  load.probe(b, 'pcmu', pcmu, { sound: 'probe-pcmu', of: a });
}

/** Onset to onset of tone bursts that go from one end of the generator to the other as Opus, median, ms. */
export async function measureReference({
  folder,
  log,
  speech,
  seconds,
}: Omit<TranscodingRun, 'referenceMs'>): Promise<number> {
  const load = await LoadGenerator.start(folder, log, { speech });
  try {
    const said = { payloadType: opusType, sound: 'probe-opus' } as const;
    for (const id of [0, 1]) load.openPlain(id, firstPort + 2 * id);
    for (const id of [0, 1]) {
      load.peerPlain(id, '127.0.0.1', firstPort + 2 * (1 - id));
      load.probe(id, 'opus', said, { sound: 'probe-opus', of: 1 - id });
    }
    load.command('go');
    await sleep(1000);
    load.command('reset');
    await sleep(seconds * 1000);
    return heard(await load.stats(), 'opus').p50 / 1000;
  } finally {
    await load.stop();
  }
}

/** `repeats` windows: CPU of the processes, and what the gateway adds to a tone burst, the worse of both directions. */
export async function measureTranscoding(
  load: LoadGenerator,
  pids: readonly number[],
  run: TranscodingRun,
): Promise<Figures> {
  load.command('go');
  await sleep(settleMs);
  const cpu: number[] = [];
  const p50: number[] = [];
  const p99: number[] = [];
  let [lost, silent, sent, received] = [0, 0, 0, 0];
  for (let index = 0; index < run.repeats; index += 1) {
    load.command('reset');
    const started = performance.now();
    const before = cpuSeconds(pids);
    await sleep(run.seconds * 1000);
    const used = cpuSeconds(pids) - before;
    const wall = (performance.now() - started) / 1000;
    const stats = await load.stats();
    cpu.push(((used / wall) * 100 * 100) / run.calls);
    const bursts = [heard(stats, 'opus'), heard(stats, 'pcmu')];
    p50.push(Math.max(...bursts.map((group) => group.p50)) / 1000);
    p99.push(Math.max(...bursts.map((group) => group.p99)) / 1000);
    for (const name of ['A', 'B', 'opus', 'pcmu']) {
      const group = stats[name];
      if (group === undefined) continue;
      lost += group.lost;
      silent += group.silent;
      sent += group.tx;
      received += group.rx;
    }
  }
  return {
    value: round(median(cpu)),
    addedLatencyMs: round(median(p50) - run.referenceMs, 2),
    p50Ms: round(median(p50), 2),
    p99Ms: round(median(p99), 2),
    lost,
    silent,
    // A gateway that leaves packets out in pauses does less: it would show here.
    receivedPercent: round((100 * received) / sent),
    spread: `${round(Math.min(...cpu))}-${round(Math.max(...cpu))}`,
  };
}

function heard(stats: Readonly<Record<string, GroupStats>>, name: string): GroupStats {
  const group = stats[name];
  if (group === undefined || group.n === 0) throw new Error(`no tone burst was heard as ${name}`);
  return group;
}
