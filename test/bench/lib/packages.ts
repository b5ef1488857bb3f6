import { existsSync } from 'node:fs';
import { run } from './command.ts';

/** Debian packages behind the programs that the bench drives. */
const packageOf: Readonly<Record<string, readonly string[]>> = {
  janus: ['janus'],
  rtpengine: ['rtpengine-daemon'],
  kamailio: ['kamailio'],
  sipp: ['sip-tester'],
  cc: ['gcc', 'libc6-dev', 'libssl-dev', 'libsrtp2-dev', 'libopus-dev'],
  chromium: ['chromium'],
  'espeak-ng': ['espeak-ng'],
};

const find = (program: string): boolean =>
  ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/bin'].some((folder) => existsSync(`${folder}/${program}`));

/** True when the program is there, after installing it as far as this user may. */
export async function hasProgram(program: string, log: (line: string) => void): Promise<boolean> {
  if (find(program)) return true;
  const names = packageOf[program] ?? [program];
  if (process.getuid?.() !== 0) {
    log(`${program} is missing: apt-get install --no-install-recommends ${names.join(' ')}`);
    return false;
  }
  log(`installing ${names.join(' ')}`);
  try {
    await run('apt-get', ['-o', 'DPkg::Lock::Timeout=600', 'update']);
    // A package that starts its daemon would take the ports of the one under test.
    await run('env', [
      'DEBIAN_FRONTEND=noninteractive',
      'RUNLEVEL=1',
      'apt-get',
      '-o',
      'DPkg::Lock::Timeout=600',
      'install',
      '-y',
      '--no-install-recommends',
      ...names,
    ]);
  } catch (error) {
    log(`${program} could not be installed: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`);
  }
  return find(program);
}
