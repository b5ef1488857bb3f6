/** One log line for each CallEvent, with the ids that find its neighbours. */
import type { CallEvent } from '../calls/index.ts';
import type { Logger } from '../kernel/index.ts';

const MESSAGES: Readonly<Record<CallEvent['kind'], string>> = {
  'call-started': 'call started',
  'leg-invited': 'leg invited',
  'leg-ringing': 'leg ringing',
  'leg-answered': 'leg answered',
  'leg-failed': 'leg failed',
  'call-answered': 'call answered',
  'codecs-changed': 'codecs changed',
  'media-up': 'media up',
  'media-away': 'media away',
  'media-missing': 'no media from a party',
  'sound-over': 'recording played',
  consultation: 'consultation',
  digit: 'digit relayed',
  'agent-utterance': 'agent heard',
  'agent-turn': 'agent answered',
  'keyframe-requested': 'keyframe asked for',
  'hook-asked': 'route hook asked',
  'call-ended': 'call ended',
  registered: 'registered',
  unregistered: 'unregistered',
  'auth-failed': 'authentication failed',
  'toll-refused': 'call to a trunk refused by the toll-fraud breaker',
  'toll-tripped': 'toll-fraud breaker ended the calls of a tenant',
  'trunk-registration': 'registration with a trunk changed',
  'challenge-refused': 'challenge of a trunk not answered',
  banned: 'banned for wrong credentials',
};

const WARNINGS: ReadonlySet<CallEvent['kind']> = new Set([
  'auth-failed',
  'toll-refused',
  'banned',
  'challenge-refused',
  'media-missing',
]);

/** What comes again and again while a call talks. */
const DETAILS: ReadonlySet<CallEvent['kind']> = new Set(['agent-utterance', 'agent-turn']);

const isTrouble = (state: string): boolean => state === 'failed' || state === 'refused';

/** Writes `event` to the log: refreshes of a registration and what agents say at debug, failed authentication at warn, all else at info. */
export function logCallEvent(logger: Logger, event: CallEvent): void {
  const message = MESSAGES[event.kind];
  if (event.kind === 'call-ended') {
    const { record, kind: _, ...fields } = event;
    const talkMs =
      record.answeredAt === undefined || record.endedAt === undefined ? 0 : record.endedAt - record.answeredAt;
    logger.info({ ...fields, talkMs }, message);
    return;
  }
  const { kind, ...fields } = event;
  if (kind === 'toll-tripped') logger.error(fields, message);
  else if (WARNINGS.has(kind) || (event.kind === 'trunk-registration' && isTrouble(event.state)))
    logger.warn(fields, message);
  else if (DETAILS.has(kind) || (event.kind === 'registered' && !event.isNew)) logger.debug(fields, message);
  else logger.info(fields, message);
}
