/** Ids of calls: a UUID of version 7 (RFC 9562 §5.7), so that their order is the order of their beginnings. */
import type { CallId, Random } from '../kernel/index.ts';

/** A new id for a call that begins at `wallMs`, milliseconds since 1970. */
export function createCallId(wallMs: number, random: Random): CallId {
  const time = wallMs.toString(16).padStart(12, '0');
  const chance = random.uuid().slice(19);
  return `${time.slice(0, 8)}-${time.slice(8, 12)}-7${random.hex(2).slice(1)}-${chance}` as CallId;
}
