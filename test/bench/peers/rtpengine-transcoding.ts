/** rtpengine between Opus and PCMU, driven over its control port. */
import type { Figures } from '../lib/goal.ts';
import type { NgClient } from '../lib/ng.ts';
import { opusSdp, parseSdp, plainSdp, token } from '../lib/sdp.ts';
import {
  connectTranscoded,
  measureTranscoding,
  openTranscoded,
  opusPort,
  pcmuPort,
  type TranscodingRun,
} from '../lib/transcoding-run.ts';
import { startRtpengine } from './rtpengine.ts';

export async function measureRtpengineTranscoding(run: TranscodingRun): Promise<Figures> {
  const gateway = await startRtpengine(run.folder);
  const load = await openTranscoded(run);
  try {
    for (let call = 0; call < run.calls; call += 1) connectTranscoded(load, call, await setUp(gateway.client, call));
    return await measureTranscoding(load, [gateway.pid], run);
  } finally {
    await load.stop();
    await gateway.stop();
  }
}

/** Its ports towards both ends. */
async function setUp(client: NgClient, call: number): Promise<{ opus: number; pcmu: number }> {
  const id = token(16);
  const base = { 'call-id': id, 'from-tag': `f${id}`, replace: ['origin'] };
  const offer = await client.request({
    command: 'offer',
    ...base,
    ICE: 'remove',
    'transport-protocol': 'RTP/AVP',
    // Masked, not stripped: without any codec left of the offer it would offer Opus again.
    codec: { mask: ['opus'], transcode: ['PCMU'] },
    sdp: opusSdp('127.0.0.1', opusPort(call)),
  });
  const answer = await client.request({
    command: 'answer',
    ...base,
    'to-tag': `t${id}`,
    sdp: plainSdp('127.0.0.1', pcmuPort(call)),
  });
  return { opus: parseSdp(answer).port, pcmu: parseSdp(offer).port };
}
