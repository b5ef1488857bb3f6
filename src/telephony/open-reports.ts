/** How the media of a call's Legs does by now, of those whose ports have not reported at their end yet. */
import type { Call, PortReport } from '../calls/index.ts';
import type { LegId } from '../kernel/index.ts';
import type { CallMediaWork } from './call-media.ts';

export async function openReports(
  { inbound, branches }: Call,
  media: CallMediaWork | undefined,
  closed: ReadonlyMap<LegId, PortReport>,
): Promise<ReadonlyMap<LegId, PortReport>> {
  const legIds = [inbound.legId, ...branches.map(({ legId }) => legId)];
  const open = await Promise.all(
    legIds.filter((legId) => !closed.has(legId)).map(async (legId) => [legId, await media?.quality(legId)] as const),
  );
  return new Map(open.filter((each): each is readonly [LegId, PortReport] => each[1] !== undefined));
}
