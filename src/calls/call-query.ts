/** Which call records are wanted. */
import type { CallRecord, LegRecord } from './call-record.ts';

export interface CallQuery {
  readonly limit: number;
  /** The id of a call: only those that began before it. For the next page it is the last id of this one. */
  readonly before?: string;
  /** Milliseconds since 1970: only calls that began then or later. */
  readonly since?: number;
  /** Looked for anywhere in the caller's or the called URI, in any case. */
  readonly from?: string;
  readonly to?: string;
  /** The trunk the call came from. */
  readonly trunk?: string;
  /** The Call-ID of one of its dialogs. */
  readonly sipCallId?: string;
  /** True: running calls, false: ended ones. */
  readonly isActive?: boolean;
}

/** Whether the record has what the query names; `limit`, `before` and `since` are the order's business. */
export function matchesQuery(record: CallRecord, query: CallQuery): boolean {
  return (
    contains(record.from, query.from) &&
    contains(record.to, query.to) &&
    (query.trunk === undefined || record.trunk === query.trunk) &&
    (query.sipCallId === undefined || record.legs.some((leg) => sipCallIdsOf(leg).includes(query.sipCallId ?? ''))) &&
    (query.isActive === undefined || (record.endedAt === undefined) === query.isActive)
  );
}

function contains(text: string, part: string | undefined): boolean {
  return part === undefined || text.toLowerCase().includes(part.toLowerCase());
}

/** Every dialog that was begun for a Leg. */
export function sipCallIdsOf({ sipCallId, tries }: LegRecord): readonly string[] {
  return [...new Set([sipCallId, ...tries.map((each) => each.sipCallId)])].filter((id) => id !== undefined);
}
