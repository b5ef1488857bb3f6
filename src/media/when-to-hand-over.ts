/** When ports are to be handed over: never where the system does not share UDP ports as it must. */
import type { Clock, Logger } from '../kernel/index.ts';
import { type EdgeOptions, sharesPorts } from './edge/index.ts';

export interface HandOverWish {
  /** Undefined: never. */
  readonly handOverAfterMs?: number;
  readonly edge: Pick<EdgeOptions, 'listen'>;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** How long a stream must be the same before, ms; undefined: never hand over. */
export async function whenToHandOver({
  handOverAfterMs,
  edge,
  logger,
  clock,
}: HandOverWish): Promise<number | undefined> {
  if (handOverAfterMs === undefined) return undefined;
  for (const { address } of edge.listen) {
    if (await sharesPorts(address, clock)) continue;
    logger.warn({ address }, 'this system does not share UDP ports as it should: the media edge carries every packet');
    return undefined;
  }
  return handOverAfterMs;
}
