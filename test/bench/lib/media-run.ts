import { sleep } from './command.ts';
import type { LoadGenerator } from './load.ts';
import type { WindowPlan } from './window.ts';

/** One gateway's turn in a media goal. */
export interface MediaRun extends WindowPlan {
  readonly folder: string;
  /** With RTCP and a key a minute on each call, once it has settled. */
  readonly isLively?: boolean;
  readonly log: (line: string) => void;
}

/** Ports of the generator's endpoints, four for each call, above what the kernel gives out by itself. */
export const firstPort = 61_000;

/** Of telephone-event, in all descriptions of the bench. */
const eventType = 101;

/** Starts the load and waits until every call is up and the first storm is over. */
export async function settle(load: LoadGenerator, { calls, isLively = false }: MediaRun): Promise<void> {
  if (isLively) for (let id = 0; id < 2 * calls; id += 1) load.live(id, eventType);
  load.command('go');
  for (let waited = 0; waited < 60 && load.count('dtls') < calls; waited += 1) await sleep(100);
  await sleep(3000);
  if (load.count('dtls') < calls) {
    throw new Error(
      `only ${load.count('dtls')} of ${calls} DTLS handshakes were done (${load.count('dtlserr')} errors)`,
    );
  }
}
