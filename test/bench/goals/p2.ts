import type { Figures, Goal } from '../lib/goal.ts';
import type { MediaRun } from '../lib/media-run.ts';
import { hasProgram } from '../lib/packages.ts';
import { measureJanus } from '../peers/janus.ts';
import { measureRtpengine } from '../peers/rtpengine.ts';
import { measureViaductMedia } from '../peers/viaduct-media.ts';

async function peer(
  program: string,
  run: MediaRun,
  measure: (run: MediaRun) => Promise<Figures>,
): Promise<Figures | 'missing'> {
  if (!(await hasProgram(program, run.log))) return 'missing';
  run.log(`P2: ${program}`);
  return measure(run);
}

/** Passthrough of PCMU between DTLS-SRTP and RTP while the edge carries every packet. */
export const p2: Goal = {
  id: 'P2',
  about: 'passthrough DTLS-SRTP to RTP, the edge carries the packets',
  target: 'CPU at most 1.05 x Janus, p99 at most 500 µs',
  async measure(options) {
    const run: MediaRun = options;
    const rtpengine = await peer('rtpengine', run, measureRtpengine);
    const janus = await peer('janus', run, measureJanus);
    run.log('P2: viaduct');
    const viaduct = await measureViaductMedia(run, false);
    return [{ id: 'P2', unit: 'cpu % per 100 calls', calls: options.calls, viaduct, peers: { rtpengine, janus } }];
  },
};
