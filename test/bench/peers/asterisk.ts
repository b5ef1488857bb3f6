/** Asterisk 22 as a B2BUA between two trunks, without its own media where it can leave that out. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ensureAsterisk } from '../../support/asterisk-install.ts';
import { raise, sleep, start, withPriority } from '../lib/command.ts';
import { calleePort, type SignalingPeer } from '../lib/signaling-run.ts';

export const asteriskPort = 44_592;
const port = asteriskPort;

const modules = [
  'res_timing_timerfd res_sorcery_config res_sorcery_memory res_sorcery_astdb res_crypto res_srtp res_rtp_asterisk',
  'res_pjproject res_pjsip res_pjsip_session res_pjsip_pubsub res_pjsip_sdp_rtp res_pjsip_caller_id res_pjsip_rfc3326',
  'res_pjsip_nat res_pjsip_endpoint_identifier_ip chan_pjsip codec_ulaw codec_alaw bridge_simple bridge_native_rtp',
  'bridge_holding app_dial pbx_config func_strings',
].join(' ');

/** Loads what every goal needs and `more`. */
export function modulesFile(more: readonly string[]): string {
  const lines = [...modules.split(' '), ...more].map((name) => `load=${name}.so\n`);
  return `[modules]\nautoload=no\n${lines.join('')}`;
}

/** Its configuration: the text of each file. */
const files: Readonly<Record<string, string>> = {
  asterisk: `[directories]
astetcdir => /mnt
astmoddir => /usr/lib/x86_64-linux-gnu/asterisk/modules
astvarlibdir => /var/lib/asterisk
astdbdir => /mnt/run
astkeydir => /var/lib/asterisk
astdatadir => /usr/share/asterisk
astagidir => /usr/share/asterisk/agi-bin
astspooldir => /mnt/run
astrundir => /mnt/run
astlogdir => /mnt/run
`,
  modules: modulesFile([]),
  logger: '[general]\n[logfiles]\nmessages => warning,error\n',
  rtp: '[general]\nrtpstart=20000\nrtpend=29999\nicesupport=no\n',
  pjsip: `[global]
type=global
endpoint_identifier_order=ip
[udp]
type=transport
protocol=udp
bind=127.0.0.1:${port}
[trunk]
type=endpoint
context=through
disallow=all
allow=ulaw
direct_media=no
aors=trunk
[trunk]
type=aor
contact=sip:127.0.0.2:${calleePort}
[trunk]
type=identify
endpoint=trunk
match=127.0.0.2
`,
  extensions: `[through]\nexten => _X.,1,Dial(PJSIP/trunk/sip:\${EXTEN}@127.0.0.2:${calleePort})\n`,
};
/** Looked for by modules, which complain when they are not there. */
const empty = [
  'acl',
  'ccss',
  'cdr',
  'cel',
  'cli_permissions',
  'codecs',
  'dnsmgr',
  'dsp',
  'features',
  'manager',
  'udptl',
];

/**
 * Undefined when it cannot be had here. `more` replaces files of the configuration by name; `priority`: of its threads,
 * real-time; default: as any other.
 */
export async function startAsterisk(
  folder: string,
  log: (line: string) => void,
  { more = {}, priority }: { more?: Readonly<Record<string, string>>; priority?: number } = {},
): Promise<SignalingPeer | undefined> {
  let root: string;
  try {
    root = await ensureAsterisk();
  } catch (error) {
    log(`Asterisk is missing: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
  mkdirSync(path.join(folder, 'run'), { recursive: true });
  for (const [name, text] of Object.entries({ ...files, ...more }))
    writeFileSync(path.join(folder, `${name}.conf`), text);
  for (const name of empty) writeFileSync(path.join(folder, `${name}.conf`), '');
  // Mounts in a namespace of their own end with it.
  const script = [
    'mount -t proc proc "$0/proc"',
    'mount --bind /dev "$0/dev"',
    'mount --bind "$1" "$0/mnt"',
    'exec chroot "$0" asterisk -C /mnt/asterisk.conf -f',
  ].join('; ');
  const command = ['unshare', '--mount', 'sh', '-ec', script, root, folder];
  const asterisk = start(
    priority === undefined ? command : withPriority(priority, command),
    path.join(folder, 'asterisk.log'),
  );
  await sleep(5000);
  // It gives up at start what it was started with.
  if (priority !== undefined) await raise(asterisk.pid, priority);
  return { pids: [asterisk.pid], port, number: '1234', stop: () => asterisk.stop() };
}
