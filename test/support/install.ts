/** Real peers come from Debian packages. They are installed when they are missing and when we may; else the test says how. */
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const packages = {
  sipp: 'sip-tester',
  baresip: 'baresip-core',
  chromium: 'chromium',
  'firefox-esr': 'firefox-esr',
  dnsmasq: 'dnsmasq-base',
  iptables: 'iptables',
  svwar: 'sipvicious',
  svcrack: 'sipvicious',
  kamailio: 'kamailio kamailio-tls-modules kamailio-websocket-modules',
} as const;
export type Peer = keyof typeof packages;

/** The path of an executable in PATH. */
function findExecutable(name: string): string | undefined {
  // Servers live where only root's PATH leads.
  for (const folder of [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** The path of the peer's program. Throws a sentence with the command to type when it cannot be had. */
export async function ensurePeer(peer: Peer): Promise<string> {
  const found = findExecutable(peer);
  if (found !== undefined) return found;
  const command = `apt-get install -y --no-install-recommends ${packages[peer]}`;
  if (process.getuid?.() !== 0) throw new Error(`${peer} is missing: run "sudo ${command}"`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const options = { env, maxBuffer: 64 * 1024 * 1024, timeout: 300_000 };
  try {
    await run('apt-get', ['update', '-q'], options);
    await run('apt-get', command.split(' ').slice(1), options);
  } catch (cause) {
    throw new Error(`${peer} is missing and could not be installed: run "${command}"`, { cause });
  }
  const installed = findExecutable(peer);
  if (installed === undefined) throw new Error(`${packages[peer]} was installed but has no program "${peer}" in PATH`);
  return installed;
}
