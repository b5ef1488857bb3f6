/**
 * Asterisk 22 for tests. Debian's stable release has no Asterisk, so it comes from sid into a folder of its own under the
 * user's cache, made once; nothing of it is installed on the machine.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Changes when the recipe does: what an older one has made is not used. */
const RECIPE = 1;
const PACKAGES = ['asterisk', 'asterisk-modules', 'asterisk-core-sounds-en-wav'];
const INSTALL_MS = 600_000;

/** The root folder of a Debian with Asterisk in it. Needs root and `debootstrap`. */
export async function ensureAsterisk(): Promise<string> {
  const root = join(homedir(), '.cache', 'viaduct-peers', `asterisk-${RECIPE}`);
  if (existsSync(join(root, 'usr/sbin/asterisk'))) return root;
  if (process.getuid?.() !== 0) throw new Error('Asterisk for tests can be installed by root only');
  const draft = `${root}.${process.pid}`;
  await mkdir(dirname(root), { recursive: true });
  try {
    await install(draft);
    await rename(draft, root);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return root;
}

async function install(root: string): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
  const options = { env, timeout: INSTALL_MS, maxBuffer: 64 * 1024 * 1024 };
  if (!existsSync('/usr/sbin/debootstrap')) {
    await run('apt-get', ['install', '-y', '--no-install-recommends', 'debootstrap'], options);
  }
  await run('debootstrap', ['--variant=minbase', '--include=ca-certificates', 'sid', root], options);
  // No service may start in there.
  await writeFile(join(root, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  // Asterisk asks for these names at start; without an answer calls wait for five seconds.
  await writeFile(join(root, 'etc/hosts'), `127.0.0.1 localhost ${hostname()} A.ROOT-SERVERS.NET\n`);
  await run(
    'unshare',
    [
      '--mount',
      'sh',
      '-ec',
      'mount -t proc proc "$0/proc"; mount --bind /dev "$0/dev"; exec chroot "$0" apt-get install -y --no-install-recommends "$@"',
      root,
      ...PACKAGES,
    ],
    options,
  );
  await mkdir(join(root, 'var/lib/asterisk/keys'), { recursive: true });
  await writeFile(join(root, 'etc/resolv.conf'), '');
}
