// Builds the native binding to the system's libopus, where there are a C compiler and libopus's header, and leaves it at
// .viaduct/opus.node. Without it the gateway encodes and decodes Opus in WebAssembly, which costs half as much again.
//
//   node scripts/opus.mjs        prints the path of the binding, or why there is none
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const source = join(root, 'scripts/opus-addon/opus-addon.c');
const headers = join(root, 'node_modules/node-api-headers');
export const opusAddon = join(root, '.viaduct/opus.node');
/** Debian's. */
export const OPUS_PACKAGES = ['gcc', 'libc6-dev', 'libopus-dev'];

/** What a binding at its place was made of. */
function stampOf() {
  const hash = createHash('sha256').update(readFileSync(source)).update(`${process.platform} ${process.arch}`);
  return hash.update(readFileSync(join(headers, 'package.json'))).digest('hex');
}

const compilers = process.env.CC === undefined ? ['cc', 'gcc', 'clang'] : [process.env.CC];

/** Compiles to `target`; answers with why not. */
function compile(target) {
  const args = ['-O2', '-shared', '-fPIC', '-fvisibility=hidden', '-Wall', '-Wextra', '-Werror=implicit'];
  const platform = process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : [];
  const all = [...args, ...platform, `-I${join(headers, 'include')}`, source, '-o', target, '-lopus'];
  for (const compiler of compilers) {
    const { error, status, stderr } = spawnSync(compiler, all, { encoding: 'utf8', timeout: 60_000 });
    if (error === undefined)
      return status === 0
        ? undefined
        : (stderr.split('\n').find((line) => /error|ld:/.test(line)) ?? 'no reason given');
  }
  return 'no C compiler';
}

/** Whether it loads and codes, tried in a process that may die of it. */
function works(node, file) {
  const trial = `const o = require(${JSON.stringify(file)});
    const bytes = o.encode(o.createEncoder(8000, 20000, 5, false), new Int16Array(160), new Uint8Array(1500));
    process.exit(bytes > 0 ? 0 : 1);`;
  return spawnSync(node, ['-e', trial], { stdio: 'ignore', timeout: 10_000 }).status === 0;
}

/**
 * The binding, built when it is not there yet or was made of something else.
 * @param {string} node the Node.js that is to load it
 * @returns {{ file: string } | { reason: string }}
 */
export function ensureOpus(node) {
  const stampFile = `${opusAddon}.version`;
  const stamp = stampOf();
  if (existsSync(opusAddon) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp)
    return { file: opusAddon };
  mkdirSync(join(root, '.viaduct'), { recursive: true });
  const draft = `${opusAddon}.${process.pid}.node`;
  try {
    const failure = compile(draft);
    if (failure !== undefined) return { reason: failure };
    if (!works(node, draft)) return { reason: 'what was built does not run' };
    // Under a new inode: the old one may be in use.
    renameSync(draft, opusAddon);
    writeFileSync(stampFile, stamp);
    return { file: opusAddon };
  } finally {
    rmSync(draft, { force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const built = ensureOpus(process.execPath);
  process.stdout.write(`${'file' in built ? built.file : `no native Opus: ${built.reason}`}\n`);
}
