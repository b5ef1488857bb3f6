/** Our media plane between Opus and PCMU. */
import type { TranscodedAnswer } from '../gateway/media-gateway.ts';
import type { Figures } from '../lib/goal.ts';
import {
  connectTranscoded,
  measureTranscoding,
  openTranscoded,
  opusPort,
  pcmuPort,
  type TranscodingRun,
} from '../lib/transcoding-run.ts';
import { startMediaGateway } from './viaduct-process.ts';

export async function measureViaductTranscoding(run: TranscodingRun): Promise<Figures> {
  const gateway = await startMediaGateway(run, {});
  const load = await openTranscoded(run);
  try {
    for (let call = 0; call < run.calls; call += 1) {
      const request = { call, opusPort: opusPort(call), pcmuPort: pcmuPort(call) };
      const answer = await gateway.ask<TranscodedAnswer>(request);
      connectTranscoded(load, call, { opus: answer.opusPort, pcmu: answer.pcmuPort });
    }
    return await measureTranscoding(load, gateway.pids, run);
  } finally {
    await load.stop();
    await gateway.stop();
  }
}
