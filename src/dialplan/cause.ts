/** The words by which a rule says when its next stage, or its fallback, may be tried. */

export const CAUSE_WORDS = ['busy', 'declined', 'no-answer', 'unavailable', 'failed'] as const;

/** One of the words, or a SIP status from 300 to 699. */
export type FallbackCause = (typeof CAUSE_WORDS)[number] | number;

/**
 * Without a word of the rule. What a person has said (busy, declined) ends the hunt: their phone rang, and nobody may
 * ring them again for the same call.
 */
export const DEFAULT_FALLBACK: readonly FallbackCause[] = ['no-answer', 'unavailable', 'failed'];

const WORDS: ReadonlyMap<number, FallbackCause> = new Map<number, FallbackCause>([
  [404, 'unavailable'],
  [408, 'no-answer'],
  [410, 'unavailable'],
  // RFC 5626 §11.6: the connection to the phone is gone.
  [430, 'unavailable'],
  [480, 'unavailable'],
  [486, 'busy'],
  [487, 'no-answer'],
  [600, 'busy'],
  // RFC 3261 §21.6.3: no such user anywhere, which is no word of a person.
  [604, 'unavailable'],
]);

/** The word for a final status. Whatever else begins with 6 was said by or for a person (RFC 8197, RFC 8688). */
export function causeOf(sipStatus: number): FallbackCause {
  return WORDS.get(sipStatus) ?? (sipStatus >= 600 ? 'declined' : 'failed');
}

/** Whether each of these final statuses allows to go on. */
export function allowsNext(on: readonly FallbackCause[], sipStatuses: readonly number[]): boolean {
  return sipStatuses.every((status) => on.includes(status) || on.includes(causeOf(status)));
}
