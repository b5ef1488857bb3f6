#!/usr/bin/env node
// npm run bench -- P2 P4: sets up what is missing, then runs the named benchmarks (test/bench/run.ts has the options).
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensureMediaWorker, ensureOpusAddon, ensurePackages, findNode, root, SetupError } from './setup.mjs';

async function main() {
  await ensurePackages();
  const env = { ...process.env, VIADUCT_MEDIA_WORKER_BIN: await ensureMediaWorker() };
  const missing = await ensureOpusAddon();
  if (missing !== undefined) process.stderr.write(`viaduct: Opus in WebAssembly (${missing})\n`);
  const args = ['--disable-warning=ExperimentalWarning', join(root, 'test/bench/run.ts'), ...process.argv.slice(2)];
  spawn(findNode(), args, { cwd: root, env, stdio: 'inherit' }).on('exit', (code) => process.exit(code ?? 1));
}

main().catch((error) => {
  process.stderr.write(`viaduct: ${error instanceof SetupError ? error.message : (error.stack ?? error)}\n`);
  process.exit(1);
});
