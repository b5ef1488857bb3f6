/** Between samples and the encoding of an agent. */
import { createResampler, decodeG711, encodeG711 } from '../audio/index.ts';
import { type AgentEncoding, agentRateHz } from '../calls/index.ts';

/** The whole of a recording: nothing of it is kept for what comes next. */
export function agentAudioOf(encoding: AgentEncoding, pcm: Int16Array, rateHz: number): Uint8Array {
  const samples = createResampler(rateHz, agentRateHz(encoding))?.process(pcm) ?? pcm;
  if (encoding === 'PCMU' || encoding === 'PCMA') return encodeG711(encoding, samples);
  const bytes = new Uint8Array(2 * samples.length);
  const view = new DataView(bytes.buffer);
  for (const [at, sample] of samples.entries()) view.setInt16(2 * at, sample, true);
  return bytes;
}

export function samplesOf(encoding: AgentEncoding, audio: Uint8Array): Int16Array {
  if (encoding === 'PCMU' || encoding === 'PCMA') return decodeG711(encoding, audio);
  const view = new DataView(audio.buffer, audio.byteOffset, audio.byteLength);
  return Int16Array.from({ length: audio.byteLength >> 1 }, (_, at) => view.getInt16(2 * at, true));
}
