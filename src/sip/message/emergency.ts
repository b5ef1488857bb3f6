/** Calls that no limit of ours may stop, recognized by the user part or number of their Request-URI. */

const NUMBER = /^(?:sips?:([^@;?]{1,32})[@;]|tel:([^;?]{1,32}))/i;

/** Whether `sip:112@host`, `sips:112@host;user=phone` or `tel:112` names one of `numbers`. */
export function isEmergencyUri(uri: string, numbers: ReadonlySet<string>): boolean {
  const [, user, number] = NUMBER.exec(uri) ?? [];
  const dialed = user ?? number;
  return dialed !== undefined && numbers.has(dialed);
}
