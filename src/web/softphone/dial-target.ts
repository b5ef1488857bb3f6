const addressOfRecord = /^sips?:[^\s<>"@]+@[^\s<>"@]+$/i;
const userAtHost = /^[^\s<>"@:]+@[^\s<>"@]+$/;
const user = /^[A-Za-z0-9\-_.!~*'()&=+$,;?/%#]+$/;

/** What people type (`echo`, `+49 30 1234`, `bob@host`, `sip:bob@host`) as a SIP URI; undefined when it cannot be one. */
export function dialTarget(typed: string, domain: string): string | undefined {
  const text = typed.trim();
  if (addressOfRecord.test(text)) return text;
  if (userAtHost.test(text)) return `sip:${text}`;
  const compact = isNumberLike(text) ? text.replace(/[\s().\-/]/g, '') : text;
  if (!user.test(compact)) return undefined;
  // '#' is not allowed bare in a user part (RFC 3261 §25.1) and starts star codes' ends: escape it.
  return `sip:${compact.replaceAll('#', '%23')}@${domain}`;
}

/** Digits with the marks people write between them. */
function isNumberLike(text: string): boolean {
  return /^[+*#\d][\d\s().\-/*#]*$/.test(text);
}
