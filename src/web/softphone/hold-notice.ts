/** The gateway's word that the other party holds us: no offer says it, since its Legs are isolated. */
import type { Info } from 'sip.js';

const HOLD_PACKAGE = 'viaduct-hold';

/** For the INVITE and its 200 (RFC 6086 §5.2): without it the gateway says nothing. */
export const WANTS_HOLD_NOTICES = `Recv-Info: ${HOLD_PACKAGE}`;

/** Answers an INFO; whether it says that we are held, undefined when it says something else. */
export function readHoldNotice(info: Info): boolean | undefined {
  if (info.request.getHeader('Info-Package')?.trim() !== HOLD_PACKAGE) {
    info.reject({ statusCode: 469, extraHeaders: [WANTS_HOLD_NOTICES] }).catch(() => {});
    return undefined;
  }
  const [, isHeld] = /"isHeld":(true|false)/.exec(info.request.body) ?? [];
  if (isHeld === undefined) info.reject({ statusCode: 400 }).catch(() => {});
  else info.accept().catch(() => {});
  return isHeld === undefined ? undefined : isHeld === 'true';
}
