/** Loads the dialplan: its file, the trunks it names, and the keys of its hooks from the environment. */
import { type Dialplan, hookKeyProblem, parseDialplan, trunksOf } from '../dialplan/index.ts';
import { errors } from './errors.ts';
import { nearest } from './explain.ts';
import { readYaml } from './read-yaml.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** `trunkNames`: the trunks and trunk groups there are. Throws DIALPLAN_INVALID and CONFIG_* errors. */
export function loadDialplan(path: string, trunkNames: readonly string[], environment: Environment): Dialplan {
  const dialplan = parseDialplan(readYaml(path), path);
  for (const { name, at } of trunksOf(dialplan)) {
    if (name === '*' || trunkNames.includes(name)) continue;
    const meant = nearest(name, trunkNames);
    const known = trunkNames.length === 0 ? 'there are none' : `there are ${trunkNames.join(', ')}`;
    const fix = meant === undefined ? known : `did you mean "${meant}"?`;
    throw errors.CONFIG_INVALID([`${path}: ${at}: no trunk or trunk group "${name}" is configured; ${fix}`]);
  }
  return {
    ...dialplan,
    rules: dialplan.rules.map((rule, index) => withKey(rule, `${path}: rules[${index}]`, environment)),
  };
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
