/** Calls that no limit of ours may stop, recognized by their Request-URI. */

const NUMBER = /^(?:sips?:([^@;?]{1,32})[@;]|tel:([^;?]{1,32}))/i;
/** Any kind of help (RFC 5031 §4.2): `urn:service:sos`, `urn:service:sos.fire`. */
const SOS_URN = /^urn:service:sos(?:\.[a-z0-9-]{1,32}){0,4}$/i;

/** Whether `sip:112@host`, `sips:112@host;user=phone` or `tel:112` names one of `numbers`; a URN asks for the first. */
export function isEmergencyUri(uri: string, numbers: ReadonlySet<string>): boolean {
  const [, user, number] = NUMBER.exec(uri) ?? [];
  const dialed = user ?? number;
  return dialed === undefined ? numbers.size > 0 && isSosUrn(uri) : numbers.has(dialed);
}

export function isSosUrn(uri: string): boolean {
  return SOS_URN.test(uri);
}
