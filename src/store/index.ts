export { openEmbeddedStore } from './embedded-store.ts';
export { storeErrors } from './errors.ts';
export type { Json, Store } from './store.ts';
