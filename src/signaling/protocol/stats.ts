/** What a client tells of its own media, each few seconds. All of it is hearsay: counted, never trusted. */
import * as z from 'zod/mini';

const amount = z.number().check(z.minimum(0), z.maximum(1e12));
const stream = z.object({
  kind: z.enum(['audio', 'video']),
  bitsPerSec: amount,
  packetsLost: z.exactOptional(amount),
  jitterMs: z.exactOptional(amount),
  framesPerSec: z.exactOptional(amount),
  frameHeight: z.exactOptional(amount),
  /** For each frame. */
  decodeMs: z.exactOptional(amount),
  freezes: z.exactOptional(amount),
});

export const statsReport = z.object({
  rttMs: z.exactOptional(amount),
  availableBitsPerSec: z.exactOptional(amount),
  /** Of the local candidate in use. */
  candidateType: z.exactOptional(z.enum(['host', 'srflx', 'prflx', 'relay'])),
  protocol: z.exactOptional(z.enum(['udp', 'tcp'])),
  sent: z.array(stream).check(z.maxLength(32)),
  received: z.array(stream).check(z.maxLength(64)),
  /** Of the first joining, ms each. */
  setup: z.exactOptional(z.object({ signalingMs: amount, joinMs: amount, firstMediaMs: z.exactOptional(amount) })),
});
export type StatsReport = z.infer<typeof statsReport>;
