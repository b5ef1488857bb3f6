/** Values are plain JSON data. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * Keyed state with expiry that survives the death of the process. Keys are '/'-separated paths.
 * Every promise resolves when the change would survive `kill -9`.
 */
export interface Store {
  get(key: string): Promise<Json | undefined>;
  /** Without `ttlMs` the value stays until it is deleted. */
  put(key: string, value: Json, options?: { readonly ttlMs?: number }): Promise<void>;
  delete(key: string): Promise<void>;
  /**
   * All live entries whose key starts with `prefix`, in key order, at most `limit` (default 1000); `newestFirst` reverses
   * the order. `before`: only keys before this one.
   */
  list(
    prefix: string,
    options?: { readonly limit?: number; readonly newestFirst?: boolean; readonly before?: string },
  ): Promise<readonly { readonly key: string; readonly value: Json }[]>;
  close(): Promise<void>;
}
