import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger, systemClock } from '../../src/kernel/index.ts';
import { type Json, openEmbeddedStore, type Store } from '../../src/store/index.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

let folder: string;
let path: string;
let clock: VirtualClock;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'viaduct-store-'));
  path = join(folder, 'data', 'store.db');
  clock = new VirtualClock();
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Every implementation of Store: opening twice must find what was there. A second one gets a row of its own. */
const implementations = [{ name: 'embedded', open: () => openEmbeddedStore(path, { clock, logger: silentLogger }) }];

describe.each(implementations)('the $name store', ({ open }) => {
  let store: Store;
  beforeEach(async () => {
    store = await open();
  });
  afterEach(() => store.close());

  const keysOf = async (...list: Parameters<Store['list']>): Promise<string[]> =>
    (await store.list(...list)).map((entry) => entry.key);

  it('gives back what was put', async () => {
    const value = { text: 'ä "quoted"', list: [1, null, true], nested: { empty: '' } };
    await store.put('bindings/alice/1', value);
    expect(await store.get('bindings/alice/1')).toEqual(value);
    expect(await store.get('bindings/alice')).toBeUndefined();
  });

  it('replaces and deletes', async () => {
    await store.put('a', 1);
    await store.put('a', 2);
    expect(await store.get('a')).toBe(2);
    await store.delete('a');
    await store.delete('a');
    expect(await store.get('a')).toBeUndefined();
  });

  it('sees its own writes before they are committed', async () => {
    const put = store.put('a', 1);
    expect(await store.get('a')).toBe(1);
    await put;
  });

  it('keeps the order of writes of one turn', async () => {
    await Promise.all([store.put('a', 1), store.delete('a'), store.put('a', 2), store.put('b', 1), store.delete('b')]);
    expect(await store.get('a')).toBe(2);
    expect(await store.get('b')).toBeUndefined();
  });

  it('forgets after ttlMs, and not before', async () => {
    await store.put('a', 1, { ttlMs: 1_000 });
    clock.advance(999);
    expect(await store.get('a')).toBe(1);
    clock.advance(1);
    expect(await store.get('a')).toBeUndefined();
    expect(await store.list('')).toEqual([]);
  });

  it('a put without ttlMs ends the expiry of an earlier one', async () => {
    await store.put('a', 1, { ttlMs: 1_000 });
    await store.put('a', 2);
    clock.advance(1_000_000);
    expect(await store.get('a')).toBe(2);
  });

  it('lists by prefix in key order, limited, newest first when asked', async () => {
    for (const key of ['calls/2', 'calls/1', 'call', 'calls/3', 'callsX', 'dialogs/1']) await store.put(key, key);
    expect(await keysOf('calls/')).toEqual(['calls/1', 'calls/2', 'calls/3']);
    expect(await keysOf('calls/', { limit: 2 })).toEqual(['calls/1', 'calls/2']);
    expect(await keysOf('calls/', { limit: 2, newestFirst: true })).toEqual(['calls/3', 'calls/2']);
    expect(await keysOf('')).toHaveLength(6);
    expect(await store.list('dialogs/')).toEqual([{ key: 'dialogs/1', value: 'dialogs/1' }]);
  });

  it('treats no character of a prefix as a wildcard', async () => {
    for (const key of ['a_b', 'axb', 'a%b', 'ä/1', '\u{10FFFE}/1']) await store.put(key, 1);
    expect(await keysOf('a_')).toEqual(['a_b']);
    expect(await keysOf('a%')).toEqual(['a%b']);
    expect(await keysOf('ä')).toEqual(['ä/1']);
    expect(await keysOf('\u{10FFFE}')).toHaveLength(1);
  });

  it('survives closing and opening', async () => {
    await store.put('a', 1);
    await store.put('b', 1, { ttlMs: 500 });
    const pending = store.put('c', 1);
    await store.close();
    await pending;
    clock.advance(500);
    store = await open();
    expect(await store.list('')).toEqual([
      { key: 'a', value: 1 },
      { key: 'c', value: 1 },
    ]);
  });

  it('refuses work once closed, and closes twice without harm', async () => {
    await store.close();
    await store.close();
    await expect(store.put('a', 1)).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    await expect(store.get('a')).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    await expect(store.list('')).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    store = await open();
  });

  it('behaves as a map does, whatever the order of operations', async () => {
    const key = fc.constantFrom('a', 'a/1', 'a/2', 'b');
    const operation = fc.oneof(
      fc.record({
        kind: fc.constant('put' as const),
        key,
        value: fc.jsonValue({ maxDepth: 1 }),
        ttlMs: fc.option(fc.constantFrom(10, 30), { nil: undefined }),
      }),
      fc.record({ kind: fc.constant('delete' as const), key }),
      fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(5, 10, 20) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 12 }), async (operations) => {
        for (const { key: old } of await store.list('')) await store.delete(old);
        const model = new Map<string, { value: Json; until: number }>();
        for (const each of operations) {
          if (each.kind === 'wait') clock.advance(each.ms);
          else if (each.kind === 'delete') {
            model.delete(each.key);
            await store.delete(each.key);
          } else {
            const value = JSON.parse(JSON.stringify(each.value)) as Json;
            model.set(each.key, { value, until: each.ttlMs === undefined ? Infinity : clock.now() + each.ttlMs });
            await store.put(each.key, value, each.ttlMs === undefined ? {} : { ttlMs: each.ttlMs });
          }
        }
        const live = [...model]
          .filter(([, { until }]) => until > clock.now())
          .map(([name, { value }]) => ({ key: name, value }));
        expect(await store.list('')).toEqual(live.toSorted((a, b) => (a.key < b.key ? -1 : 1)));
      }),
      { seed: 22, numRuns: 60 },
    );
  });
});

describe('the embedded store', () => {
  const open = (): Promise<Store> => openEmbeddedStore(path, { clock, logger: silentLogger });

  it('keeps what was promised when the process is killed (SIGKILL)', async () => {
    const script = new URL('put-until-killed.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    let promised = -1;
    for await (const line of createInterface(child.stdout)) {
      promised = Number(line);
      if (promised === 50) child.kill('SIGKILL');
    }
    if (child.signalCode === null) await once(child, 'exit');
    expect(child.signalCode).toBe('SIGKILL');
    expect(promised).toBeGreaterThanOrEqual(50);

    const store = await open();
    for (let round = 0; round <= promised; round++) {
      const entries = await store.list(`calls/${round}-`);
      expect(entries).toHaveLength(10);
      expect(entries[0]?.value).toEqual({ round });
    }
    await store.close();
  });

  it('sweeps what has expired from the file, in portions', async () => {
    const store = await open();
    await Promise.all(Array.from({ length: 450 }, (_, i) => store.put(`a/${i}`, i, { ttlMs: 1_000 })));
    await store.put('b', 1);
    const sweepPortion = async (ms: number): Promise<void> => {
      clock.advance(ms);
      // The next portion is planned once this one is committed.
      await store.put('b', 1);
      await new Promise((resolve) => setImmediate(resolve));
    };
    await sweepPortion(60_000);
    await sweepPortion(50);
    await sweepPortion(50);
    expect(clock.timerCount).toBe(1);
    await store.close();
    expect(clock.timerCount).toBe(0);
    const database = new DatabaseSync(path);
    expect(database.prepare('SELECT key FROM entries').all()).toEqual([{ key: 'b' }]);
    database.close();
  });

  it('names the file and the fix when it is no database', async () => {
    const store = await open();
    await store.close();
    writeFileSync(path, 'this is no database, but it is long enough to be taken for one'.repeat(100));
    await expect(open()).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringMatching(/store\.db.*move the file away/u),
    });
  });

  it('names the file and the fix when it is cut short', async () => {
    const store = await open();
    await Promise.all(Array.from({ length: 2_000 }, (_, i) => store.put(`a/${i}`, 'x'.repeat(100))));
    await store.close();
    truncateSync(path, 8_192);
    const openAndRead = async (): Promise<void> => {
      const reopened = await open();
      try {
        await reopened.list('');
      } finally {
        await reopened.close();
      }
    };
    await expect(openAndRead()).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });

  it('does not touch a store that a newer version wrote', async () => {
    await (await open()).close();
    const database = new DatabaseSync(path);
    database.exec('PRAGMA user_version = 99');
    database.close();
    await expect(open()).rejects.toMatchObject({ code: 'STORE_TOO_NEW' });
  });

  it('says so when another process has it open', async () => {
    const store = await open();
    await expect(open()).rejects.toMatchObject({ code: 'STORE_IN_USE' });
    await store.put('a', 1);
    await store.close();
  });

  it('says so when its folder cannot be made', async () => {
    writeFileSync(join(folder, 'data'), 'a file');
    await expect(open()).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
  });

  it('keeps everything in memory when asked', async () => {
    const store = await openEmbeddedStore(':memory:', { clock: systemClock, logger: silentLogger });
    await store.put('a', 1);
    expect(await store.get('a')).toBe(1);
    await store.close();
  });
});
