/** The o= line of our descriptions: RFC 8866 §5.2, RFC 3264 §5 and §8. */
import type { Random } from '../kernel/index.ts';
import type { SdpOrigin } from './model.ts';

/** A new origin. The id keeps to 32 bits, because some phones read it into an int. */
export function createOrigin(random: Random): SdpOrigin {
  return { sessionId: String(random.uint32()), version: 1 };
}

/**
 * The origin to send the next description with: one version up when its text differs from the previous one, else
 * the same. Both texts may have been formatted with `origin` itself; the o= lines are not compared.
 */
export function bumpOrigin(origin: SdpOrigin, previousText: string, nextText: string): SdpOrigin {
  const isSame = withoutOrigin(previousText) === withoutOrigin(nextText);
  return isSame ? origin : { ...origin, version: origin.version + 1 };
}

function withoutOrigin(text: string): string {
  return text.replace(/^o=.*$/mu, '');
}
