/** baresip as a peer: a SIP phone that says 440 Hz, told what to do over its control port, with a recording of what it heard. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensurePeer } from './install.ts';
import { decodeWav, type Sound } from './sound.ts';
import { until } from './until.ts';

export const BARESIP_HZ = 440;
export const BARESIP_CAMERA = { width: 160, height: 120, framesPerSec: 15 };

const moduleFolders = [
  '/usr/lib/baresip/modules',
  '/usr/lib/x86_64-linux-gnu/baresip/modules',
  '/usr/lib/aarch64-linux-gnu/baresip/modules',
];

export interface BaresipOptions {
  readonly user: string;
  readonly password: string;
  readonly domain: string;
  /** `host:port` of the gateway. */
  readonly proxy: string;
  /** The first of 60 ports: SIP, SIP over TLS, control; RTP from the tenth on. */
  readonly base: number;
  /** As baresip writes them, best first: `PCMU`, `opus/48000/2`. */
  readonly codecs?: readonly string[];
  /** Of its registration and calls; udp when it is left out. */
  readonly transport?: 'udp' | 'tcp' | 'tls';
  /** PEM file of the authority that its TLS peer is checked by. */
  readonly caFile?: string;
  /** How it protects RTP: may (RTP/AVP with a=crypto), must (RTP/SAVP), or not at all when it is left out. */
  readonly mediaEncryption?: 'srtp' | 'srtp-mand' | 'srtp-mandf';
  /** Its own address; 127.0.0.1 when it is left out. */
  readonly address?: string;
  /** Its camera: a file of moving pictures (YUV4MPEG2), which it sends as H.264, once. */
  readonly camera?: string;
  /** Answers by itself; otherwise a test says `accept`. */
  readonly answers?: boolean;
}

export interface BaresipEvent {
  readonly type: string;
  readonly param?: string;
  readonly at: number;
}

export class Baresip {
  readonly #folder: string;
  readonly #options: BaresipOptions;
  readonly #events: BaresipEvent[] = [];
  /** Command → who waits for what baresip says to it. */
  readonly #asked = new Map<string, (data: string) => void>();
  #process: ChildProcess | undefined;
  #control: Socket | undefined;
  #output = '';

  private constructor(folder: string, options: BaresipOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  /** Starts a phone and waits until it is registered. */
  static async start(options: BaresipOptions): Promise<Baresip> {
    const program = await ensurePeer('baresip');
    const phone = new Baresip(await mkdtemp(join(tmpdir(), 'viaduct-baresip-')), options);
    await phone.#writeConfig();
    const child = spawn(program, ['-f', phone.#folder], { stdio: ['ignore', 'pipe', 'pipe'] });
    phone.#process = child;
    const keep = (chunk: Buffer): void => {
      phone.#output = (phone.#output + chunk.toString()).slice(-200_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    try {
      await phone.#openControl(options.base + 2);
      await until(() => /\[\d+ bindings?\]/.test(phone.#output), { within: 8_000, what: 'the registration' });
    } catch (error) {
      await phone.stop();
      throw new Error(`baresip did not register:\n${phone.#output}`, { cause: error });
    }
    return phone;
  }

  /** What happened since the start, oldest first. */
  get events(): readonly BaresipEvent[] {
    return this.#events;
  }

  get output(): string {
    return this.#output;
  }

  /** A command of baresip's menu: `dial`, `accept`, `hangup`, `sndcode`. */
  command(command: string, params = ''): void {
    const json = JSON.stringify({ command, params, token: command });
    this.#control?.write(`${Buffer.byteLength(json)}:${json},`);
  }

  /** The text with which baresip answers a command, such as `video_debug`. */
  async ask(command: string): Promise<string> {
    const answered = new Promise<string>((resolve) => {
      this.#asked.set(command, resolve);
    });
    this.command(command);
    return answered;
  }

  dial(target: string): void {
    this.command('dial', target);
  }

  /** Presses keys during a call, one after another. */
  async sendDigits(digits: string): Promise<void> {
    for (const digit of digits) {
      this.command('sndcode', digit);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }

  /** The first event of that type after `since` (performance.now()). */
  async waitFor(type: string, options: { within?: number; since?: number } = {}): Promise<BaresipEvent> {
    const since = options.since ?? 0;
    return until(() => this.#events.find((event) => event.type === type && event.at >= since), {
      within: options.within ?? 8_000,
      every: 5,
      what: `baresip's ${type}; it told ${this.#events.map((event) => event.type).join(', ')}`,
    });
  }

  /** What the phone decoded in its last call, complete once the call is over. */
  async heard(): Promise<Sound> {
    const folder = join(this.#folder, 'rec');
    const names = readdirSync(folder).filter((name) => name.endsWith('-dec.wav'));
    const last = names.toSorted().at(-1);
    if (last === undefined) throw new Error(`baresip recorded nothing; ${readdirSync(folder).join(', ')}`);
    return decodeWav(await readFile(join(folder, last)));
  }

  async stop(): Promise<void> {
    const child = this.#process;
    this.#control?.destroy();
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 3_000);
      await exited;
      clearTimeout(timer);
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #openControl(port: number): Promise<void> {
    const connect = async (): Promise<Socket | undefined> => {
      const socket = createConnection(port, '127.0.0.1');
      const opened = await Promise.race([
        once(socket, 'connect').then(() => true),
        once(socket, 'error').then(() => false),
      ]).catch(() => false);
      return opened ? socket : undefined;
    };
    const socket = await until(connect, { within: 5_000, every: 50, what: "baresip's control port" });
    this.#control = socket;
    socket.on('error', () => {});
    let pending = '';
    socket.on('data', (chunk) => {
      pending += chunk.toString();
      for (;;) {
        const head = /^(\d+):/.exec(pending);
        if (head === null) return;
        const end = head[0].length + Number(head[1]);
        if (pending.length <= end) return;
        this.#onControl(pending.slice(head[0].length, end));
        pending = pending.slice(end + 1);
      }
    });
  }

  #onControl(json: string): void {
    const told = JSON.parse(json) as { event?: boolean; type?: string; param?: string; data?: string; token?: string };
    if (told.data !== undefined) this.#asked.get(told.token ?? '')?.(told.data);
    if (told.event !== true || told.type === undefined) return;
    this.#events.push({
      type: told.type,
      at: performance.now(),
      ...(told.param === undefined ? {} : { param: told.param }),
    });
  }

  async #writeConfig(): Promise<void> {
    const {
      base,
      user,
      password,
      domain,
      proxy,
      codecs = ['PCMU', 'PCMA', 'opus/48000/2'],
      answers = true,
      transport = 'udp',
      address = '127.0.0.1',
      mediaEncryption,
      caFile,
      camera,
    } = this.#options;
    const host = address.includes(':') ? `[${address}]` : address;
    const folder = this.#folder;
    const modules = moduleFolders.find((path) => existsSync(path)) ?? moduleFolders[0];
    await mkdir(join(folder, 'rec'));
    const lines = [
      `sip_listen ${host}:${base}`,
      `net_interface ${address}`,
      `sip_transports udp,tcp${caFile === undefined ? '' : ',tls'}`,
      ...(caFile === undefined ? [] : [`sip_cafile ${caFile}`, 'sip_verify_server yes']),
      `module_path ${modules}`,
      ...['g711', 'opus', 'g722', 'ausine', 'aufile', 'sndfile'].map((name) => `module ${name}.so`),
      ...(mediaEncryption === undefined ? [] : ['module srtp.so']),
      ...(camera === undefined ? [] : videoLines(camera)),
      'module_tmp account.so',
      'module_app menu.so',
      'module_app ctrl_tcp.so',
      `ctrl_tcp_listen 127.0.0.1:${base + 2}`,
      `audio_source ausine,${BARESIP_HZ}`,
      `audio_player aufile,${folder}/rec/play.wav`,
      'audio_alert aufile,/dev/null',
      'ausrc_srate 48000',
      'auplay_srate 48000',
      // ausine knows two channels only.
      'ausrc_channels 2',
      'auplay_channels 1',
      `rtp_ports ${base + 10}-${base + 59}`,
      `snd_path ${folder}/rec`,
      'opus_bitrate 28000',
    ];
    await writeFile(join(folder, 'config'), `${lines.join('\n')}\n`);
    const params = [
      `auth_user=${user}`,
      `auth_pass=${password}`,
      `outbound="sip:${proxy};transport=${transport}"`,
      `answermode=${answers ? 'auto' : 'manual'}`,
      'regint=60',
      'ptime=20',
      ...(mediaEncryption === undefined ? [] : [`mediaenc=${mediaEncryption}`]),
      `audio_codecs=${codecs.join(',')}`,
      ...(camera === undefined ? [] : ['video_codecs=H264']),
    ];
    await writeFile(join(folder, 'accounts'), `<sip:${user}@${domain};transport=${transport}>;${params.join(';')}\n`);
    await writeFile(join(folder, 'contacts'), '');
  }
}

/** `debug_cmd` tells the state of the video. */
function videoLines(camera: string): readonly string[] {
  return [
    ...['avcodec', 'avformat', 'fakevideo'].map((name) => `module ${name}.so`),
    'module_app debug_cmd.so',
    `video_source avformat,${camera}`,
    'video_display fakevideo,nil',
    `video_size ${BARESIP_CAMERA.width}x${BARESIP_CAMERA.height}`,
    `video_fps ${BARESIP_CAMERA.framesPerSec}`,
    'video_bitrate 300000',
    'avcodec_h264enc libx264',
    'avcodec_h264dec h264',
  ];
}
