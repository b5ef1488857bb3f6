/** Which codecs the peers of a profile have, and what may be done to join them with others: part of the profile schema. */
import { z } from 'zod';

export const codecSchemas = {
  codecs: z
    .array(z.enum(['opus', 'G722', 'PCMU', 'PCMA', 'L16']))
    .min(1)
    .default(['opus', 'G722', 'PCMU', 'PCMA'])
    .describe('audio codecs that may be used'),
  video: z
    .array(z.enum(['H264', 'VP8']))
    .default([])
    .describe('video codecs that may pass through beside the audio; none: calls are of audio alone'),
  codecOrder: z
    .enum(['peer', 'profile'])
    .default('peer')
    .describe('whose order of preference counts among codecs that cost the same: that of the SDP, or that of `codecs`'),
  transcoding: z
    .boolean()
    .default(true)
    .describe('join parties without a common codec by transcoding; false: such calls end with 488'),
  ptimeMs: z
    .int()
    .min(10)
    .max(60)
    .multipleOf(10)
    .optional()
    .describe('packet time asked for and sent; default: what the parties ask for'),
  opus: z
    .strictObject({
      maxAverageBitrate: z
        .int()
        .min(6000)
        .max(510_000)
        .optional()
        .describe('the most that peers are asked to send, bit/s; default: what the other party can take'),
      dtx: z.boolean().default(false).describe('ask peers whose Opus is transcoded to send nothing in silence'),
      preferAboveLossPercent: z
        .number()
        .min(0.1)
        .max(100)
        .optional()
        .describe(
          'offer Opus to a browser that loses more of its packets, even if it must be transcoded; default: never',
        ),
    })
    .prefault({}),
};
