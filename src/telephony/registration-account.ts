/** As whom we register with a trunk, and under which Contact. */
import { formatUri, parseUri } from '../sip/message/index.ts';
import { telephonyErrors } from './errors.ts';
import type { Trunk } from './options.ts';
import type { RegistrationPolicy } from './registration-step.ts';

export interface RegisterAccount {
  readonly aor: string;
  /** The Request-URI: the domain of the AOR (RFC 3261 §10.2). */
  readonly registrar: string;
  /** Of our Contact: calls to it are calls of that trunk. */
  readonly contactUser: string;
  readonly policy: RegistrationPolicy;
}

/** Undefined: it does not want us to register. Throws TELEPHONY_BAD_AOR. */
export function registerAccount({ name, register, auth, target }: Trunk): RegisterAccount | undefined {
  if (register === undefined) return undefined;
  const aor = register.aor ?? `sip:${auth?.username ?? ''}@${hostOf([target].flat()[0] ?? '')}`;
  const uri = parseUri(aor);
  if (uri === undefined || uri.scheme === 'tel' || uri.user === '')
    throw telephonyErrors.TELEPHONY_BAD_AOR([name, aor]);
  const registrar = formatUri({ ...uri, user: '' });
  const contactUser = register.contactUser ?? uri.user;
  return { aor, registrar, contactUser, policy: register };
}

function hostOf(target: string): string {
  return parseUri(/^sips?:/i.test(target) ? target : `sip:${target}`)?.host ?? target;
}
