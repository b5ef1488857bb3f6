// Brings what the project needs to a machine that has nothing but some Node.js (18 or later) and npm.
// Plain JavaScript without packages, because it runs before there are any.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'node_modules');
const stamp = join(modules, '.viaduct-installed');

/** What ends the set-up: one line that names the thing and the fix. */
export class SetupError extends Error {}

const say = (text) => process.stderr.write(`${text}\n`);

/** Runs a command with its output on the screen; throws SetupError with `fix` when it fails. */
export function run(command, args, { fix, env = {}, quiet = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', quiet ? 'pipe' : 2, 2],
    });
    child.on('error', (error) => reject(new SetupError(`${command}: ${error.message}. ${fix ?? ''}`)));
    child.on('exit', (code) => {
      if (code === 0) resolve();
      else reject(new SetupError(`${command} ${args.join(' ')} failed (${code}). ${fix ?? ''}`));
    });
  });
}

/** npm packages, exactly those of package-lock.json; nothing to do when they are there already. */
export async function ensurePackages() {
  const lock = join(root, 'package-lock.json');
  const wanted = readFileSync(lock, 'utf8').length + ':' + statSync(lock).mtimeMs;
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  say('viaduct: installing npm packages (about a minute) …');
  // Not `npm ci`: it insists on the optional binaries of every platform, which not every registry carries.
  await run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], {
    fix: 'Check that npm can reach its registry, then try again.',
  });
  writeFileSync(stamp, wanted);
}

/** The Node.js that runs us: 24 from the npm package `node`, or the system's where it is recent enough. */
export function findNode() {
  const bundled = join(modules, 'node', 'bin', 'node');
  if (existsSync(bundled)) return bundled;
  const [major, minor] = process.versions.node.split('.').map(Number);
  // From 22.18 on Node.js runs TypeScript sources by itself.
  if (major > 22 || (major === 22 && minor >= 18)) return process.execPath;
  throw new SetupError(
    `Node.js ${process.versions.node} is too old: install Node.js 24, or run "npm install" without --omit=dev.`,
  );
}

/** mediasoup's worker, found, fetched or built; resolves with its path. */
export async function ensureMediaWorker() {
  const { ensureWorker } = await import('./worker.mjs');
  try {
    return await ensureWorker({ log: (line) => say(`viaduct: ${line}`) });
  } catch (error) {
    throw new SetupError(error.message, { cause: error });
  }
}

/** The native binding to libopus, built where it can be; without it there is the WebAssembly one. Answers with why not. */
export async function ensureOpusAddon() {
  const { ensureOpus } = await import('./opus.mjs');
  const built = ensureOpus(findNode());
  return 'file' in built ? undefined : built.reason;
}

const isInstalled = (name) => {
  const result = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Status}', name], { encoding: 'utf8' });
  return result.status === 0 && result.stdout === 'installed';
};

/** Debian packages, through apt-get where we are root; else one line that says what to install. */
export async function ensureDebianPackages(names, purpose) {
  if (spawnSync('dpkg-query', ['--version']).error) return;
  const missing = names.filter((name) => !isInstalled(name));
  if (missing.length === 0) return;
  const command = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (process.getuid?.() !== 0)
    throw new SetupError(`missing for ${purpose}: ${missing.join(', ')}. Run: sudo ${command}`);
  say(`viaduct: installing ${missing.join(', ')} for ${purpose} …`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const lock = ['-qq', '-o', 'DPkg::Lock::Timeout=600'];
  await run('apt-get', [...lock, 'update'], { env, quiet: true, fix: 'Check that apt-get can reach its mirror.' });
  await run('apt-get', [...lock, 'install', '-y', '--no-install-recommends', ...missing], {
    env,
    quiet: true,
    fix: `Try by hand: ${command}`,
  });
}
