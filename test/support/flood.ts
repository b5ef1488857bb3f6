/** T35: a flood of REGISTER, SUBSCRIBE, INVITE and OPTIONS from addresses of loopback that belong to nobody. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export interface FloodOrder {
  readonly target: string;
  readonly port: number;
  readonly sources: readonly string[];
  /** Messages a second, all sources together. */
  readonly perSec: number;
  readonly seconds: number;
}

export interface FloodReport {
  readonly sent: number;
  readonly seconds: number;
}

/** Resolves when it is over. */
export async function flood(order: FloodOrder): Promise<FloodReport> {
  const worker = new Worker(new URL('./flood-thread.ts', import.meta.url), { workerData: order });
  const [report] = (await once(worker, 'message')) as [FloodReport];
  return report;
}
