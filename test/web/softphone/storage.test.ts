import { describe, expect, test } from 'vitest';
import { addRecent, loadRecent } from '../../../src/web/softphone/recent.ts';
import {
  forgetAccount,
  instanceId,
  loadAccount,
  saveAccount,
  type TabStorage,
} from '../../../src/web/softphone/sign-in.ts';

class MemoryStorage implements TabStorage {
  readonly kept = new Map<string, string>();
  getItem(key: string): string | null {
    return this.kept.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.kept.set(key, value);
  }
  removeItem(key: string): void {
    this.kept.delete(key);
  }
}

describe('last dialed numbers', () => {
  test('newest first, each once, at most eight', () => {
    const storage = new MemoryStorage();
    for (const dialed of ['1', '2', '3', '4', '5', '6', '7', '8', '9', '2']) addRecent(storage, dialed);
    expect(loadRecent(storage)).toEqual(['2', '9', '8', '7', '6', '5', '4', '3']);
  });

  test('damaged storage is an empty list, and a full one is no trouble', () => {
    const storage = new MemoryStorage();
    storage.setItem('viaduct.recent', '{"not":"a list"');
    expect(loadRecent(storage)).toEqual([]);
    storage.setItem = () => {
      throw new Error('quota');
    };
    expect(addRecent(storage, '1')).toEqual(['1']);
  });
});

describe('the account of a tab', () => {
  const account = { user: 'alice', password: 'secret', domain: 'gw.example', server: 'wss://gw.example/sip' };

  test('is kept only until it is forgotten', () => {
    const storage = new MemoryStorage();
    expect(loadAccount(storage)).toBeUndefined();
    saveAccount(storage, account);
    expect(loadAccount(storage)).toEqual({ user: 'alice', password: 'secret' });
    forgetAccount(storage);
    expect([...storage.kept.values()].join()).not.toContain('secret');
  });

  test('the instance id is a version 4 UUID and stays the same', () => {
    const storage = new MemoryStorage();
    const id = instanceId(storage);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(instanceId(storage)).toBe(id);
  });
});
