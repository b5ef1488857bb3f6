import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CallEvent } from '../../src/calls/index.ts';
import { type Logger, silentLogger } from '../../src/kernel/index.ts';
import { RecordFile } from '../../src/telemetry/index.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'viaduct-records-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const ended = (callId: string): CallEvent =>
  ({ kind: 'call-ended', callId, reason: 'hangup-caller', record: { callId } }) as unknown as CallEvent;
const idsIn = (path: string): string[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { callId: string }).callId);

describe('the file of call records', () => {
  it('has a line for each call that ended, in their order', async () => {
    const path = join(folder, 'calls.jsonl');
    const file = new RecordFile(path, silentLogger);
    for (let i = 0; i < 50; i++) file.observe(ended(`c${i}`));
    file.observe({ kind: 'leg-failed' } as unknown as CallEvent);
    await file.flush();
    expect(idsIn(path)).toEqual(Array.from({ length: 50 }, (_, i) => `c${i}`));
  });

  it('may be renamed away while calls go on', async () => {
    const path = join(folder, 'calls.jsonl');
    const file = new RecordFile(path, silentLogger);
    file.observe(ended('a'));
    await file.flush();
    renameSync(path, `${path}.1`);
    file.observe(ended('b'));
    await file.flush();
    expect([idsIn(`${path}.1`), idsIn(path)]).toEqual([['a'], ['b']]);
  });

  it('T39 loses nothing when it cannot be written for a while, and says so', async () => {
    const errors: unknown[] = [];
    const logger: Logger = { ...silentLogger, error: (fields) => void errors.push(fields) };
    const path = join(folder, 'later', 'calls.jsonl');
    const file = new RecordFile(path, logger);
    file.observe(ended('a'));
    await file.flush();
    expect(errors).toHaveLength(1);
    mkdirSync(join(folder, 'later'));
    file.observe(ended('b'));
    await file.flush();
    expect(idsIn(path)).toEqual(['a', 'b']);
  });
});
