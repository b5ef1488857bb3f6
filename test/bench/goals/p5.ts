import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { Chromium, type SoftphonePage } from '../../support/chromium.ts';
import { RtpPeer } from '../../support/rtp-peer.ts';
import { sleep } from '../lib/command.ts';
import { startGateway } from '../lib/gateway.ts';
import type { BenchOptions, Figures, Goal } from '../lib/goal.ts';
import { median, round } from '../lib/median.ts';
import { hasProgram } from '../lib/packages.ts';
import { plainSdp } from '../lib/sdp.ts';
import { AnsweringPhone } from '../lib/sip-uas.ts';
import { StockCaller } from '../lib/stock-caller.ts';
import { startWebRtcAsterisk } from '../peers/asterisk-webrtc.ts';

const loopback = '127.0.0.1';
const phone = { address: '127.0.0.2', port: 61_904 };
const ports = { http: 44_570, https: 44_571, sip: 44_572, ws: 44_573, webRtc: 44_574 };
const account = { user: 'alice', password: 'secret-of-alice', domain: 'viaduct.bench' };
/** Calls in one page, after a first one that warms it up. */
const callsPerRepeat = 5;
const ulawSilence = Buffer.alloc(160, 0xff);

interface CallTimes {
  readonly invite: number;
  readonly answer: number;
  /** First RTP in the slower direction. */
  readonly rtp: number;
}

const wallNow = (): number => performance.timeOrigin + performance.now();

/** The phone behind the trunk: answers at once and sends from then on. */
class Callee {
  readonly #rtp: RtpPeer;
  readonly #sip: AnsweringPhone;

  constructor(rtp: RtpPeer) {
    this.#rtp = rtp;
    this.#sip = new AnsweringPhone(phone.address, phone.port, (_, offer) => {
      const port = Number(/m=audio (\d+)/.exec(offer)?.[1]);
      rtp.play([ulawSilence], { port, payloadType: 0, ssrc: 0x5a5a0001, step: 160 });
      return plainSdp(loopback, rtp.port);
    });
  }

  start(): Promise<void> {
    return this.#sip.start();
  }

  forget(): void {
    this.#rtp.pause();
    this.#rtp.heard.length = 0;
  }

  /** Wall time of the first packet heard. */
  async heardFirst(): Promise<number> {
    for (let waited = 0; waited < 200; waited += 1) {
      const first = this.#rtp.heard[0];
      if (first !== undefined) return performance.timeOrigin + first.at;
      await sleep(10);
    }
    throw new Error('P5: no RTP came from the browser');
  }

  async stop(): Promise<void> {
    this.#sip.stop();
    await this.#rtp.close();
  }
}

async function oneCall(page: SoftphonePage, callee: Callee): Promise<CallTimes> {
  callee.forget();
  const origin = await page.page.evaluate(() => performance.timeOrigin);
  const begun = wallNow() - origin;
  await page.call('1234');
  await page.callIs('active');
  const heard = await callee.heardFirst();
  const at = await eventTimes(page, begun, ['click', 'invite-sent', 'answered', 'first-rtp']);
  await page.hangUp();
  await sleep(700);
  const [click = 0, invite = 0, answer = 0, rtp = 0] = at;
  return { invite: invite - click, answer: answer - click, rtp: Math.max(rtp, heard - origin) - click };
}

/** When these events of the call came, in the page's milliseconds. */
async function eventTimes(page: SoftphonePage, since: number, names: readonly string[]): Promise<number[]> {
  for (let waited = 0; waited < 200; waited += 1) {
    const log = (await page.log()).filter(({ at }) => at >= since);
    const found = names.map((name) => log.find((event) => event.name === name)?.at);
    if (found.every((at) => at !== undefined)) return found;
    await sleep(10);
  }
  throw new Error(`P5: the softphone did not log ${names.join(', ')}`);
}

function configuration(folder: string): Parameters<typeof startGateway>[2] {
  return {
    profiles: {
      browsers: { listeners: [{ transport: 'ws', address: loopback, port: ports.ws }], media: 'webrtc' },
      phones: { listeners: [{ transport: 'udp', address: loopback, port: ports.sip }], media: 'rtp' },
      trunks: { media: 'rtp', codecs: ['PCMU'], nat: { source: 'sdp' }, auth: { required: false } },
    },
    config: {
      data: path.join(folder, 'data'),
      log: { level: 'info', format: 'json' },
      http: { address: loopback, port: ports.http },
      https: { address: loopback, port: ports.https },
      sip: { domain: account.domain, domains: [loopback], profiles: path.join(folder, 'sip-profiles') },
      media: {
        listenAddress: loopback,
        announcedAddress: loopback,
        portRange: { min: 44_600, max: 44_699 },
        quarantineSec: 1,
        webRtcPort: ports.webRtc,
        workers: 1,
        edgeThreads: 1,
      },
      users: [{ name: account.user, password: account.password }],
      trunks: [
        { name: 'pbx', addresses: [`${phone.address}:${phone.port}`], target: `${phone.address}:${phone.port}` },
      ],
    },
  };
}

/** One page after another, each with a first call that warms it up. */
async function measureSoftphone(options: BenchOptions, chromium: Chromium, callee: Callee): Promise<Figures> {
  const times: CallTimes[] = [];
  for (let repeat = 0; repeat < options.repeats; repeat += 1) {
    const page = await chromium.softphone(`http://${loopback}:${ports.http}`);
    await page.register(account);
    await page.lineIs('online');
    await oneCall(page, callee);
    for (let call = 0; call < callsPerRepeat; call += 1) times.push(await oneCall(page, callee));
    await page.close();
  }
  return figuresOf(times, options);
}

/** The same with SIP.js as it comes. */
async function measureStock(
  options: BenchOptions,
  chromium: Chromium,
  { callee, server }: { readonly callee: Callee; readonly server: string },
): Promise<Figures> {
  const times: CallTimes[] = [];
  await StockCaller.with(chromium, async (open) => {
    for (let repeat = 0; repeat < options.repeats; repeat += 1) {
      const caller = await open();
      await caller.register({ server, ...account });
      await oneStockCall(caller, callee);
      for (let call = 0; call < callsPerRepeat; call += 1) times.push(await oneStockCall(caller, callee));
      await caller.close();
    }
  });
  return figuresOf(times, options);
}

async function oneStockCall(caller: StockCaller, callee: Callee): Promise<CallTimes> {
  callee.forget();
  const origin = await caller.page.evaluate(() => performance.timeOrigin);
  const { click, invite, answer, rtp } = await caller.call(`sip:1234@${account.domain}`);
  const heard = await callee.heardFirst();
  await caller.hangUp();
  await sleep(700);
  return { invite: invite - click, answer: answer - click, rtp: Math.max(rtp, heard - origin) - click };
}

function figuresOf(times: readonly CallTimes[], options: BenchOptions): Figures {
  options.log(`P5: ${JSON.stringify(times.map((one) => round(one.answer, 0)))} ms to 200`);
  const middle = (pick: (one: CallTimes) => number): number => round(median(times.map(pick)));
  const clickTo200Ms = middle(({ answer }) => answer);
  return {
    value: clickTo200Ms,
    clickToInviteMs: middle(({ invite }) => invite),
    clickTo200Ms,
    clickToRtpMs: middle(({ rtp }) => rtp),
  };
}

/** `ours`: our softphone. Both others: SIP.js, through us and through Asterisk. */
interface Measured {
  readonly ours: Figures;
  readonly stock: Figures;
  readonly asterisk: Figures | 'missing';
}

async function measure(options: BenchOptions): Promise<Measured> {
  const folder = path.join(options.folder, 'p5');
  const asteriskFolder = path.join(options.folder, 'p5-asterisk');
  for (const each of [folder, asteriskFolder]) mkdirSync(each, { recursive: true });
  const callee = new Callee(await RtpPeer.open());
  const chromium = await Chromium.launch();
  try {
    await callee.start();
    const gateway = await startGateway(folder, ports.http, configuration(folder));
    let ours: Figures;
    let stock: Figures;
    try {
      ours = await measureSoftphone(options, chromium, callee);
      stock = await measureStock(options, chromium, { callee, server: `ws://${loopback}:${ports.ws}` });
    } finally {
      await gateway.stop();
    }
    const peer = await startWebRtcAsterisk(asteriskFolder, options.log, { account, phone });
    if (peer === undefined) return { ours, stock, asterisk: 'missing' };
    try {
      return { ours, stock, asterisk: await measureStock(options, chromium, { callee, server: peer.server }) };
    } finally {
      await peer.stop();
    }
  } finally {
    await chromium.close();
    await callee.stop();
  }
}

/** Call set-up as a person at the softphone sees it. */
export const p5: Goal = {
  id: 'P5',
  about: 'set-up in Chromium: our softphone and SIP.js as it comes, to a phone that answers at once',
  target:
    'click to INVITE at most 50 ms, to 200 at most 100 ms, to RTP both ways at most 180 ms; with SIP.js no slower than Asterisk',
  async measure(options) {
    if (!(await hasProgram('chromium', options.log))) throw new Error('P5 needs Chromium: apt-get install chromium');
    const { ours, stock, asterisk } = await measure(options);
    const calls = options.repeats * callsPerRepeat;
    const unit = 'ms from click to 200';
    return [
      { id: 'P5', unit, calls, viaduct: ours, peers: {} },
      { id: 'P5 SIP.js', unit, calls, viaduct: stock, peers: { asterisk } },
    ];
  },
};
