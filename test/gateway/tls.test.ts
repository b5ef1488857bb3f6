/** From the configuration to the certificates in use. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Config, loadConfig } from '../../src/config/index.ts';
import { type GatewayTls, openTls } from '../../src/gateway/tls.ts';
import { Scope, silentLogger } from '../../src/kernel/index.ts';
import { type Authority, createAuthority, type Pair } from '../support/certificates.ts';

let authority: Authority;
let pairs: readonly [Pair, Pair];
let folder: string;
let scope: Scope;

beforeAll(async () => {
  authority = await createAuthority();
  pairs = [await authority.issue({ dns: ['a.example'] }), await authority.issue({ dns: ['b.example'] })];
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'viaduct-tls-'));
  scope = new Scope();
});
afterEach(async () => {
  await scope.close();
  rmSync(folder, { recursive: true, force: true });
});

const at = (name: string): string => join(folder, name);

function write({ certificate, key }: Pair): void {
  writeFileSync(at('c.pem'), certificate);
  writeFileSync(at('k.pem'), key);
  writeFileSync(at('ca.pem'), authority.ca);
}

async function open(listeners: string, more = ''): Promise<{ config: Config; tls: GatewayTls }> {
  mkdirSync(at('profiles'));
  writeFileSync(at('profiles/phones.yaml'), `name: phones\nlisteners: ${listeners}\n`);
  writeFileSync(at('profiles/trunks.yaml'), 'name: trunks\n');
  writeFileSync(at('viaduct.yaml'), `data: ${at('data')}\nsip: { profiles: ${at('profiles')} }\n${more}`);
  const config = loadConfig({ file: at('viaduct.yaml'), environment: {} });
  return { config, tls: await openTls(config, { announced: '192.0.2.10', logger: silentLogger, scope }) };
}

it('a listener shows the certificate of https, self-made where none is named, or its own', async () => {
  write(pairs[0]);
  const { config, tls } = await open(
    `[{ transport: tls, port: 1 }, { transport: wss, port: 2, certificate: ${at('c.pem')}, key: ${at('k.pem')}, ` +
      `clientCa: ${at('ca.pem')}, clientCertificate: require }, { transport: udp, port: 3 }]`,
  );
  const [shared, own, plain] = config.profiles[0]!.listeners.map((listener) => tls.listener(listener));
  expect(tls.isSelfSigned).toBe(true);
  expect(shared).toEqual({ ...tls.https(), requiresClient: false });
  expect(own).toEqual({ ...pairs[0], clientCa: authority.ca, requiresClient: true });
  expect(plain).toBeUndefined();
});

it('replaced files are taken over by all who use them, and told of once', async () => {
  write(pairs[0]);
  const { config, tls } = await open(
    '[{ transport: tls, port: 1 }]',
    `https: { certificate: ${at('c.pem')}, key: ${at('k.pem')} }\n`,
  );
  let changes = 0;
  tls.onChange(() => {
    changes += 1;
  });
  expect(tls.reload()).toBe(false);
  write(pairs[1]);
  expect(tls.reload()).toBe(true);
  expect(changes).toBe(1);
  expect(tls.https()).toEqual(pairs[1]);
  expect(tls.listener(config.profiles[0]!.listeners[0]!)).toMatchObject(pairs[1]);
  expect(tls.isSelfSigned).toBe(false);
});

it('a trunk says whom to believe and what to show', async () => {
  write(pairs[0]);
  const { tls } = await open(
    '[]',
    `trunks:\n  - { name: a, addresses: [192.0.2.1], target: 'sip.a.example:5061', transport: tls, ` +
      `tls: { ca: ${at('ca.pem')}, certificate: ${at('c.pem')}, key: ${at('k.pem')}, serverName: a.example } }\n` +
      `  - { name: b, addresses: [192.0.2.2], target: '[2001:db8::2]:5061', transport: tls, tls: { verify: false } }\n` +
      `  - { name: c, addresses: [192.0.2.3], target: c.example }\n`,
  );
  expect(tls.peers()).toEqual([
    { hosts: ['sip.a.example'], verify: true, serverName: 'a.example', ca: authority.ca, ...pairs[0] },
    { hosts: ['2001:db8::2'], verify: false },
  ]);
});

it('a file that is missing ends the start with its name', async () => {
  const opening = open('[{ transport: tls, port: 1, certificate: /nowhere.pem, key: /nowhere.pem }]');
  await expect(opening).rejects.toMatchObject({
    code: 'CERTIFICATE_UNREADABLE',
    message: expect.stringContaining('/nowhere.pem'),
  });
});
