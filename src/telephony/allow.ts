/** The methods we serve (RFC 3261 §20.5), in every message that has to say so. */
export const ALLOW = 'INVITE, ACK, CANCEL, BYE, PRACK, OPTIONS, INFO, UPDATE, REFER, NOTIFY, MESSAGE, REGISTER';
/** Option tags (RFC 3261 §20.37): refused REFER subscriptions, replaced dialogs. */
export const SUPPORTED_IN_DIALOG = 'norefersub, replaces';
