import type { Goal } from '../lib/goal.ts';
import { hasProgram } from '../lib/packages.ts';
import { speechFile } from '../lib/speech.ts';
import { measureReference, type TranscodingRun } from '../lib/transcoding-run.ts';
import { measureAsteriskTranscoding } from '../peers/asterisk-transcoding.ts';
import { measureRtpengineTranscoding } from '../peers/rtpengine-transcoding.ts';
import { measureViaductTranscoding } from '../peers/viaduct-transcoding.ts';

/** Transcoding of speech between Opus at 48 kHz and PCMU, plain RTP on both sides. */
export const p3: Goal = {
  id: 'P3',
  about: 'transcoding Opus to PCMU and back, plain RTP',
  target: 'CPU at most 0.6 x Asterisk and rtpengine and 140 %, adds at most 5 ms',
  calls: 30,
  async measure(options) {
    const { calls, log } = options;
    const speech = await speechFile(options.folder, log);
    const referenceMs = await measureReference({ ...options, speech });
    log(`P3: Opus alone takes ${referenceMs.toFixed(2)} ms`);
    const run: TranscodingRun = { ...options, speech, referenceMs };
    log('P3: rtpengine');
    const rtpengine = (await hasProgram('rtpengine', log)) ? await measureRtpengineTranscoding(run) : 'missing';
    log('P3: asterisk');
    const asterisk = await measureAsteriskTranscoding(run);
    log('P3: viaduct');
    const viaduct = await measureViaductTranscoding(run);
    return [{ id: 'P3', unit: 'cpu % per 100 calls', calls, viaduct, peers: { rtpengine, asterisk } }];
  },
};
