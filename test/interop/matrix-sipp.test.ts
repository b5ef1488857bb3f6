/** What SIPp as a trunk does in a dialog, with Chromium on the other side: heard before, during and after, and never seen there. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { decodeG711, encodeG711, ToneGenerator } from '../../src/audio/index.ts';
import { Chromium, MICROPHONE_HZ, type SoftphonePage } from '../support/chromium.ts';
import { Gateway } from '../support/gateway.ts';
import { cellsOf } from '../support/matrix.ts';
import { RtpPeer } from '../support/rtp-peer.ts';
import { SippCall, type SippDialog } from '../support/sipp-call.ts';
import { SippScenario } from '../support/sipp-scenario.ts';
import { rmsOf, strongestHz } from '../support/sound.ts';
import { until } from '../support/until.ts';
import { type Watched, watchConnections, watched } from '../support/watch-connections.ts';

const BASE = 26_500;
const SIPP_PORT = BASE + 90;
const OTHER_SIPP_PORT = BASE + 91;
const LONG_SIPP_PORT = BASE + 92;
const PBX_HZ = 440;
const OTHER_HZ = 700;

let gateway: Gateway;
let chromium: Chromium;
let alice: SoftphonePage;
let bob: SoftphonePage;
let carol: SoftphonePage;
let pbx: TonePhone;
let other: TonePhone;
/** A call that lasts while the others come and go. */
let long: { readonly call: SippCall; readonly phone: TonePhone; readonly settled: Watched };
let calls: SippCall[] = [];

/** The media of SIPp's side: says a tone, and what it hears is measured. */
class TonePhone {
  readonly rtp: RtpPeer;
  readonly hz: number;

  private constructor(rtp: RtpPeer, hz: number) {
    this.rtp = rtp;
    this.hz = hz;
  }

  static async open(hz: number): Promise<TonePhone> {
    return new TonePhone(await RtpPeer.open(), hz);
  }

  /** Its first packet comes from the gateway's port, where ours then go. */
  async talk(): Promise<void> {
    const before = this.rtp.heard.length;
    const first = await until(() => this.rtp.heard[before], { within: 8_000, what: 'RTP from the gateway' });
    const tone = new ToneGenerator(this.hz, 8_000, -12);
    // A whole number of periods, so that it repeats without a seam.
    const frames = Array.from({ length: 50 }, () => Buffer.from(encodeG711('PCMU', tone.next(160))));
    this.rtp.play(frames, { payloadType: 0, ssrc: this.hz, step: 160, port: first.fromPort });
  }

  async hears(hz: number): Promise<void> {
    await until(
      async () => {
        const from = this.rtp.heard.length;
        await until(() => this.rtp.heard.length > from + 20, { within: 5_000, what: 'RTP from the gateway' });
        const packets = this.rtp.heard.slice(from).filter(({ payloadType }) => payloadType === 0);
        const codes = Buffer.concat(packets.map(({ payload }) => payload));
        const samples = Float32Array.from(decodeG711('PCMU', codes), (value) => value / 32_768);
        return Math.abs(strongestHz({ rateHz: 8_000, samples }) - hz) <= 5;
      },
      { within: 8_000, what: `${hz} Hz at SIPp's side` },
    );
  }

  async hearsNothing(): Promise<void> {
    await until(
      async () => {
        const before = this.rtp.heard.length;
        await new Promise((resolve) => setTimeout(resolve, 250));
        return this.rtp.heard.length === before;
      },
      { within: 3_000, what: "no RTP at SIPp's side" },
    );
  }
}

let version = 1;
function sdp(lines: readonly string[] = ['a=sendrecv'], { phone = pbx, address = '127.0.0.1' } = {}): string {
  version += 1;
  return [
    'v=0',
    `o=- 1 ${version} IN IP4 127.0.0.1`,
    's=-',
    `c=IN IP4 ${address}`,
    't=0 0',
    `m=audio ${phone.rtp.port} RTP/AVP 0 101`,
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:101 telephone-event/8000',
    ...lines,
    '',
  ].join('\n');
}

async function sipp(scenario: SippScenario, service?: string, port = SIPP_PORT): Promise<SippCall> {
  const towards = service === undefined ? {} : { to: gateway.sipAddress, service };
  const call = await SippCall.start({ scenario, port, ...towards });
  calls.push(call);
  return call;
}

/** The sound in the browser; music: something else than what anybody says. */
async function browserHears(page: SoftphonePage, hz: number | 'music'): Promise<void> {
  await until(
    async () => {
      const sound = await page.hear(0.5).catch(() => undefined);
      if (sound === undefined || rmsOf(sound) < 0.01) return false;
      const strongest = strongestHz(sound);
      if (hz !== 'music') return Math.abs(strongest - hz) <= 5;
      return [PBX_HZ, OTHER_HZ, MICROPHONE_HZ].every((said) => Math.abs(strongest - said) > 5);
    },
    { within: 10_000, what: hz === 'music' ? 'music in the browser' : `${hz} Hz in the browser` },
  ).catch(async (cause: unknown) => {
    const { call } = await page.state();
    throw new Error(`${String(cause)}: ${JSON.stringify([call, await page.quality()])}`, { cause });
  });
}

const look = (page = alice): Promise<Watched> => watched(page.page);

/** Both hear each other; what the browser's connection looks like then. */
async function talking(phone = pbx, page = alice): Promise<Watched> {
  await page.callIs('active');
  await phone.talk();
  await until(async () => (await look(page)).states.at(-1) === 'connected', { within: 8_000, what: 'DTLS' });
  await bothHear(phone.hz, phone, page);
  return look(page);
}

async function bothHear(hz: number, phone = pbx, page = alice): Promise<void> {
  await Promise.all([browserHears(page, hz), phone.hears(MICROPHONE_HZ)]);
}

beforeAll(async () => {
  [gateway, chromium] = await Promise.all([
    Gateway.start({
      base: BASE,
      settings: {
        trunks: [
          {
            name: 'pbx',
            addresses: [SIPP_PORT, OTHER_SIPP_PORT, LONG_SIPP_PORT].map((port) => `127.0.0.1:${port}`),
            target: `127.0.0.1:${SIPP_PORT}`,
            health: { intervalSec: 0 },
          },
        ],
      },
      profiles: { trunks: { transfer: { refer: 'bridge' }, sessionTimer: { expiresSec: 1800, minSec: 90 } } },
    }),
    Chromium.launch(),
  ]);
  const page = async (user: string): Promise<SoftphonePage> => {
    const softphone = await chromium.softphone(gateway.origin, watchConnections);
    await softphone.register(gateway.credentials(user));
    await softphone.answerAll();
    return softphone;
  };
  [alice, bob, carol] = await Promise.all([page('alice'), page('bob'), page('carol')]);
  await startLongCall();
});

beforeEach(async () => {
  [pbx, other] = await Promise.all([TonePhone.open(PBX_HZ), TonePhone.open(OTHER_HZ)]);
});

afterEach(async () => {
  await Promise.all([...calls.map((call) => call.stop()), pbx.rtp.close(), other.rtp.close()]);
  calls = [];
  for (const page of [alice, bob]) {
    if (!['idle', 'ended'].includes((await page.state()).call.kind)) await page.hangUp();
  }
});

afterAll(async () => {
  await long?.call.stop();
  await long?.phone.rtp.close();
  await chromium?.close();
  await gateway?.stop();
});

/** A call from SIPp, answered. */
const calling = (phone: TonePhone, headers: readonly string[] = ['Supported: timer'], checks = {}): SippScenario =>
  new SippScenario()
    .request('INVITE', { headers, body: sdp(['a=sendrecv'], { phone }) })
    .optional(100)
    .optional(180)
    .dialogResponse(200, checks)
    .ack();

const opened = (): SippScenario => calling(pbx).gate('talking');

async function startLongCall(): Promise<void> {
  const phone = await TonePhone.open(PBX_HZ);
  const headers = ['Supported: timer', 'Session-Expires: 90;refresher=uas', 'Allow: INVITE, ACK, BYE, CANCEL, UPDATE'];
  const scenario = calling(phone, headers, { headers: { 'Session-Expires': '90;refresher=uas' } })
    .incoming('UPDATE', { headers: { 'Session-Expires': '90;refresher=uac' } })
    .gate('refreshed')
    .incoming('BYE');
  const call = await SippCall.start({ scenario, port: LONG_SIPP_PORT, to: gateway.sipAddress, service: 'carol' });
  long = { call, phone, settled: await talking(phone, carol) };
}

/** Replaces names a dialog as its recipient has it. */
const replacesOf = ({ callId, localTag, remoteTag }: SippDialog): string =>
  `${callId};to-tag=${remoteTag};from-tag=${localTag}`;

const reinvited = (scenario: SippScenario, body: string, direction: string): SippScenario =>
  scenario
    .request('INVITE', { body })
    .optional(100)
    .response(200, { body: `a=${direction}` })
    .ack();

const updated = (scenario: SippScenario, body: string, direction: string): SippScenario =>
  scenario.request('UPDATE', { body }).response(200, { body: `a=${direction}` });

/** SIPp holds by `hold` and resumes; while it is held SIPp hears nothing, and the browser `heldHz`. */
async function holds(hold: (scenario: SippScenario) => SippScenario, heldHz: number | 'music'): Promise<void> {
  const held = hold(opened()).gate('held');
  const call = await sipp(reinvited(held, sdp(), 'sendrecv').gate('resumed').incoming('BYE'), 'alice');
  const settled = await talking();
  await call.pass('talking');
  await call.reached('held');
  await Promise.all([pbx.hearsNothing(), browserHears(alice, heldHz)]);
  await call.pass('held');
  await call.reached('resumed');
  await pbx.talk();
  await bothHear(PBX_HZ);
  await ends(call, 'resumed', settled);
}

/** Nothing of it all was seen in the browser, which hangs up. */
async function ends(call: SippCall, gate: string, settled: Watched): Promise<void> {
  await call.pass(gate);
  expect(await look()).toEqual(settled);
  await alice.hangUp();
  await call.done();
}

const cells = cellsOf('SIPp', {
  'hold: sendonly': () => holds((call) => reinvited(call, sdp(['a=sendonly']), 'recvonly'), PBX_HZ),
  'hold: inactive': () => holds((call) => reinvited(call, sdp(['a=inactive']), 'inactive'), 'music'),
  'hold: 0.0.0.0': () => holds((call) => reinvited(call, sdp([], { address: '0.0.0.0' }), 'recvonly'), PBX_HZ),
  're-INVITE: new port': async () => {
    const moved = reinvited(opened(), sdp(['a=sendrecv'], { phone: other }), 'sendrecv').gate('moved');
    const call = await sipp(moved.incoming('BYE'), 'alice');
    const settled = await talking();
    await call.pass('talking');
    await call.reached('moved');
    pbx.rtp.pause();
    await other.talk();
    await bothHear(OTHER_HZ, other);
    await pbx.hearsNothing();
    await ends(call, 'moved', settled);
  },
  're-INVITE: without offer': async () => {
    const scenario = opened().request('INVITE').optional(100).response(200, { body: 'm=audio [0-9]+ RTP/AVP' });
    const call = await sipp(scenario.ack(sdp()).gate('again').incoming('BYE'), 'alice');
    const settled = await talking();
    await call.pass('talking');
    await call.reached('again');
    await bothHear(PBX_HZ);
    await ends(call, 'again', settled);
  },
  UPDATE: () => holds((call) => updated(call, sdp(['a=sendonly']), 'recvonly'), PBX_HZ),
  'PRACK by the caller': async () => {
    const scenario = new SippScenario()
      .request('INVITE', { headers: ['Require: 100rel'], body: sdp() })
      .optional(100)
      .dialogResponse(180, { headers: { Require: '100rel' } }, true)
      .prack()
      .response(200, { headers: { CSeq: 'PRACK' } })
      .response(200, { headers: { CSeq: 'INVITE' } })
      .ack()
      .gate('talking')
      .incoming('BYE');
    const call = await sipp(scenario, 'alice');
    await ends(call, 'talking', await talking());
  },
  'PRACK by the callee': async () => {
    const scenario = new SippScenario()
      .called({ headers: { Supported: '100rel' } })
      .answer(183, { headers: ['Require: 100rel', 'RSeq: 71'], body: sdp() })
      .incoming('PRACK', { headers: { RAck: '^ *71 ' } })
      .gate('early')
      .answer(200)
      .incoming('ACK', {}, 0)
      .gate('talking')
      .incoming('BYE');
    const call = await sipp(scenario);
    await alice.call('4930123');
    await call.reached('early');
    await pbx.talk();
    await browserHears(alice, PBX_HZ);
    await call.pass('early');
    await ends(call, 'talking', await talking());
  },
  'session timer: the peer refreshes': async () => {
    const agreed = { headers: { 'Session-Expires': '90;refresher=uac' } };
    const headers = ['Supported: timer', 'Session-Expires: 90;refresher=uac'];
    const scenario = calling(pbx, headers, agreed)
      .gate('talking')
      .request('UPDATE', { headers })
      .response(200, agreed)
      .request('INVITE', { headers, body: sdp() })
      .optional(100)
      .response(200, agreed)
      .ack()
      .gate('refreshed')
      .incoming('BYE');
    const call = await sipp(scenario, 'alice');
    const settled = await talking();
    await call.pass('talking');
    await call.reached('refreshed');
    await bothHear(PBX_HZ);
    await ends(call, 'refreshed', settled);
  },
  'session timer: 422 from us': async () => {
    const asks = (seconds: number): readonly string[] => ['Supported: timer', `Session-Expires: ${seconds}`];
    const scenario = new SippScenario()
      .request('INVITE', { headers: asks(60), body: sdp() })
      .optional(100)
      .response(422, { headers: { 'Min-SE': '90' } })
      .ack()
      .request('INVITE', { headers: [...asks(90), 'Min-SE: 90'], body: sdp() })
      .optional(100)
      .optional(180)
      .dialogResponse(200, { headers: { 'Session-Expires': '90;refresher=uac', Require: 'timer' } })
      .ack()
      .gate('talking')
      .incoming('BYE');
    const call = await sipp(scenario, 'alice');
    await ends(call, 'talking', await talking());
  },
  'session timer: 422 from the peer': async () => {
    const scenario = new SippScenario()
      .called()
      .refusedUnless('Session-Expires', '^ *3600', 422, ['Min-SE: 3600'])
      .answer(200, { headers: ['Supported: timer', 'Session-Expires: 3600;refresher=uac'], body: sdp() })
      .incoming('ACK', {}, 0)
      .gate('talking')
      .incoming('BYE');
    // The second INVITE has a Call-ID of its own.
    const call = await SippCall.start({ scenario, port: SIPP_PORT, calls: 2 });
    calls.push(call);
    await alice.call('4930123');
    await ends(call, 'talking', await talking());
  },
  'REFER by the peer': async () => {
    const scenario = opened()
      .request('REFER', { headers: ['Refer-To: <sip:bob@[remote_ip]>'] })
      .response(202)
      .incoming('NOTIFY', { body: 'SIP/2.0 100' })
      .incoming('NOTIFY', { body: 'SIP/2.0 180' })
      .incoming('NOTIFY', { body: 'SIP/2.0 200', headers: { 'Subscription-State': 'terminated' } })
      .incoming('BYE');
    const call = await sipp(scenario, 'alice');
    const settled = await talking();
    await call.pass('talking');
    await call.done();
    pbx.rtp.pause();

    await Promise.all([browserHears(alice, MICROPHONE_HZ), browserHears(bob, MICROPHONE_HZ)]);
    expect(await look()).toEqual(settled);
    await bob.hangUp();
    await alice.callIs('ended');
  },
  'REFER by the softphone': async () => {
    const call = await sipp(opened().incoming('BYE'), 'alice');
    await talking();
    await call.pass('talking');
    await alice.transfer('bob');
    await alice.callIs('ended');
    // The same dialog of SIPp's, which is asked for nothing, and another browser.
    await bothHear(PBX_HZ, pbx, bob);
    await bob.hangUp();
    await call.done();
  },
  'REFER with Replaces': async () => {
    const consultation = await sipp(calling(other).gate('talking').incoming('BYE'), 'bob', OTHER_SIPP_PORT);
    const bobSettled = await talking(other, bob);
    const replaces = encodeURIComponent(replacesOf(await consultation.reached('talking')));
    const scenario = opened()
      .request('REFER', { headers: [`Refer-To: <sip:bob@[remote_ip]?Replaces=${replaces}>`] })
      .response(202)
      .incoming('NOTIFY', { body: 'SIP/2.0 100' })
      .incoming('NOTIFY', { body: 'SIP/2.0 200', headers: { 'Subscription-State': 'terminated' } })
      .incoming('BYE');
    const call = await sipp(scenario, 'alice');
    const settled = await talking();
    await consultation.pass('talking');
    await call.pass('talking');
    await Promise.all([call.done(), consultation.done()]);
    await Promise.all([browserHears(alice, MICROPHONE_HZ), browserHears(bob, MICROPHONE_HZ)]);
    expect([await look(), await look(bob)]).toEqual([settled, bobSettled]);
    await alice.hangUp();
    await bob.callIs('ended');
  },
  'INVITE with Replaces': async () => {
    const call = await sipp(opened().incoming('BYE'), 'alice');
    const settled = await talking();
    const headers = ['Require: replaces', `Replaces: ${replacesOf(await call.reached('talking'))}`];
    await call.pass('talking');
    const taking = await sipp(calling(other, headers).gate('talking').incoming('BYE'), 'alice', OTHER_SIPP_PORT);
    await call.done();
    await taking.reached('talking');
    await other.talk();
    await bothHear(OTHER_HZ, other);
    await ends(taking, 'talking', settled);
  },
  'session timer: we refresh': async () => {
    // Half of 90 seconds after the start (RFC 4028 §10).
    await long.call.reached('refreshed', 60_000);
    await bothHear(PBX_HZ, long.phone, carol);
    expect(await look(carol)).toEqual(long.settled);
    await long.call.pass('refreshed');
    await carol.hangUp();
    await long.call.done();
  },
});

test.each(cells)('SIPp, $name', ({ run }) => run());
