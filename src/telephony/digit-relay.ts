/**
 * How a key goes on to the other party. Where both have telephone-events they pass from port to port beside the audio,
 * and tones pass in it, with nothing to do here. All other ways begin with a key that was recognized, and end with one
 * that is made: as RTP events, as tones, or by INFO.
 */
import type { DigitForm, MediaPlane } from '../calls/index.ts';
import type { LegId, Logger } from '../kernel/index.ts';
import type { CallParties } from './call-parties.ts';
import { formatDtmfRelay } from './dtmf-info.ts';
import type { LegMedia } from './leg-media.ts';
import type { DtmfPolicy } from './options.ts';
import type { StandingParts } from './standing-parts.ts';

export interface PressedKey {
  readonly digit: string;
  readonly durationMs: number;
  /** How it came. */
  readonly from: DigitForm | 'info';
}

type Way = DigitForm | 'info' | 'none';

/** How keys are to reach a party with this policy. */
export function digitWay(policy: DtmfPolicy, hasEvents: boolean): Way {
  switch (policy) {
    case 'info':
      return 'info';
    case 'inband':
      return 'tones';
    case 'rfc4733':
      return hasEvents ? 'events' : 'none';
    case 'auto':
      return hasEvents ? 'events' : 'tones';
  }
}

function wayTo({ profile, format }: LegMedia): Way {
  return digitWay(profile.dtmf, (format?.telephoneEvents.length ?? 0) > 0);
}

/** Whether keys are to be listened for in the audio of `leg`: they may come so, and could not go on so. */
export function needsDetector(leg: LegMedia, other: LegMedia): boolean {
  const [mine, theirs] = [wayTo(leg), wayTo(other)];
  return mine === 'tones' && theirs !== 'tones' && theirs !== 'none';
}

export interface RelayPlace {
  readonly live: { readonly parties: CallParties; readonly logger: Logger };
  /** Of who has pressed the key. */
  readonly legId: LegId;
  readonly media: MediaPlane;
}

export function relayKey({ digit, durationMs, from }: PressedKey, { live, legId, media }: RelayPlace): void {
  const otherId = live.parties.counterpartOf(legId);
  const other = otherId === undefined ? undefined : live.parties.standing(otherId);
  if (other === undefined) return;
  const way = wayTo(other.media);
  // Events and tones have gone over with the audio.
  if (way === from && way !== 'info') return;
  pressKey({ digit, durationMs }, other, media).catch((error: unknown) =>
    live.logger.warn({ err: error, legId: otherId }, 'digit not passed on'),
  );
}

/** Presses a key for a party to hear, in the way it takes them. False: it takes none. */
export async function pressKey(
  { digit, durationMs }: Omit<PressedKey, 'from'>,
  party: StandingParts,
  media: MediaPlane,
): Promise<boolean> {
  const way = wayTo(party.media);
  if (way === 'none') return false;
  if (way === 'info') {
    const body = formatDtmfRelay(digit, durationMs);
    await party.dialog()?.request('INFO', body, { 'Content-Type': 'application/dtmf-relay' });
  } else await media.sendDigit(party.leg.portId, { digit, durationMs, form: way });
  return true;
}
