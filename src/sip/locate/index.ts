export { locateErrors } from './errors.ts';
export type { Located, LocatedRecord, LocatedServer } from './locate.ts';
export { createLocator, type Locator } from './locator.ts';
export { orderByWeight } from './server-order.ts';
export { type LocateTarget, type LocateTransport, parseTarget } from './target.ts';
