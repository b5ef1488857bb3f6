/** What a running gateway and its children hold, as the kernel counts it (Linux). */
import { readdirSync, readFileSync } from 'node:fs';

export interface Footprint {
  /** Resident memory, MB. */
  readonly gatewayMb: number;
  /** Of mediasoup's workers. */
  readonly workersMb: number;
  readonly threads: number;
  readonly descriptors: number;
}

export function footprintOf(pid: number): Footprint {
  const all = [pid, ...childrenOf(pid)];
  const sum = (count: (each: number) => number, of = all): number => of.reduce((total, each) => total + count(each), 0);
  return {
    gatewayMb: residentMb(pid),
    workersMb: sum(residentMb, all.slice(1)),
    threads: sum((each) => readdirSync(`/proc/${each}/task`).length),
    descriptors: sum((each) => readdirSync(`/proc/${each}/fd`).length),
  };
}

function childrenOf(pid: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((each) => parentOf(each) === pid);
}

function parentOf(pid: number): number {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    // It has ended meanwhile.
    return 0;
  }
}

function residentMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}
