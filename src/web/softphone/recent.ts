/** The last dialed numbers, newest first. They are not secret and outlive the tab; a full or closed storage is no trouble. */
const KEY = 'viaduct.recent';
const MOST = 8;

export interface KeyedText {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

/** The list kept in `storage`, empty when there is none or it is damaged. */
export function loadRecent(storage: KeyedText): readonly string[] {
  try {
    const list: unknown = JSON.parse(storage.getItem(KEY) ?? '[]');
    return Array.isArray(list) ? list.filter((entry) => typeof entry === 'string').slice(0, MOST) : [];
  } catch {
    return [];
  }
}

/** Puts `dialed` on top of the list and gives the new list. */
export function addRecent(storage: KeyedText, dialed: string): readonly string[] {
  const list = [dialed, ...loadRecent(storage).filter((entry) => entry !== dialed)].slice(0, MOST);
  try {
    storage.setItem(KEY, JSON.stringify(list));
  } catch {
    // Private windows may refuse to store: the list then lives as long as the page.
  }
  return list;
}
