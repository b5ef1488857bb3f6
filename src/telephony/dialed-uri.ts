/** What was dialed. */
import { parseNameAddr, parseUri } from '../sip/message/index.ts';
import type { Caller } from './caller.ts';
import { registerAccount } from './registration-account.ts';
import type { InboundRequest } from './sip-ports.ts';
import { isToContact } from './trunk-registrations.ts';

/**
 * The Request-URI; but where a trunk has put the Contact that we registered there, To still says what was dialed
 * (RFC 3261 §16.5: a registrar's proxy replaces the one and leaves the other).
 */
export function dialedUri(invite: Pick<InboundRequest, 'uri' | 'header'>, caller: Caller, domain: string): string {
  if (caller.kind !== 'trunk' || !isToContact(invite.uri, registerAccount(caller.trunk))) return invite.uri;
  const to = parseUri(parseNameAddr(invite.header('To') ?? '')?.uri ?? '');
  const dialed = to?.scheme === 'tel' ? to.host : to?.user;
  return dialed === undefined || dialed === '' ? invite.uri : `sip:${dialed}@${domain}`;
}
