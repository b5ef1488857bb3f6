/** Who signs in, and where that is remembered: only in this tab and only when asked; never in localStorage. */
import type { KeyedText } from './recent.ts';

export interface Account {
  readonly user: string;
  readonly password: string;
  /** The SIP domain; empty: the host of the page. */
  readonly domain: string;
  /** WebSocket URL of the gateway. */
  readonly server: string;
  /** True: no echo cancellation, noise filter or gain control. For music, and for tones in tests. */
  readonly rawAudio?: boolean;
}

export interface TabStorage extends KeyedText {
  removeItem(key: string): void;
}

const ACCOUNT = 'viaduct.account';
const INSTANCE = 'viaduct.instance';

/** Remembers the account until the tab is closed. */
export function saveAccount(storage: TabStorage, account: Account): void {
  storage.setItem(ACCOUNT, JSON.stringify({ user: account.user, password: account.password }));
}

export function forgetAccount(storage: TabStorage): void {
  storage.removeItem(ACCOUNT);
}

/** The user and password remembered in this tab. */
export function loadAccount(storage: TabStorage): { user: string; password: string } | undefined {
  try {
    const kept: unknown = JSON.parse(storage.getItem(ACCOUNT) ?? 'null');
    if (typeof kept !== 'object' || kept === null || !('user' in kept) || !('password' in kept)) return undefined;
    const { user, password } = kept;
    return typeof user === 'string' && typeof password === 'string' ? { user, password } : undefined;
  } catch {
    return undefined;
  }
}

/** A UUID that names this tab's user agent across reloads (RFC 5626 §4.1), so that a reload replaces its binding. */
export function instanceId(storage: TabStorage): string {
  const kept = storage.getItem(INSTANCE);
  if (kept !== null) return kept;
  // randomUUID exists on protected pages only; the page itself must also load on plain http, to say so.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const made = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  storage.setItem(INSTANCE, made);
  return made;
}
