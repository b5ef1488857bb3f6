export { openEmbeddedStore } from './embedded-store.ts';
export type { Json, Store } from './store.ts';
