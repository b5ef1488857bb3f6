import { readFileSync } from 'node:fs';
import { parse as parseYaml, YAMLParseError } from 'yaml';
import { errors } from './errors.ts';

/** What the file holds; an empty one holds nothing. Throws CONFIG_NOT_FOUND and CONFIG_SYNTAX. */
export function readYaml(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw errors.CONFIG_NOT_FOUND([path], { cause });
  }
  try {
    return parseYaml(text) ?? {};
  } catch (cause) {
    const [line] = (cause instanceof YAMLParseError ? cause.message : String(cause)).split('\n');
    throw errors.CONFIG_SYNTAX([path, line ?? ''], { cause });
  }
}
