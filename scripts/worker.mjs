// Finds, fetches or builds mediasoup's worker, the C++ process that carries the media, and leaves it at
// .viaduct/mediasoup-worker. Plain JavaScript without dependencies: it runs on any Node from 18, before npm packages exist.
//
//   node scripts/worker.mjs        prints the path of the worker
//
// Tried in turn: MEDIASOUP_WORKER_BIN; the one an earlier run left; the npm package's own; the build cache;
// the prebuilt one of the package's release page; a build by the recipe in scripts/mediasoup-worker.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const recipe = path.join(root, 'scripts', 'mediasoup-worker', 'build-mediasoup-worker.sh');
const buildPackages =
  'cmake flatbuffers-compiler g++ libflatbuffers-dev libsrtp2-dev libssl-dev libuv1-dev ninja-build pkg-config';
/** Until the release page answers. A machine without a way out must not wait for long. */
const answerMs = 3000;
const downloadMs = 60_000;
/** What a worker says that was not started by mediasoup: proof that it runs on this machine. */
const workerRuns = 41;

/** @param {string} file */
function runs(file) {
  const env = { ...process.env };
  delete env.MEDIASOUP_VERSION;
  return spawnSync(file, [], { env, stdio: 'ignore', timeout: 5000 }).status === workerRuns;
}

/** @param {string} mediasoup folder of the npm package */
function packageOf(mediasoup) {
  try {
    return JSON.parse(fs.readFileSync(path.join(mediasoup, 'package.json'), 'utf8'));
  } catch (cause) {
    throw new Error('the npm package mediasoup is missing: run "npm ci" first', { cause });
  }
}

/** What a worker at its place was made of: the package's version and this recipe. */
function stampOf(pkg) {
  const hash = createHash('sha256');
  const add = (entry) => {
    if (fs.statSync(entry).isDirectory()) for (const name of fs.readdirSync(entry).sort()) add(path.join(entry, name));
    else hash.update(fs.readFileSync(entry));
  };
  add(path.dirname(recipe));
  return `${pkg.version} ${hash.digest('hex').slice(0, 16)}`;
}

/** Puts `file` at `target` under a new inode: the old one may be running. */
function place(file, target) {
  fs.mkdirSync(path.dirname(target), { recursive: true });
  const draft = `${target}.${process.pid}`;
  fs.copyFileSync(file, draft);
  fs.chmodSync(draft, 0o755);
  fs.renameSync(draft, target);
}

function stampAt(target) {
  try {
    fs.accessSync(target, fs.constants.X_OK);
    return fs.readFileSync(`${target}.version`, 'utf8').trim();
  } catch {
    return '';
  }
}

function archiveName(version) {
  const kernel = os.platform() === 'linux' ? `-kernel${Number(os.release().split('.')[0])}` : '';
  return `mediasoup-worker-${version}-${os.platform()}-${os.arch()}${kernel}.tgz`;
}

/** The prebuilt worker of the package's own release page, or undefined. */
async function download(pkg, folder) {
  if (process.env.MEDIASOUP_SKIP_WORKER_PREBUILT_DOWNLOAD || typeof fetch !== 'function') return undefined;
  const page = process.env.MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL ?? releasePage(pkg);
  const abort = new AbortController();
  let timer = setTimeout(() => abort.abort(), answerMs);
  try {
    const answer = await fetch(`${page}/${pkg.version}/${archiveName(pkg.version)}`, { signal: abort.signal });
    if (!answer.ok) return undefined;
    clearTimeout(timer);
    timer = setTimeout(() => abort.abort(), downloadMs);
    const archive = path.join(folder, 'worker.tgz');
    fs.writeFileSync(archive, Buffer.from(await answer.arrayBuffer()));
    if (spawnSync('tar', ['-xzf', archive, '-C', folder], { stdio: 'ignore' }).status !== 0) return undefined;
    const file = path.join(folder, 'mediasoup-worker');
    return runs(file) ? file : undefined;
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

function releasePage(pkg) {
  const repository = String(pkg.repository.url)
    .replace(/^git\+/, '')
    .replace(/\.git$/, '');
  return `${repository}/releases/download`;
}

/** Shows how far ninja is: one line that is rewritten on a terminal, a line for each tenth elsewhere. */
function progress(log) {
  const started = Date.now();
  let shown = -1;
  return (done, all) => {
    // Before the build proper ninja runs a handful of steps of CMake's own.
    if (all < 20) return;
    const percent = Math.floor((done / all) * 100);
    const seconds = Math.round((Date.now() - started) / 1000);
    const line = `building mediasoup's worker: ${percent} % (${done} of ${all}), ${seconds} s`;
    if (process.stderr.isTTY) process.stderr.write(`\r${line} ${done === all ? '\n' : ''}`);
    else if (Math.floor(percent / 10) > shown) {
      shown = Math.floor(percent / 10);
      log(line);
    }
  };
}

/** Runs the recipe. Resolves with its exit code and its last line. */
function runRecipe(options, onStep) {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', [recipe, ...options], { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
    const kept = [];
    let rest = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const step = /^\[(\d+)\/(\d+)\]$/.exec(line);
        if (step) onStep(Number(step[1]), Number(step[2]));
        else kept.push(line);
      }
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, lines: rest === '' ? kept : [...kept, rest] }));
  });
}

function canInstall() {
  return process.getuid?.() === 0 && fs.existsSync('/usr/bin/apt-get');
}

async function build(mediasoup, target, log) {
  const install = canInstall();
  log(`building mediasoup's worker from source, once: 3 to 9 minutes on two cores${install ? '' : ' (as this user)'}`);
  const result = await runRecipe([...(install ? ['--install-deps'] : []), mediasoup, target], progress(log));
  if (result.code === 0) return;
  const kept = path.join(root, '.viaduct', 'mediasoup-worker-build.log');
  fs.writeFileSync(kept, `${result.lines.join('\n')}\n`);
  const last = result.lines.at(-1) ?? 'no reason given';
  const missing = / is missing; /.test(last);
  throw new Error(
    missing
      ? `mediasoup's worker needs Debian packages to be built: apt-get install --no-install-recommends ${buildPackages}`
      : `mediasoup's worker could not be built; see ${path.relative(process.cwd(), kept)}, or set MEDIASOUP_WORKER_BIN (${last})`,
  );
}

function fromEnvironment() {
  const named = process.env.MEDIASOUP_WORKER_BIN;
  if (!named) return undefined;
  if (fs.existsSync(named)) return path.resolve(named);
  throw new Error(`MEDIASOUP_WORKER_BIN names ${named}, which does not exist: correct it or unset it`);
}

/**
 * Resolves with the absolute path of a worker that runs here; quick when there is one already.
 * @param {{ log?: (line: string) => void }} [options]
 * @returns {Promise<string>}
 */
export async function ensureWorker({ log = () => {} } = {}) {
  const named = fromEnvironment();
  if (named) return named;
  const mediasoup = path.join(root, 'node_modules', 'mediasoup');
  const pkg = packageOf(mediasoup);
  const target = path.join(root, '.viaduct', 'mediasoup-worker');
  const stamp = stampOf(pkg);
  if (stampAt(target) === stamp) return target;

  fs.mkdirSync(path.dirname(target), { recursive: true });
  const shipped = path.join(mediasoup, 'worker', 'out', 'Release', 'mediasoup-worker');
  if (fs.existsSync(shipped) && runs(shipped)) {
    place(shipped, target);
    fs.writeFileSync(`${target}.version`, `${stamp}\n`);
    return target;
  }
  const cached = await runRecipe(['--cached-only', mediasoup, target], () => {});
  if (cached.code !== 0) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'viaduct-worker-'));
    try {
      const prebuilt = await download(pkg, folder);
      if (prebuilt) place(prebuilt, target);
      else await build(mediasoup, target, log);
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  }
  fs.writeFileSync(`${target}.version`, `${stamp}\n`);
  return target;
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    console.log(await ensureWorker({ log: (line) => console.error(line) }));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
