/** Ids are strings with a brand, so that one kind cannot be passed for another. */
declare const brand: unique symbol;
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** One conversation the gateway controls. */
export type CallId = Brand<string, 'CallId'>;
/** One party's side of a Call. */
export type LegId = Brand<string, 'LegId'>;
/** One Leg's attachment to the media plane. */
export type PortId = Brand<string, 'PortId'>;
