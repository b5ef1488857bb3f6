/** Reads viaduct.yaml, the environment, sip-profiles/ and the dialplan into one frozen Config, or says what is wrong. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { Dialplan } from '../dialplan/index.ts';
import { loadDialplan } from './dialplan.ts';
import { errors } from './errors.ts';
import { explain } from './explain.ts';
import { type ConfigKey, keysAt, listKeys } from './keys.ts';
import { readYaml } from './read-yaml.ts';
import { type ConfigFile, configSchema, type ProfileConfig, profileSchema } from './schema.ts';
import { withPasswords } from './trunk-passwords.ts';

export interface Config extends Omit<ConfigFile, 'dialplan'> {
  /** The file it came from; undefined: defaults and environment only. */
  readonly file: string | undefined;
  readonly profiles: readonly ProfileConfig[];
  readonly dialplan: Dialplan;
  readonly dialplanFile: string;
}

/** Environment names that begin like ours but are no configuration. */
const FOREIGN_ENV = /^VIADUCT_(CONFIG$|TEST_)/;
const PROGRAM_ROOT = new URL('../..', import.meta.url).pathname;

export const configKeys: readonly ConfigKey[] = listKeys(configSchema);

/** 'true' and numbers become what they say; all else stays text. */
function scalar(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function applyEnvironment(data: unknown, environment: Readonly<Record<string, string | undefined>>): unknown {
  const result: unknown = structuredClone(data);
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith('VIADUCT_') || FOREIGN_ENV.test(variable) || text === undefined) continue;
    const key = configKeys.find((candidate) => candidate.env === variable);
    if (key === undefined)
      throw errors.CONFIG_ENV([`${variable}: no such setting; \`viaduct config keys\` lists them all`]);
    if (isRecord(result)) put(result, key.path.split('.'), scalar(text));
  }
  return result;
}

function put(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let place = target;
  for (const step of path.slice(0, -1)) {
    const next = place[step];
    const inner: Record<string, unknown> = isRecord(next) ? next : {};
    place[step] = inner;
    place = inner;
  }
  place[path.at(-1) ?? ''] = value;
}

/** Relative to the configuration file where it exists there, else to the program. */
function locate(path: string, file: string | undefined): string {
  if (isAbsolute(path)) return path;
  const beside = file === undefined ? undefined : resolve(dirname(file), path);
  return beside !== undefined && existsSync(beside) ? beside : join(PROGRAM_ROOT, path);
}

function loadProfiles(folder: string): readonly ProfileConfig[] {
  let names: string[];
  try {
    names = readdirSync(folder).filter((entry) => entry.endsWith('.yaml'));
  } catch (cause) {
    throw errors.CONFIG_NOT_FOUND([folder], { cause });
  }
  return names.toSorted().map((entry) => {
    const path = join(folder, entry);
    const data = readYaml(path);
    const result = profileSchema.safeParse(data);
    if (!result.success) {
      throw errors.CONFIG_INVALID([explain(path, result.error, data, (at) => keysAt(profileSchema, at)).join('\n')], {
        cause: result.error,
      });
    }
    if (`${result.data.name}.yaml` !== entry) {
      throw errors.CONFIG_INVALID([
        `${path}: name: is "${result.data.name}"; call the file ${result.data.name}.yaml or the profile ${entry.slice(0, -5)}`,
      ]);
    }
    return result.data;
  });
}

function checkReferences(config: ConfigFile, profiles: readonly ProfileConfig[], where: string): void {
  for (const [index, trunk] of config.trunks.entries()) {
    const profile = profiles.find((each) => each.name === trunk.profile);
    if (profile !== undefined) checkNumbers({ ...profile.numbers, ...trunk.numbers }, `${where}: trunks[${index}]`);
    else {
      const known = profiles.map((each) => each.name).join(', ');
      throw errors.CONFIG_INVALID([
        `${where}: trunks[${index}].profile: no profile "${trunk.profile}" in ${config.sip.profiles}; there are ${known}`,
      ]);
    }
  }
  for (const [index, agent] of config.agents.entries()) {
    if (agent.protocol !== 'sip' || profiles.some((each) => each.name === agent.profile)) continue;
    const known = profiles.map((each) => each.name).join(', ');
    throw errors.CONFIG_INVALID([
      `${where}: agents[${index}].profile: no profile "${agent.profile}" in ${config.sip.profiles}; there are ${known}`,
    ]);
  }
  for (const [index, group] of config.trunkGroups.entries()) {
    const missing = group.members.find(({ trunk }) => !config.trunks.some((each) => each.name === trunk));
    if (missing !== undefined)
      throw errors.CONFIG_INVALID([
        `${where}: trunkGroups[${index}].members: no trunk "${missing.trunk}"; add it under trunks, or take it out`,
      ]);
  }
  const named = [...(config.users ?? []), ...config.agents, ...config.trunks, ...config.trunkGroups];
  const names = ['echo', 'tone', ...named.map((entry) => entry.name)];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw errors.CONFIG_INVALID([`${where}: "${twice}" names two users, agents or trunks; rename one`]);
  const accounts = [
    ...(config.users ?? []).map((user) => user.name),
    ...config.trunks.flatMap(({ inboundAuth }) => inboundAuth?.username ?? []),
  ];
  const shared = accounts.find((account, index) => accounts.indexOf(account) !== index);
  if (shared !== undefined)
    throw errors.CONFIG_INVALID([
      `${where}: trunks: inboundAuth.username "${shared}" is that of a user or of another trunk; give it one of its own`,
    ]);
}

/** Which numbers are national only the country tells. */
function checkNumbers({ country, called, calling }: NonNullable<ProfileConfig['numbers']>, trunk: string): void {
  if (country === undefined && [called, calling].some((style) => style?.format === 'national'))
    throw errors.CONFIG_INVALID([`${trunk}.numbers.country: is needed for format national; add it, as "49"`]);
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value) && !(value instanceof RegExp)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}

/**
 * Loads the configuration. `file` undefined: ./viaduct.yaml if there is one, else the defaults.
 * Throws CONFIG_* errors, whose text has one line for each mistake.
 */
export function loadConfig(options: {
  readonly file: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
}): Config {
  const wanted =
    options.file ?? options.environment['VIADUCT_CONFIG'] ?? (existsSync('viaduct.yaml') ? 'viaduct.yaml' : undefined);
  const file = wanted === undefined ? undefined : resolve(wanted);
  const where = wanted ?? 'environment';
  const data = applyEnvironment(file === undefined ? {} : readYaml(file), options.environment);
  const result = configSchema.safeParse(data);
  if (!result.success) {
    throw errors.CONFIG_INVALID([explain(where, result.error, data, (at) => keysAt(configSchema, at)).join('\n')], {
      cause: result.error,
    });
  }
  const profiles = loadProfiles(locate(result.data.sip.profiles, file));
  checkReferences(result.data, profiles, where);
  const dialplanFile = locate(result.data.dialplan, file);
  const dialplan = loadDialplan(
    dialplanFile,
    {
      trunks: [...result.data.trunks, ...result.data.trunkGroups].map(({ name }) => name),
      agents: result.data.agents.map(({ name }) => name),
    },
    options.environment,
  );
  const trunks = withPasswords(result.data.trunks, where, options.environment);
  return deepFreeze({ ...result.data, trunks, file, profiles, dialplan, dialplanFile });
}
