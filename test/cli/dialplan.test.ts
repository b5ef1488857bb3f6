import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type CliOutcome, runCli } from '../../src/cli/index.ts';

const office = resolve(import.meta.dirname, '../../dialplans/office.yaml');
let folder: string;
let config: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'viaduct-dialplan-'));
  config = join(folder, 'viaduct.yaml');
  const trunk = (name: string) => ({ name, addresses: ['192.0.2.1'], target: '192.0.2.1' });
  write(config, {
    dialplan: office,
    users: ['anna', 'ben', 'carl'].map((name) => ({ name, password: 'secret' })),
    trunks: ['carrier-a', 'carrier-b'].map(trunk),
    trunkGroups: [{ name: 'carriers', members: [{ trunk: 'carrier-a' }, { trunk: 'carrier-b' }] }],
  });
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(file: string, data: object): void {
  writeFileSync(file, stringify(data));
}

async function run(
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<{ outcome: CliOutcome; out: string; err: string }> {
  let out = '';
  let err = '';
  const terminal = { out: (text: string) => (out += text), err: (text: string) => (err += text), environment };
  const outcome = await runCli(['-c', config, 'dialplan', ...args], terminal);
  return { outcome, out, err };
}

const NOON = '2026-11-25T12:00+01:00';
const fromCarrier = (at: string) => ['test', '0171', '+4930123450', '--trunk', 'carrier-a', '--at', at];

describe('viaduct dialplan test', () => {
  it('prints the decision and what stood against each rule before', async () => {
    const { out, outcome } = await run(fromCarrier(NOON));
    expect(out).toBe(
      [
        '0171 (trunk carrier-a, tenant default) calls +4930123450@viaduct.local',
        'at 2026-11-25T11:00:00.000Z, by the clock of Europe/Berlin',
        '',
        '  no   extension  when.toIsUser wants one of our users; it is +4930123450 is none',
        '  no   night      when.time wants hours 18:00-08:00; it is Wed 2026-11-25 12:00 Europe/Berlin',
        '  no   closed     when.time wants days sat-sun; it is Wed 2026-11-25 12:00 Europe/Berlin',
        '  no   holiday    when.time wants holidays true; it is Wed 2026-11-25 12:00 Europe/Berlin',
        '  yes  office     the front desk first, then everybody, and a busy line leads on as well',
        '',
        'ring user anna for 15 s; after busy, no-answer, unavailable, failed:',
        'then user ben and user carl for 30 s',
        '',
      ].join('\n'),
    );
    expect(outcome).toEqual({ kind: 'exit', code: 0 });
  });

  it.each([
    ['at night', fromCarrier('2026-11-25T23:00+01:00'), 'ring user carl for 40 s', 0],
    ['on a holiday', fromCarrier('2026-12-25T12:00+01:00'), 'refuse with 480 Closed', 1],
    ['out', ['test', 'ben', '030555'], 'as +4930123450\nring +4930555 through trunk carriers', 0],
    ['to a colleague', ['test', 'ben', 'anna'], 'after busy, no-answer, unavailable instead:\n  ring user anna', 0],
    ['from nobody we know', ['test', 'stranger', '030555'], 'refuse with 404 Not Found', 1],
    ['as a user', ['test', 'stranger', '030555', '--user', 'ben'], 'through trunk carriers', 0],
    [
      'in an emergency',
      ['test', 'ben', '112'],
      'emergency call: nothing may hold it up\nring 112 through trunk carriers',
      0,
    ],
    [
      'for another tenant',
      ['test', 'ben', '030555', '--tenant', 'other'],
      'no trunk or trunk group carriers for this tenant',
      1,
    ],
  ])('%s', async (_, args, text, code) => {
    const { out, outcome } = await run(args);
    expect(out).toContain(text);
    expect(outcome).toEqual({ kind: 'exit', code });
  });

  it('looks at headers', async () => {
    const rules = [{ name: 'vip', why: 'w', when: { headers: { 'X-Vip': 'y*' } }, route: { agent: 'echo' } }];
    write(join(folder, 'rules.yaml'), { rules });
    write(config, { dialplan: 'rules.yaml', users: [{ name: 'ben', password: 'x' }] });
    expect((await run(['test', 'ben', 'x', '--header', 'x-vip=yes'])).out).toContain('ring the agent echo');
    expect((await run(['test', 'ben', 'x'])).out).toContain('when.headers.X-Vip wants y*; it is nothing');
  });

  it.each([
    [['test', 'ben', 'x', '--at', 'noon'], 'write it as 2026-12-24T20:00'],
    [['test', 'ben', 'x', '--header', 'novalue'], 'write it as Name=value'],
    [['test', 'ben'], "missing required argument 'to'"],
  ])('explains wrong words: %j', async (args, text) => {
    const { err, outcome } = await run(args);
    expect(err).toContain(text);
    expect(outcome).toEqual({ kind: 'exit', code: 1 });
  });
});

describe('viaduct dialplan check', () => {
  it('says that all is right', async () => {
    const { out, outcome } = await run(['check']);
    expect(out).toContain('office.yaml: correct, 9 rules');
    expect(outcome).toEqual({ kind: 'exit', code: 0 });
  });

  const hook = { url: 'https://hook.example/', secretEnv: 'HOOK_KEY' };
  const rule = (route: object) => ({ rules: [{ name: 'r', why: 'w', route }] });
  it.each([
    [rule({ usr: 'x' }), 'rules[0].route: unknown key "usr"'],
    [
      rule({ trunk: 'carier-a', number: '1' }),
      'rules[0].route.trunk: no trunk or trunk group "carier-a" is configured; did you mean "carrier-a"?',
    ],
    [
      rule({ hunt: [{ user: 'a' }, { fork: [{ trunk: 'x', number: '1' }] }] }),
      'rules[0].route.hunt[1].fork[0].trunk: no trunk or trunk group "x" is configured; there are carrier-a',
    ],
    [{ rules: [], emergencyRoute: { trunk: 'x', number: '1' } }, 'emergencyRoute.trunk: no trunk or trunk group "x"'],
    [rule({ hook }), 'rules[0].route.hook.secretEnv: the environment variable HOOK_KEY is not set'],
  ])('names file, key and fix: %j', async (dialplan, text) => {
    write(join(folder, 'bad.yaml'), dialplan);
    write(config, { dialplan: 'bad.yaml', trunks: [{ name: 'carrier-a', addresses: ['192.0.2.1'], target: 'x' }] });
    const { err, outcome } = await run(['check']);
    expect(err).toContain(`bad.yaml: ${text}`);
    expect(outcome).toEqual({ kind: 'exit', code: 2 });
  });

  it('takes the key of a hook from the environment, and looks at it', async () => {
    write(join(folder, 'hook.yaml'), rule({ hook }));
    write(config, { dialplan: 'hook.yaml' });
    expect((await run(['check'], { HOOK_KEY: `whsec_${'A'.repeat(43)}=` })).outcome).toEqual({ kind: 'exit', code: 0 });
    expect((await run(['check'], { HOOK_KEY: 'short' })).err).toContain(
      'HOOK_KEY must be whsec_ and 24 to 64 random bytes',
    );
  });
});
