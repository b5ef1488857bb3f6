/** Asterisk 22 dials in by its AudioSocket application: whom its caller talks with, keys, and both ends. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeG711, encodeG711, measureTone, ToneGenerator } from '../../src/audio/index.ts';
import { Asterisk } from '../support/asterisk.ts';
import { AudioSocketAgent, type AudioSocketPeer } from '../support/audio-socket.ts';
import { Gateway } from '../support/gateway.ts';
import { RtpPeer } from '../support/rtp-peer.ts';
import { audioSdp, type PhoneDialog, rtpPortOf, SipPhone } from '../support/sip-phone.ts';
import { until } from '../support/until.ts';

const BASE = 27_700;
const PBX = { address: '127.0.0.3', port: 27_790 };
const LISTENER = BASE + 70;
const UUID = '40325ec2-5efd-4bd3-805f-53576e581d13';
const PCMU = ['0 PCMU/8000', '101 telephone-event/8000'];
const AUDIO = 0x10;

let gateway: Gateway;
let pbx: Asterisk;
let agent: AudioSocketAgent;
let phone: SipPhone;

beforeAll(async () => {
  agent = await AudioSocketAgent.start();
  const address = `${PBX.address}:${PBX.port}`;
  gateway = await Gateway.start({
    base: BASE,
    users: ['exchange'],
    settings: {
      trunks: [{ name: 'pbx', addresses: [address], target: address }],
      agents: [{ name: 'assistant', protocol: 'audiosocket', address: agent.address, warmUpSec: 0.3 }],
      audioSocket: { port: LISTENER, calls: [{ uuid: UUID, to: 'assistant', from: 'pbx' }] },
    },
  });
  pbx = await Asterisk.start({
    ...PBX,
    rtpBase: 27_800,
    gateway: gateway.sipAddress,
    account: gateway.credentials('exchange'),
    audioSocket: { uuid: UUID, server: `127.0.0.1:${LISTENER}` },
  });
  phone = await SipPhone.open({
    user: 'carol',
    password: gateway.credentials('carol').password,
    domain: gateway.domain,
    gatewayPort: gateway.sipPort,
  });
  await phone.register();
});
afterAll(async () => {
  await phone?.peer.close();
  await pbx?.stop();
  await gateway?.stop();
  await agent?.stop();
});

interface Talk {
  readonly call: AudioSocketPeer;
  readonly rtp: RtpPeer;
  readonly dialog: PhoneDialog;
}

/** The phone calls the PBX, which brings in the agent. */
async function talk(): Promise<Talk> {
  const rtp = await RtpPeer.open();
  const next = agent.next();
  const dialog = await phone.call('620', audioSdp(rtp.port, PCMU));
  const second = Buffer.from(encodeG711('PCMU', new ToneGenerator(400, 8000, -12).next(8000)));
  const frames = Array.from({ length: 50 }, (_, i) => second.subarray(160 * i, 160 * (i + 1)));
  rtp.play(frames, { port: rtpPortOf(dialog.remoteSdp), payloadType: 0, ssrc: 5, step: 160 });
  return { call: await next(), rtp, dialog };
}

async function hears(count: () => number, hz: number, last: () => Int16Array): Promise<void> {
  for (let attempt = 0; attempt < 8; attempt++) {
    const enough = count() + 30;
    await until(() => count() >= enough, { within: 5_000, what: 'audio' });
    if (measureTone(last(), 8000, hz).snrDb > 15) return;
  }
  throw new Error(`no clean ${hz} Hz`);
}

describe('Asterisk, by AudioSocket', () => {
  test('brings its caller to an agent: both are heard, keys arrive, and the agent hangs up', async () => {
    const { call, rtp, dialog } = await talk();
    call.say(AUDIO, 8000, new ToneGenerator(700, 8000, -12).next(8000 * 20));
    await hears(
      () => rtp.heard.length,
      700,
      () => decodeG711('PCMU', Buffer.concat(rtp.heard.slice(-20).map(({ payload }) => payload))),
    );
    await hears(
      () => call.of(AUDIO).length,
      400,
      () => call.heard(AUDIO, 8000, 400),
    );
    rtp.pause();
    const port = rtpPortOf(dialog.remoteSdp);
    await rtp.sendDigit('5', 160, { port, payloadType: 101, ssrc: 5, step: 160, eventStep: 160 });
    await until(() => call.of(0x03).length > 0, { within: 5_000, what: 'the key' });
    expect(call.of(0x03).map(({ payload }) => payload.toString())).toEqual(['5']);
    const bye = dialog.awaitBye(8_000);
    call.send(0x00);
    await bye;
    await rtp.close();
  });

  test('whose caller hangs up, ends the call with the agent', async () => {
    const { call, rtp, dialog } = await talk();
    await until(() => call.of(AUDIO).length > 20, { within: 5_000, what: 'the caller' });
    await dialog.bye();
    await until(() => call.isEnded, { within: 5_000, what: 'the end' });
    await rtp.close();
  });
});
