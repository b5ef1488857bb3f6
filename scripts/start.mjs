#!/usr/bin/env node
// npm start: sets up what is missing, then runs the gateway. Arguments go to the gateway (npm start -- --help).
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { NODE_FLAGS } from './node-flags.mjs';
import { ensureMediaWorker, ensureOpusAddon, ensurePackages, findNode, root, SetupError } from './setup.mjs';

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP'];

async function main() {
  await ensurePackages();
  const env = { ...process.env };
  const runsGateway = !process.argv
    .slice(2)
    .some((word) => ['config', 'dialplan', 'help', '--help', '-h'].includes(word));
  if (runsGateway && env.VIADUCT_MEDIA_WORKER_BIN === undefined) {
    env.VIADUCT_MEDIA_WORKER_BIN = await ensureMediaWorker();
  }
  if (runsGateway) await ensureOpusAddon();
  const args = [...NODE_FLAGS, join(root, 'src/main.ts'), ...process.argv.slice(2)];
  const child = spawn(findNode(), args, { env, stdio: 'inherit' });
  // The terminal sends Ctrl-C to both of us; the gateway ends its calls first, and we leave when it has left.
  for (const signal of FORWARDED) process.on(signal, () => signal !== 'SIGINT' && child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)));
}

main().catch((error) => {
  process.stderr.write(`viaduct: ${error instanceof SetupError ? error.message : (error.stack ?? error)}\n`);
  process.exit(1);
});
