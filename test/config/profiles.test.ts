/** The shipped profiles: each is correct, differs from the default in what this table says, and says why. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readYaml } from '../../src/config/read-yaml.ts';
import { profileSchema } from '../../src/config/schema.ts';

const root = resolve(import.meta.dirname, '../..');
const folder = join(root, 'sip-profiles');

const DEVIATIONS: Readonly<Record<string, readonly string[]>> = {
  asterisk: [
    'codecs',
    'diversion',
    'headers.accept',
    'headers.send',
    'nat.source',
    'sessionTimer',
    'transfer.refer',
    'trust',
  ],
  browsers: [
    'listeners',
    'media',
    'registration.maxExpiresSec',
    'registration.minExpiresSec',
    'transfer.refer',
    'video',
  ],
  freeswitch: ['headers.accept', 'headers.send', 'nat.source', 'sessionTimer', 'transfer.refer', 'trust'],
  kamailio: ['sessionTimer', 'transfer.refer', 'trust'],
  phones: ['listeners', 'transfer.refer', 'video'],
  telnyx: ['codecs', 'nat.source', 'numbers'],
  trunks: ['auth.required', 'nat.source'],
  twilio: ['codecs', 'nat.source', 'numbers'],
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Paths at which `value` is not what `usual` is. */
function differences(value: unknown, usual: unknown, path: string): readonly string[] {
  if (isRecord(value) && isRecord(usual))
    return Object.keys({ ...usual, ...value }).flatMap((key) =>
      differences(value[key], usual[key], path === '' ? key : `${path}.${key}`),
    );
  return isDeepStrictEqual(value, usual) ? [] : [path];
}

const usual = profileSchema.parse({ name: 'x' });
const profileOf = (name: string) => profileSchema.parse(readYaml(join(folder, `${name}.yaml`)));
const deviationsOf = (name: string): readonly string[] =>
  differences(profileOf(name), usual, '')
    .filter((key) => key !== 'name' && key !== 'about')
    .toSorted();

/** Whether a comment stands right before a top-level key, or right after it before what is in it. */
function hasReason(lines: readonly string[], key: string): boolean {
  const at = lines.findIndex((line) => line.startsWith(`${key}:`));
  return at > 0 && [lines[at - 1], lines[at + 1]].some((line) => /^\s*#/.test(line ?? ''));
}

describe('the shipped profiles', () => {
  it('are these', () => {
    expect(readdirSync(folder).toSorted()).toEqual(Object.keys(DEVIATIONS).map((name) => `${name}.yaml`));
  });

  it.each(Object.entries(DEVIATIONS))('%s differs from the default in what is expected', (name, expected) => {
    expect(deviationsOf(name)).toEqual(expected);
  });

  it.each(Object.keys(DEVIATIONS))('%s says nothing that is the default anyway', (name) => {
    const written = readYaml(join(folder, `${name}.yaml`));
    if (!isRecord(written)) throw new Error('no mapping');
    const keys = new Set(deviationsOf(name).map((path) => path.split('.', 1)[0]));
    expect(Object.keys(written).filter((key) => key !== 'name' && key !== 'about' && !keys.has(key))).toEqual([]);
  });

  it.each(Object.keys(DEVIATIONS))('%s has a reason for each', (name) => {
    const lines = readFileSync(join(folder, `${name}.yaml`), 'utf8').split('\n');
    const keys = new Set(deviationsOf(name).map((path) => path.split('.', 1)[0] ?? ''));
    expect([...keys].filter((key) => !hasReason(lines, key))).toEqual([]);
  });

  it('are all in the table of the README', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    for (const name of Object.keys(DEVIATIONS)) expect(readme).toContain(`| \`${name}\` |`);
  });

  it('let nobody in over a listener without a password', () => {
    const open = Object.keys(DEVIATIONS).filter((name) => {
      const { listeners, auth } = profileOf(name);
      return listeners.length > 0 && !auth.required;
    });
    expect(open).toEqual([]);
  });
});
