import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CliOutcome, runCli } from '../../src/cli/index.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'viaduct-cli-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function run(...args: string[]): Promise<{ outcome: CliOutcome; out: string; err: string }> {
  let out = '';
  let err = '';
  const terminal = { out: (text: string) => (out += text), err: (text: string) => (err += text), environment: {} };
  const outcome = await runCli(args, terminal);
  return { outcome, out, err };
}

function write(yaml: string): string {
  const file = join(folder, 'v.yaml');
  writeFileSync(file, yaml);
  return file;
}

describe('command line', () => {
  it('starts by default and by name, with the configuration given', async () => {
    const file = write('http: { port: 8099 }');
    for (const words of [
      ['-c', file],
      ['start', '--config', file],
      ['--config', file, 'start'],
    ]) {
      const { outcome } = await run(...words);
      expect(outcome).toMatchObject({ kind: 'start', config: { http: { port: 8099 } } });
    }
  });

  it('config check: says what is there, or what is wrong with exit code 2', async () => {
    const good = await run('config', 'check', '-c', write('users: [{ name: a, password: b }]'));
    expect(good.outcome).toEqual({ kind: 'exit', code: 0 });
    expect(good.out).toMatch(/correct[\s\S]*udp\/5060[\s\S]*1 users, 0 trunks/);
    const bad = await run('config', 'check', '-c', write('http: { port: -1 }'));
    expect(bad.outcome).toEqual({ kind: 'exit', code: 2 });
    expect(bad.err).toMatch(/http\.port: Too small/);
  });

  it('config show: hides passwords', async () => {
    const { out } = await run('config', 'show', '-c', write('users: [{ name: a, password: hunter2 }]'));
    expect(out).not.toContain('hunter2');
    expect(JSON.parse(out)).toMatchObject({ users: [{ name: 'a', password: '[secret]' }] });
  });

  it('config keys: lists each setting with its variable', async () => {
    const { out } = await run('config', 'keys');
    expect(out).toMatch(/media\.quarantineSec \(default 10\)\n.*\n\s+environment: VIADUCT_MEDIA_QUARANTINE_SEC/);
  });

  it('helps: --help lists the commands, a wrong word points to it with exit code 1', async () => {
    const help = await run('--help');
    expect(help.outcome).toEqual({ kind: 'exit', code: 0 });
    expect(help.out).toMatch(/config/);
    const wrong = await run('--confg', 'x');
    expect(wrong.outcome).toEqual({ kind: 'exit', code: 1 });
    expect(wrong.err).toMatch(/Did you mean --config[\s\S]*viaduct --help/);
  });
});
