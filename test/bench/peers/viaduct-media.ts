/** Our media plane as a gateway: DTLS-SRTP ⇄ RTP. */
import path from 'node:path';
import readline from 'node:readline';
import type { CallAnswer, CallRequest } from '../gateway/media-gateway.ts';
import { sleep, start, withPriority } from '../lib/command.ts';
import type { Figures } from '../lib/goal.ts';
import { LoadGenerator } from '../lib/load.ts';
import { firstPort, type MediaRun, settle } from '../lib/media-run.ts';
import { token } from '../lib/sdp.ts';
import { measureWindows } from '../lib/window.ts';

const program = path.join(import.meta.dirname, '..', 'gateway', 'media-gateway.ts');

/** How often it is asked whether all calls are handed over, 200 ms apart. */
const mostLooks = 100;

/** `isHandedOver`: mediasoup alone carries when it is measured; otherwise the edge does all the time. */
export async function measureViaductMedia(run: MediaRun, isHandedOver: boolean): Promise<Figures> {
  const command = [process.execPath, '--disable-warning=ExperimentalWarning', program];
  const gateway = start(withPriority(5, command), path.join(run.folder, 'viaduct.log'), {
    pipe: true,
    env: { BENCH_HAND_OVER: isHandedOver ? 'on' : 'off' },
  });
  const load = await LoadGenerator.start(run.folder, run.log);
  try {
    const { stdout, stdin } = gateway.child;
    if (stdout === null || stdin === null) throw new Error('the media gateway has no pipes');
    const lines = readline.createInterface({ input: stdout })[Symbol.asyncIterator]();
    const next = async <T>(): Promise<T> => {
      const line = await lines.next();
      if (line.done === true) throw new Error(`the media gateway ended; see ${run.folder}/viaduct.log`);
      return JSON.parse(line.value) as T;
    };
    const { pids } = await next<{ pids: number[] }>();
    for (let call = 0; call < run.calls; call += 1) {
      stdin.write(`${JSON.stringify(openEndpoints(load, call))}\n`);
      connectEndpoints(load, call, await next<CallAnswer>());
    }
    await settle(load, run);
    const carried = async (): Promise<number> => {
      stdin.write('"carried"\n');
      return run.calls - (await next<number>());
    };
    for (let look = 0; (await carried()) > (isHandedOver ? 0 : run.calls); look += 1) {
      if (look === mostLooks) throw new Error(`${await carried()} calls are still carried by the edge`);
      await sleep(200);
    }
    const figures = await measureWindows(load, pids, run);
    return { ...figures, handedOver: run.calls - (await carried()) };
  } finally {
    await load.stop();
    await gateway.stop();
  }
}

function openEndpoints(load: LoadGenerator, call: number): CallRequest {
  const webPort = firstPort + 4 * call;
  load.openWeb(2 * call, { port: webPort, usernameFragment: `u${token(7)}`, password: token(24) }, 'client');
  load.openPlain(2 * call + 1, webPort + 2);
  return { call, ssrc: 0x10000000 + 2 * call, fingerprint: load.fingerprint, sipPort: webPort + 2 };
}

function connectEndpoints(load: LoadGenerator, call: number, answer: CallAnswer): void {
  load.peerWeb(2 * call, answer, 'client');
  load.peerPlain(2 * call + 1, '127.0.0.1', answer.sipPort);
  load.stamp(2 * call, 'A', 0);
  load.stamp(2 * call + 1, 'B', 0);
}
