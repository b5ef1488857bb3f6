/** Loads the dialplan: its file, the trunks it names, and the keys of its hooks from the environment. */
import { agentsOf, type Dialplan, hookKeyProblem, parseDialplan, trunksOf } from '../dialplan/index.ts';
import { errors } from './errors.ts';
import { nearest } from './explain.ts';
import { readYaml } from './read-yaml.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What a dialplan may name. */
export interface KnownNames {
  /** Trunks and trunk groups. */
  readonly trunks: readonly string[];
  readonly agents: readonly string[];
}

/** The agents that are always there. */
const BUILT_IN_AGENTS = ['echo', 'tone'];

/** Throws DIALPLAN_INVALID and CONFIG_* errors. */
export function loadDialplan(path: string, { trunks, agents }: KnownNames, environment: Environment): Dialplan {
  const dialplan = parseDialplan(readYaml(path), path);
  for (const { name, at } of trunksOf(dialplan))
    if (name !== '*') checkName({ name, where: `${path}: ${at}`, what: 'trunk or trunk group' }, trunks);
  for (const { name, at } of agentsOf(dialplan))
    checkName({ name, where: `${path}: ${at}`, what: 'agent' }, [...BUILT_IN_AGENTS, ...agents]);
  return {
    ...dialplan,
    rules: dialplan.rules.map((rule, index) => withKey(rule, `${path}: rules[${index}]`, environment)),
  };
}

function checkName(
  { name, where, what }: { readonly name: string; readonly where: string; readonly what: string },
  known: readonly string[],
): void {
  if (known.includes(name)) return;
  const meant = nearest(name, known);
  const all = known.length === 0 ? 'there are none' : `there are ${known.join(', ')}`;
  const fix = meant === undefined ? all : `did you mean "${meant}"?`;
  throw errors.CONFIG_INVALID([`${where}: no ${what} "${name}" is configured; ${fix}`]);
}

function withKey(rule: Dialplan['rules'][number], where: string, environment: Environment): Dialplan['rules'][number] {
  const { hook } = rule.route;
  if (hook?.secretEnv === undefined) return rule;
  const secret = environment[hook.secretEnv] ?? '';
  const problem = secret === '' ? 'is not set' : hookKeyProblem(secret);
  if (problem !== undefined)
    throw errors.CONFIG_INVALID([
      `${where}.route.hook.secretEnv: the environment variable ${hook.secretEnv} ${problem}`,
    ]);
  return { ...rule, route: { ...rule.route, hook: { ...hook, secret } } };
}
