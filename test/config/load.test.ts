import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configKeys, loadApiToken, loadConfig, loadDemoAccounts, resolveAnnounced } from '../../src/config/index.ts';
import { systemRandom } from '../../src/kernel/index.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'viaduct-config-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function load(yaml: string, environment: Record<string, string> = {}) {
  const file = join(folder, 'viaduct.yaml');
  writeFileSync(file, yaml);
  return loadConfig({ file, environment });
}

describe('loadConfig', () => {
  it('needs no file: every setting has a default, and the shipped profiles and dialplan are correct', () => {
    const config = load('');
    expect(config.http.port).toBe(8080);
    expect(config.profiles.map(({ name }) => name)).toEqual(expect.arrayContaining(['browsers', 'phones', 'trunks']));
    expect(config.dialplan.rules.length).toBeGreaterThan(0);
  });

  it('takes passwords of trunks from the environment', () => {
    const yaml = 'trunks: [{ name: a, target: b, auth: { username: u, passwordEnv: CARRIER } }]';
    expect(load(yaml, { CARRIER: 'x' }).trunks[0]?.auth).toMatchObject({ username: 'u', password: 'x' });
  });

  it.each([
    'carrier.example',
    'carrier.example:5070',
    '192.0.2.1',
    '2001:db8::1',
    '[2001:db8::1]:5060',
    'sip:carrier.example;transport=tcp',
    'sips:carrier.example',
    'SIP:[::1]:5062;transport=TLS',
  ])('takes %s as the target of a trunk', (target) => {
    expect(load(`trunks: [{ name: a, target: "${target}" }]`).trunks[0]?.target).toBe(target);
  });

  it('yields a frozen object, all the way down', () => {
    const config = load('users: [{ name: alice, password: pw }]');
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.users?.[0])).toBe(true);
    expect(Object.isFrozen(config.profiles[0]?.auth.algorithms)).toBe(true);
  });

  it.each([
    ['http: { prot: 1 }', 'unknown key "prot" (did you mean "port"?) in http; known: enabled, address, port'],
    ['htp: {}', 'unknown key "htp" (did you mean "http"?); known: data, log, http'],
    ['http: { port: abc }', 'http.port: Invalid input: expected number, received string (found "abc")'],
    ['http: { port: 70000 }', 'http.port: Too big: expected number to be <=65535 (found 70000)'],
    ['sip: { engine: drachtio }', 'sip.engine: embedded, or drachtio://host:port (found "drachtio")'],
    ['trunks: [{ name: a, target: "sip:x@y" }]', 'trunks[0].target: must be host[:port], as carrier.example'],
    ['trunks: [{ name: a, target: [] }]', 'trunks[0].target: Too small'],
    [
      'trunks: [{ name: a, target: b, auth: { username: u } }]',
      'trunks[0].auth.password: give either password or passwordEnv',
    ],
    [
      'users: [{ name: u, password: p }]\ntrunks: [{ name: a, target: b, inboundAuth: { username: u, password: p } }]',
      'trunks: inboundAuth.username "u" is that of a user or of another trunk',
    ],
    [
      'trunks: [{ name: a, target: b, auth: { username: u, passwordEnv: NOT_SET } }]',
      'trunks[0].auth.passwordEnv: the environment variable NOT_SET is not set',
    ],
    ['trunks: [{ name: a }]', 'trunks[0].target: must be host[:port], as carrier.example'],
    [
      'trunks: [{ name: a, target: b, numbers: { called: { format: national } } }]',
      'trunks[0].numbers.country: is needed for format national; add it, as "49"',
    ],
    ['trunks: [{ name: a, target: b, numbers: { country: "049" } }]', 'numbers.country: a country code without + or 0'],
    [
      'trunks: [{ name: a, target: b, headers: { accept: [From] } }]',
      'trunks[0].headers.accept[0]: Diversion, History-Info, Referred-By, User-to-User or X-…',
    ],
    [
      'trunks: [{ name: a, target: b, headers: { send: [X-Viaduct-Peer-Names] } }]',
      'trunks[0].headers.send[0]: Diversion, History-Info',
    ],
    [
      'trunks: [{ name: a, addresses: [192.0.2.1], target: b, transport: tls, tls: { certificate: c.pem } }]',
      'trunks[0].tls.key: certificate and key belong together: give both or none (it is missing)',
    ],
    [
      'trunkGroups: [{ name: g, members: [{ trunk: x }] }]',
      'trunkGroups[0].members: no trunk "x"; add it under trunks',
    ],
    ['sip: { dnsServers: [dns.example] }', 'sip.dnsServers[0]: must be IP or IP:port (found "dns.example")'],
    [
      'trunks: [{ name: a, addresses: [192.0.2.1], target: b, profile: nope }]',
      'trunks[0].profile: no profile "nope" in sip-profiles; there are asterisk, browsers, freeswitch, kamailio, phones, telnyx, trunks, twilio',
    ],
    [
      'users: [{ name: alice, password: x }, { name: alice, password: y }]',
      '"alice" names two users, agents or trunks; rename one',
    ],
    ['media: { portRange: { min: 30000, max: 20000 } }', 'max must be above min'],
    ['sip-profiles: nowhere', 'unknown key "sip-profiles"'],
    ['sip: { profiles: nowhere }', 'nowhere: no such file'],
    ['dialplan: nowhere.yaml', 'nowhere.yaml: no such file'],
    ['http: [', 'not valid YAML'],
  ])('explains %s', (yaml, sentence) => {
    expect(() => load(yaml)).toThrow(sentence);
  });

  it('lists every mistake on a line of its own, each with the file', () => {
    expect(() => load('http: { port: x }\nhttps: { port: y }')).toThrow(
      /viaduct\.yaml: http\.port.*\n.*viaduct\.yaml: https\.port/,
    );
  });

  it('never prints a secret that is wrong', () => {
    expect(() => load('users: [{ name: alice, password: 12345678 }]')).toThrow(/password: .*\(found a value\)/);
  });

  it('says which file is missing', () => {
    expect(() => loadConfig({ file: join(folder, 'none.yaml'), environment: {} })).toThrow('none.yaml: no such file');
  });

  it('takes single settings from the environment, above the file', () => {
    const config = load('http: { port: 1, address: 127.0.0.1 }', {
      VIADUCT_HTTP_PORT: '8081',
      VIADUCT_MEDIA_PORT_RANGE_MIN: '21000',
      VIADUCT_HTTPS_ENABLED: 'false',
    });
    expect(config.http).toMatchObject({ port: 8081, address: '127.0.0.1' });
    expect(config.media.portRange.min).toBe(21000);
    expect(config.https.enabled).toBe(false);
  });

  it('refuses an environment variable that means nothing', () => {
    expect(() => load('', { VIADUCT_HTP_PORT: '1' })).toThrow('VIADUCT_HTP_PORT: no such setting');
    expect(() => load('', { VIADUCT_TEST_ENGINE: 'x', HOME: '/' })).not.toThrow();
  });

  it('reads profiles and dialplan beside the file, and holds them to their schema', () => {
    mkdirSync(join(folder, 'own'));
    writeFileSync(join(folder, 'own', 'lab.yaml'), 'name: lab\nlisteners: [{ transport: udp, port: 5070 }]\n');
    expect(load('sip: { profiles: own }').profiles).toMatchObject([
      { name: 'lab', media: 'rtp', listeners: [{ port: 5070 }] },
    ]);
    writeFileSync(join(folder, 'own', 'lab.yaml'), 'name: lab\nlisteners: [{ transport: sctp, port: 5070 }]\n');
    expect(() => load('sip: { profiles: own }')).toThrow(
      /own\/lab\.yaml: listeners\[0\]\.transport: .*\(found "sctp"\)/,
    );
    writeFileSync(join(folder, 'own', 'lab.yaml'), 'name: other\n');
    expect(() => load('sip: { profiles: own }')).toThrow('call the file other.yaml or the profile lab');
    writeFileSync(join(folder, 'own', 'plan.yaml'), 'rules: [{ name: x }]\n');
    expect(() => load('dialplan: own/plan.yaml')).toThrow(/plan\.yaml.*rules/);
  });
});

describe('configKeys', () => {
  it('describes every setting, and no two share an environment variable', () => {
    expect(configKeys.filter(({ about }) => about === '').map(({ path }) => path)).toEqual([]);
    const variables = configKeys.flatMap(({ env }) => env ?? []);
    expect(new Set(variables).size).toBe(variables.length);
    expect(variables).toContain('VIADUCT_SIP_REREGISTER_WAIT_SEC');
  });
});

describe('secrets of a first start', () => {
  it('makes demo accounts once, readable by us alone', () => {
    const first = loadDemoAccounts(folder, systemRandom);
    expect(first.map(({ name }) => name)).toEqual(['alice', 'bob', 'carol']);
    expect(new Set(first.map(({ password }) => password)).size).toBe(3);
    expect(loadDemoAccounts(folder, systemRandom)).toEqual(first);
    expect(statSync(join(folder, 'accounts.json')).mode & 0o077).toBe(0);
  });

  it('says what to do with accounts that are no JSON', () => {
    writeFileSync(join(folder, 'accounts.json'), '{');
    expect(() => loadDemoAccounts(folder, systemRandom)).toThrow(
      /accounts\.json: not valid JSON; mend it, or delete it/,
    );
  });

  it('makes an API token once', () => {
    const token = loadApiToken(folder, systemRandom);
    expect(token).toMatch(/^[0-9a-f]{48}$/);
    expect(loadApiToken(folder, systemRandom)).toBe(token);
    expect(readFileSync(join(folder, 'api-token'), 'utf8').trim()).toBe(token);
  });
});

describe('resolveAnnounced', () => {
  it('keeps what is configured and else finds an IPv4 address', () => {
    expect(resolveAnnounced('203.0.113.4')).toBe('203.0.113.4');
    expect(resolveAnnounced('auto')).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
  });
});
