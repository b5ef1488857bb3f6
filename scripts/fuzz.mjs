#!/usr/bin/env node
// npm run fuzz -- --transport udp: sets up what is missing, then sends mutated messages (test/fuzz/run.ts has the options).
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensurePackages, findNode, root, SetupError } from './setup.mjs';

async function main() {
  await ensurePackages();
  const args = ['--disable-warning=ExperimentalWarning', join(root, 'test/fuzz/run.ts'), ...process.argv.slice(2)];
  spawn(findNode(), args, { cwd: root, stdio: 'inherit' }).on('exit', (code) => process.exit(code ?? 1));
}

main().catch((error) => {
  process.stderr.write(`viaduct: ${error instanceof SetupError ? error.message : (error.stack ?? error)}\n`);
  process.exit(1);
});
