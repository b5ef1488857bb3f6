import { describe, expect, it } from 'vitest';
import { encodeG711 } from '../../src/audio/index.ts';
import type { AgentEncoding } from '../../src/calls/index.ts';
import { agentFrames } from '../../src/media/edge/agent-frames.ts';

function encode(encoding: AgentEncoding, samples: Int16Array): Uint8Array {
  if (encoding === 'PCMU' || encoding === 'PCMA') return encodeG711(encoding, samples);
  const bytes = Buffer.alloc(2 * samples.length);
  for (const [at, sample] of samples.entries()) bytes.writeInt16LE(sample, 2 * at);
  return bytes;
}

describe.each(['PCMU', 'PCMA', 'L16/8000', 'L16/24000'] as const)('20 ms of %s', (encoding) => {
  const frames = agentFrames(encoding, 20);

  it.each([
    [0, true],
    [100, true],
    [-160, true],
    [200, false],
    [-200, false],
    [32_767, false],
    [-32_768, false],
  ])('with one sample of %i in them: quiet is %s', (sample, isQuiet) => {
    const samples = new Int16Array(frames.samples);
    samples[frames.samples - 1] = sample;
    expect(frames.isQuiet(encode(encoding, samples))).toBe(isQuiet);
  });

  it('of silence are quiet', () => {
    expect(frames.isQuiet(new Uint8Array(frames.bytes).fill(frames.silence))).toBe(true);
  });
});
