/** Generators written in C, so that they leave the machine to what is measured. */
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { run } from './command.ts';
import { hasProgram } from './packages.ts';

export interface CProgram {
  /** The path of its one file. */
  readonly source: string;
  /** Libraries to link with: `ssl` for -lssl. */
  readonly libraries: readonly string[];
}

/** The path of the program, made in `folder` when it is missing or older than its source. */
export async function compiled(
  { source, libraries }: CProgram,
  folder: string,
  log: (line: string) => void,
): Promise<string> {
  const program = path.join(folder, path.basename(source, '.c'));
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return program;
  if (!(await hasProgram('cc', log))) throw new Error('the load generators need a C compiler');
  await run('cc', ['-O2', '-o', program, source, ...libraries.map((name) => `-l${name}`)]);
  return program;
}
