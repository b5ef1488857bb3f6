/** From the configuration to the trunks and callers of telephony. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/index.ts';
import { reloadableOptions } from '../../src/gateway/calls.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'viaduct-calls-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function optionsOf(yaml: string) {
  const file = join(folder, 'viaduct.yaml');
  writeFileSync(file, yaml);
  const config = loadConfig({ file, environment: {} });
  return reloadableOptions(config, config.users ?? []);
}

describe('a trunk', () => {
  it('has what its profile says, key by key unless it says otherwise itself', () => {
    const [bare, own] = optionsOf(`
trunks:
  - { name: bare, target: a.example, profile: twilio }
  - name: own
    target: b.example
    profile: asterisk
    callerId: '+4930123456'
    trust: false
    headers: { send: [X-Acme-*] }
    numbers: { country: 49, area: 30, called: { format: national } }
`).trunks;
    expect(bare?.profile).toMatchObject({
      trust: false,
      diversion: false,
      headers: { accept: [], send: [] },
      numbers: { called: { format: 'e164' }, calling: { format: 'e164' } },
    });
    expect(own?.callerId).toBe('+4930123456');
    expect(own?.profile).toMatchObject({
      trust: false,
      diversion: true,
      headers: { accept: ['Diversion'], send: ['X-Acme-*'] },
      numbers: { country: '49', area: '30', called: { format: 'national' } },
    });
  });

  it('without a profile goes on as a generic carrier', () => {
    expect(optionsOf('trunks: [{ name: a, target: a.example, profile: trunks }]').trunks[0]?.profile).toMatchObject({
      name: 'trunks',
      trust: false,
      nat: { source: 'sdp' },
    });
  });
});

describe('a user', () => {
  it('keeps its number', () => {
    const { users } = optionsOf('users: [{ name: alice, password: pw, number: "+4930123456" }]');
    expect(users[0]?.number).toBe('+4930123456');
  });
});

describe('who comes in over a listener', () => {
  it('falls under the profile that has it', () => {
    const { profiles } = optionsOf('');
    expect([profiles.browsers.name, profiles.phones.name]).toEqual(['browsers', 'phones']);
  });

  it('without one falls under none that asks nobody for a password', () => {
    mkdirSync(join(folder, 'own'));
    writeFileSync(join(folder, 'own', 'a-carrier.yaml'), 'name: a-carrier\nauth: { required: false }\n');
    writeFileSync(join(folder, 'own', 'trunks.yaml'), 'name: trunks\n');
    const { profiles } = optionsOf('sip: { profiles: own }');
    expect([profiles.browsers.name, profiles.phones.name]).toEqual(['trunks', 'trunks']);
  });
});
