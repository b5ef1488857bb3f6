/** T12 with the tools that find and rob PBXs on the Internet: SIPVicious, from Debian's package, on the phones' own address. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Gateway } from '../support/gateway.ts';
import { ensurePeer } from '../support/install.ts';
import { audioSdp, SipPhone } from '../support/sip-phone.ts';

const run = promisify(execFile);
let gateway: Gateway;
let folder: string;
let alice: SipPhone;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'viaduct-vicious-'));
  gateway = await Gateway.start({ base: 30_300 });
  alice = await SipPhone.open({ ...gateway.credentials('alice'), gatewayPort: gateway.sipPort });
  await alice.register();
});

afterAll(async () => {
  await alice?.close();
  await gateway?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Everything the tool printed. */
async function attack(tool: 'svwar' | 'svcrack', ...words: readonly string[]): Promise<string> {
  const program = await ensurePeer(tool);
  const args = ['--maximumtime=3', ...words, '-p', String(gateway.sipPort)];
  const options = { timeout: 60_000, cwd: folder, env: { ...process.env, HOME: folder } };
  const { stdout, stderr } = await run(program, [...args, '127.0.0.1'], options).catch(
    (error: { stdout: string; stderr: string }) => error,
  );
  return stdout + stderr;
}

describe('SIPVicious', () => {
  test.each(['REGISTER', 'INVITE', 'OPTIONS'])('svwar learns nothing about who exists by %s', async (method) => {
    const names = join(folder, `names-${method}`);
    await writeFile(names, ['alice', 'bob', 'carol', '100', '200', 'nobody'].join('\n'));
    const told = await attack('svwar', '-m', method, '-d', names, '--force');
    const verdicts = ['alice', 'bob', 'carol', '100', '200', 'nobody'].map(
      (name) => new RegExp(`\\|\\s*${name}\\s*\\|\\s*(\\w+)`).exec(told)?.[1],
    );
    // All alike: either none is reported or each with the same word.
    expect(new Set(verdicts).size).toBe(1);
  });

  test('svcrack has the password in its list and does not find it; the phones beside it go on', async () => {
    const passwords = join(folder, 'passwords');
    const guesses = Array.from({ length: 40 }, (_, i) => `guess-${i}`);
    await writeFile(passwords, [...guesses, gateway.credentials('bob').password].join('\n'));
    const told = await attack('svcrack', '-u', 'bob', '-d', passwords);
    expect(told).not.toContain(gateway.credentials('bob').password);
    const { bans } = (await gateway.api('/bans')) as { bans: readonly { address: string; user?: string }[] };
    expect(bans).toMatchObject([{ address: '127.0.0.1', user: 'bob' }]);
    expect((await alice.register()).status).toBe(200);
    const dialog = await alice.call('echo', audioSdp(40_000, ['0 PCMU/8000']));
    expect(await dialog.bye()).toBe(200);
  });

  test('a phone that asks for its challenge a hundred times is not banned for it', async () => {
    const phone = await SipPhone.open({ ...gateway.credentials('carol'), gatewayPort: gateway.sipPort });
    for (let i = 0; i < 100; i++) expect((await phone.register()).status).toBe(200);
    await phone.close();
    const { bans } = (await gateway.api('/bans')) as { bans: readonly { user?: string }[] };
    expect(bans.map(({ user }) => user)).toEqual(['bob']);
  });
});
