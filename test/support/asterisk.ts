/** Asterisk as a PBX beside the gateway: a trunk both ways, a phone of its own, hold music, transfer, session timers. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ensureAsterisk } from './asterisk-install.ts';
import { encodeWav, sine } from './sound.ts';
import { until } from './until.ts';

const run = promisify(execFile);

/** What each sound of the PBX is known by. */
export const PBX_TONE_HZ = 850;
export const HOLD_MUSIC_HZ = 620;
/** Of the gateway, when it registers with the PBX. */
export const SUBSCRIBER = { user: 'subscriber', password: 'secret-of-subscriber' };
/** Of the phone that belongs to the PBX. */
export const DESK = { user: 'desk', password: 'secret-of-desk' };

export interface AsteriskOptions {
  /** A loopback address of its own, by which the gateway knows it. */
  readonly address: string;
  readonly port: number;
  /** First of 100 RTP ports. */
  readonly rtpBase: number;
  /** The gateway's SIP address on loopback, `host:port`. */
  readonly gateway: string;
  /** The account it registers with at the gateway, and the gateway's domain. */
  readonly account: { readonly user: string; readonly password: string; readonly domain: string };
  /** RFC 4028: always offered, with this interval. 90 at least. */
  readonly sessionExpiresSec?: number;
  /** Codecs, best first, as Asterisk names them. */
  readonly codecs?: readonly string[];
  /** SRTP with keys in the SDP towards the gateway, and no call without. */
  readonly hasSrtp?: boolean;
  /** What its extension 620 dials by AudioSocket: a UUID, and `host:port`. */
  readonly audioSocket?: { readonly uuid: string; readonly server: string };
}

export class Asterisk {
  readonly sipAddress: string;
  readonly #root: string;
  readonly #folder: string;
  #child: ChildProcess | undefined;
  #output = '';

  private constructor(root: string, folder: string, sipAddress: string) {
    this.#root = root;
    this.#folder = folder;
    this.sipAddress = sipAddress;
  }

  static async start(options: AsteriskOptions): Promise<Asterisk> {
    const root = await ensureAsterisk();
    const folder = await mkdtemp(join(tmpdir(), 'viaduct-asterisk-'));
    const pbx = new Asterisk(root, folder, `${options.address}:${options.port}`);
    await writeConfig(folder, options);
    try {
      await pbx.#start();
    } catch (error) {
      await pbx.stop();
      throw new Error(`Asterisk did not start:\n${pbx.#output}`, { cause: error });
    }
    return pbx;
  }

  get output(): string {
    return this.#output;
  }

  /** A command of its console. */
  async command(text: string): Promise<string> {
    const pid = String(this.#child?.pid ?? 0);
    const asterisk = ['chroot', this.#root, 'asterisk', '-C', '/mnt/asterisk.conf', '-rx', text];
    return (await run('nsenter', ['--target', pid, '--mount', ...asterisk], { timeout: 10_000 })).stdout;
  }

  /** Waits until the gateway has taken its registration. */
  async registered(): Promise<void> {
    await until(async () => (await this.command('pjsip show registrations')).includes('Registered'), {
      within: 15_000,
      every: 200,
      what: "Asterisk's registration",
    });
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await exited;
      clearTimeout(timer);
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #start(): Promise<void> {
    // A mount namespace of its own: its mounts end with it.
    const script = [
      'mount -t proc proc "$0/proc"',
      'mount --bind /dev "$0/dev"',
      'mount --bind "$1" "$0/mnt"',
      'exec chroot "$0" asterisk -C /mnt/asterisk.conf -f -p',
    ].join('; ');
    const child = spawn('unshare', ['--mount', 'sh', '-ec', script, this.#root, this.#folder], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-200_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const isUp = async (): Promise<boolean> => {
      if (child.exitCode !== null) throw new Error(`it left with code ${child.exitCode}`);
      return this.command('core waitfullybooted').then(
        (answer) => answer.includes('fully booted'),
        () => false,
      );
    };
    await until(isUp, { within: 30_000, every: 200, what: 'Asterisk to be up' });
  }
}

async function writeConfig(folder: string, options: AsteriskOptions): Promise<void> {
  await mkdir(join(folder, 'run'));
  await mkdir(join(folder, 'spool'));
  await mkdir(join(folder, 'music'));
  await writeFile(
    join(folder, 'music', 'hold.wav'),
    encodeWav(sine(HOLD_MUSIC_HZ, 30, { rateHz: 8_000, amplitude: 0.3 })),
  );
  const files: Readonly<Record<string, string>> = {
    'asterisk.conf': asteriskConf,
    'modules.conf': modulesConf,
    'logger.conf': '[general]\n[logfiles]\nconsole => notice,warning,error\n',
    'rtp.conf': `[general]\nrtpstart=${options.rtpBase}\nrtpend=${options.rtpBase + 99}\nstrictrtp=no\nicesupport=no\n`,
    'features.conf': '[featuremap]\natxfer => *2\n',
    'musiconhold.conf': '[default]\nmode=files\ndirectory=/mnt/music\n',
    'pjsip.conf': pjsipConf(options),
    'extensions.conf': extensionsConf(options),
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  for (const name of EMPTY) await writeFile(join(folder, `${name}.conf`), '');
}

/** Files that modules look for and complain about when they are not there. */
const EMPTY = ['acl', 'ccss', 'cdr', 'cel', 'cli_permissions', 'codecs', 'dnsmgr', 'dsp', 'manager', 'udptl'];

const asteriskConf = `[directories]
astetcdir => /mnt
astmoddir => /usr/lib/x86_64-linux-gnu/asterisk/modules
astvarlibdir => /var/lib/asterisk
astdbdir => /mnt/run
astkeydir => /var/lib/asterisk
astdatadir => /usr/share/asterisk
astagidir => /usr/share/asterisk/agi-bin
astspooldir => /mnt/spool
astrundir => /mnt/run
astlogdir => /mnt/run
[options]
verbose = 1
`;

/** Only what is used: it is up within a second or two. */
const MODULES = [
  'res_timing_timerfd res_sorcery_config res_sorcery_memory res_sorcery_astdb res_crypto res_srtp res_rtp_asterisk',
  'res_musiconhold res_pjproject res_pjsip res_pjsip_session res_pjsip_pubsub res_pjsip_sdp_rtp res_pjsip_caller_id',
  'res_pjsip_dtmf_info res_pjsip_rfc3326 res_pjsip_nat res_pjsip_refer res_pjsip_registrar res_pjsip_diversion',
  'res_pjsip_outbound_registration res_pjsip_outbound_authenticator_digest res_pjsip_authenticator_digest',
  'res_pjsip_endpoint_identifier_ip res_pjsip_endpoint_identifier_user chan_pjsip func_pjsip_endpoint',
  'res_format_attr_opus codec_ulaw codec_alaw codec_a_mu codec_g722 codec_resample codec_opus_open_source',
  'format_wav format_pcm bridge_simple bridge_native_rtp bridge_holding bridge_softmix bridge_builtin_features',
  'app_dial app_echo app_playback app_playtones app_senddtmf app_read app_verbose app_transfer pbx_config',
  'func_channel func_callerid func_logic func_strings func_global res_audiosocket app_audiosocket',
]
  .join(' ')
  .split(' ');
const modulesConf = `[modules]\nautoload=no\n${MODULES.map((name) => `load=${name}.so`).join('\n')}\n`;

/** The trunk, and other manners of it by the first digit that the PBX's phone dials: what they say beside the rest. */
const GATEWAY_ENDPOINTS = [
  ['gateway', 'direct_media=no\n100rel=peer_supported'],
  ['holds', 'direct_media=no\nmoh_passthrough=yes'],
  ['direct', 'direct_media=yes'],
  ['updates', 'direct_media=yes\ndirect_media_method=update'],
  ['reliable', 'direct_media=no\n100rel=required'],
] as const;
/** What the PBX's phone dials before a name for that manner. */
export const MANNERS = { holds: '1', direct: '2', updates: '3', reliable: '4' } as const;

function pjsipConf(options: AsteriskOptions): string {
  const { address, port, gateway, account, sessionExpiresSec, codecs = ['ulaw', 'alaw', 'g722', 'opus'] } = options;
  const [gatewayHost] = gateway.split(':');
  const timers =
    sessionExpiresSec === undefined
      ? 'timers=no'
      : `timers=always\ntimers_min_se=90\ntimers_sess_expires=${sessionExpiresSec}`;
  const common = `type=endpoint\ndisallow=all\nallow=${codecs.join(',')}\nrtp_symmetric=no`;
  const endpoint = ([name, further]: (typeof GATEWAY_ENDPOINTS)[number]): string => `[${name}]
${common}
context=from-gateway
aors=gateway
from_domain=${address}
media_address=${address}
bind_rtp_to_media_address=yes
trust_id_inbound=yes
send_pai=yes
${timers}
${options.hasSrtp === true ? 'media_encryption=sdes\n' : ''}${further}`;
  return `[global]
type=global
user_agent=asterisk
endpoint_identifier_order=username,ip
[udp]
type=transport
protocol=udp
bind=${address}:${port}
${GATEWAY_ENDPOINTS.map(endpoint).join('\n')}
[gateway]
type=aor
contact=sip:${gateway}
[gateway]
type=identify
endpoint=gateway
match=${gatewayHost}
[${SUBSCRIBER.user}]
${common}
direct_media=no
context=from-gateway
auth=${SUBSCRIBER.user}
aors=${SUBSCRIBER.user}
media_address=${address}
bind_rtp_to_media_address=yes
[${SUBSCRIBER.user}]
type=auth
auth_type=digest
username=${SUBSCRIBER.user}
password=${SUBSCRIBER.password}
[${SUBSCRIBER.user}]
type=aor
max_contacts=1
remove_existing=yes
[to-gateway]
type=registration
transport=udp
outbound_auth=to-gateway
server_uri=sip:${gateway}
client_uri=sip:${account.user}@${account.domain}
contact_user=600
retry_interval=2
expiration=120
[to-gateway]
type=auth
auth_type=digest
username=${account.user}
password=${account.password}
[${DESK.user}]
${common}
context=from-phone
auth=${DESK.user}
aors=${DESK.user}
media_address=${address}
bind_rtp_to_media_address=yes
direct_media=yes
callerid=Desk <${DESK.user}>
[${DESK.user}]
type=auth
auth_type=digest
username=${DESK.user}
password=${DESK.password}
[${DESK.user}]
type=aor
max_contacts=1
remove_existing=yes
`;
}

function extensionsConf({ gateway, audioSocket }: AsteriskOptions): string {
  const tone = `Playtones(${PBX_TONE_HZ}/1000)`;
  return `[from-gateway]
exten => 600,1,Answer()
 same => n,Echo()
exten => 602,1,Answer()
 same => n,SendDTMF(1234#,250,120)
 same => n,Wait(1)
 same => n,Hangup()
exten => 603,1,Answer()
 same => n,Read(DIALED,,4,,1,20)
 same => n,Set(GLOBAL(DIALED)=\${DIALED})
 same => n,Hangup()
exten => 607,1,Ringing()
 same => n,Wait(1)
 same => n,Busy()
exten => 608,1,Progress()
 same => n,${tone}
 same => n,Wait(3)
 same => n,Answer()
 same => n,${tone}
 same => n,Wait(60)
exten => 609,1,Answer()
 same => n,${tone}
 same => n,Wait(3600)
exten => 620,1,Answer()
 same => n,AudioSocket(${audioSocket?.uuid ?? ''},${audioSocket?.server ?? ''})
 same => n,Hangup()
exten => _7.,1,Answer()
 same => n,Wait(1)
 same => n,Transfer(PJSIP/sip:\${EXTEN:1}@${gateway})
 same => n,Wait(2)
 same => n,Hangup()
exten => ${DESK.user},1,Dial(PJSIP/${DESK.user},30)
[from-phone]
exten => ${SUBSCRIBER.user},1,Dial(PJSIP/${SUBSCRIBER.user},30)
exten => _2XXX,1,Dial(PJSIP/gateway/sip:\${EXTEN}@${gateway},30)
exten => _[a-z].,1,Dial(PJSIP/gateway/sip:\${EXTEN}@${gateway},60,T)
${Object.entries(MANNERS)
  .map(([name, digit]) => `exten => _${digit}[a-z].,1,Dial(PJSIP/${name}/sip:\${EXTEN:1}@${gateway},60)`)
  .join('\n')}
`;
}
