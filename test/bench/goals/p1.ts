import type { Figures, Goal } from '../lib/goal.ts';
import type { MediaRun } from '../lib/media-run.ts';
import { hasProgram } from '../lib/packages.ts';
import { measureAsteriskMedia } from '../peers/asterisk-media.ts';
import { measureJanus } from '../peers/janus.ts';
import { measureRtpengine } from '../peers/rtpengine.ts';
import { measureViaductMedia } from '../peers/viaduct-media.ts';

async function peer(
  name: string,
  run: MediaRun,
  measure: (run: MediaRun) => Promise<Figures | 'missing'>,
): Promise<Figures | 'missing'> {
  if (name !== 'asterisk' && !(await hasProgram(name, run.log))) return 'missing';
  run.log(`P1: ${name}`);
  return measure(run);
}

/** Passthrough of PCMU between DTLS-SRTP and RTP in the steady state, with RTCP and a key a minute on each call. */
export const p1: Goal = {
  id: 'P1',
  about: 'passthrough DTLS-SRTP to RTP in the steady state: the edge has handed over',
  target: 'CPU at most 1.3 x rtpengine, 0.65 x Janus and 0.55 x Asterisk, p99 at most 200 µs',
  async measure(options) {
    const run: MediaRun = { ...options, isLively: true };
    const rtpengine = await peer('rtpengine', run, measureRtpengine);
    const janus = await peer('janus', run, measureJanus);
    const asterisk = await peer('asterisk', run, measureAsteriskMedia);
    run.log('P1: viaduct');
    const viaduct = await measureViaductMedia(run, true);
    const peers = { rtpengine, janus, asterisk };
    return [{ id: 'P1', unit: 'cpu % per 100 calls', calls: options.calls, viaduct, peers }];
  },
};
