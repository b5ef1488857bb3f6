/** What is done with a method outside a dialog: drachtio-protocol §6.3 and §11. */

const OFFERED = new Set([
  'INVITE',
  'REGISTER',
  'MESSAGE',
  'OPTIONS',
  'INFO',
  'NOTIFY',
  'SUBSCRIBE',
  'PUBLISH',
  'REFER',
]);
const IN_DIALOG_ONLY = new Set(['BYE', 'UPDATE', 'PRACK']);
/** With the tag of a dialog nobody knows, these are offered as if they were new. */
const FALLING_THROUGH = new Set(['INFO', 'MESSAGE', 'OPTIONS', 'NOTIFY', 'SUBSCRIBE', 'PUBLISH']);

export const ALLOW =
  'INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, MESSAGE, INFO, NOTIFY, SUBSCRIBE, PUBLISH, REFER, UPDATE, PRACK';

/** Offered to whichever application routes it; without one the answer is 503. */
export function isOffered(method: string): boolean {
  return OFFERED.has(method);
}

export function needsDialog(method: string): boolean {
  return IN_DIALOG_ONLY.has(method);
}

export function fallsThrough(method: string): boolean {
  return FALLING_THROUGH.has(method);
}

export function isKnownMethod(method: string): boolean {
  return OFFERED.has(method) || IN_DIALOG_ONLY.has(method) || method === 'ACK' || method === 'CANCEL';
}
