import { sleep } from './command.ts';
import type { LoadGenerator } from './load.ts';
import type { WindowPlan } from './window.ts';

/** One gateway's turn in a media goal. */
export interface MediaRun extends WindowPlan {
  readonly folder: string;
  readonly log: (line: string) => void;
}

/** Ports of the generator's endpoints, four for each call, above what the kernel gives out by itself. */
export const firstPort = 61_000;

/** Starts the load and waits until every call is up and the first storm is over. */
export async function settle(load: LoadGenerator, calls: number): Promise<void> {
  load.command('go');
  for (let waited = 0; waited < 60 && load.count('dtls') < calls; waited += 1) await sleep(100);
  await sleep(3000);
  if (load.count('dtls') < calls) {
    throw new Error(
      `only ${load.count('dtls')} of ${calls} DTLS handshakes were done (${load.count('dtlserr')} errors)`,
    );
  }
}
