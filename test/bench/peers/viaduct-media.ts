/** Our media plane as a gateway: DTLS-SRTP ⇄ RTP. */
import type { CallAnswer, CallRequest } from '../gateway/media-gateway.ts';
import { sleep } from '../lib/command.ts';
import type { Figures } from '../lib/goal.ts';
import { LoadGenerator } from '../lib/load.ts';
import { firstPort, type MediaRun, settle } from '../lib/media-run.ts';
import { token } from '../lib/sdp.ts';
import { measureWindows } from '../lib/window.ts';
import { startMediaGateway } from './viaduct-process.ts';

/** How often it is asked whether all calls are handed over, 200 ms apart. */
const mostLooks = 100;

/** `isHandedOver`: mediasoup alone carries when it is measured; otherwise the edge does all the time. */
export async function measureViaductMedia(run: MediaRun, isHandedOver: boolean): Promise<Figures> {
  const gateway = await startMediaGateway(run, { BENCH_HAND_OVER: isHandedOver ? 'on' : 'off' });
  const load = await LoadGenerator.start(run.folder, run.log);
  try {
    for (let call = 0; call < run.calls; call += 1) {
      connectEndpoints(load, call, await gateway.ask<CallAnswer>(openEndpoints(load, call)));
    }
    await settle(load, run);
    const carried = async (): Promise<number> => run.calls - (await gateway.ask<number>('carried'));
    for (let look = 0; (await carried()) > (isHandedOver ? 0 : run.calls); look += 1) {
      if (look === mostLooks) throw new Error(`${await carried()} calls are still carried by the edge`);
      await sleep(200);
    }
    const figures = await measureWindows(load, gateway.pids, run);
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
