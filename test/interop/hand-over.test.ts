/** Calls of the whole gateway that mediasoup carries alone: they come about, and nothing of them is hidden for it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CallRecord } from '../../src/calls/index.ts';
import { Chromium, type SoftphonePage } from '../support/chromium.ts';
import { Gateway } from '../support/gateway.ts';
import { PbxDialog, pbxSdp } from '../support/pbx-dialog.ts';
import { digitsIn, RtpPeer } from '../support/rtp-peer.ts';
import { openUdpPeer, type SipPeer } from '../support/sip-peer.ts';
import { audioSdp, rtpPortOf, SipPhone } from '../support/sip-phone.ts';
import { until } from '../support/until.ts';

const BASE = 31_200;
const SILENCE = [Buffer.alloc(160, 0xff)];
const EVENT = 101;

let gateway: Gateway;
let chromium: Chromium;
let pbx: SipPeer;
let alice: SoftphonePage;
beforeAll(async () => {
  pbx = await openUdpPeer({ port: BASE + 2 });
  [gateway, chromium] = await Promise.all([
    Gateway.start({ base: BASE, trunks: [{ name: 'pbx', address: pbx.address }] }),
    Chromium.launch(),
  ]);
  alice = await chromium.softphone(gateway.origin);
  await alice.register(gateway.credentials('alice'));
});
afterAll(async () => {
  await chromium?.close();
  await gateway?.stop();
  await pbx?.close();
});

async function handedOver(): Promise<void> {
  const isAway = async (): Promise<boolean> => (await gateway.metric('viaduct_media_ports_handed_over')) === 1;
  await until(isAway, { within: 15_000, what: 'the port to be handed over' });
}

async function record(): Promise<CallRecord> {
  const [newest] = await gateway.calls();
  return (await gateway.api(`/calls/${newest?.callId}`)) as CallRecord;
}

describe('a call that is handed over', () => {
  test('of a PBX: its keys are told, and its record says how it goes', async () => {
    await alice.answerAll();
    const peer = await RtpPeer.open();
    const dialog = new PbxDialog(pbx, `sip:alice@${gateway.domain}`);
    const codecs = [{ payloadType: 0, rtpmap: 'PCMU/8000' }];
    const { port } = await dialog.offer(pbxSdp({ port: peer.port, codecs }));
    const target = { port, payloadType: 0, ssrc: 0x77, step: 160 };
    peer.play(SILENCE, target);
    await alice.callIs('active');
    await handedOver();
    const digits = await gateway.metric('viaduct_digits_total');
    await alice.sendDigits('42');
    peer.pause();
    await peer.sendDigit('7', 120, { ...target, payloadType: EVENT, eventStep: 160 });
    peer.play(SILENCE, target);
    await until(async () => (await gateway.metric('viaduct_digits_total')) === digits + 3, {
      within: 5_000,
      what: 'three keys',
    });
    expect(digitsIn(peer.heard, EVENT).map(({ digit }) => digit)).toEqual(['4', '2']);
    const now = await record();
    expect(now.codecs).toMatchObject({ isTranscoding: false, reason: expect.stringContaining('PCMU') as string });
    expect(now.legs).toMatchObject([
      { kind: 'sip', codec: 'PCMU', media: { encryption: 'none', path: { phase: 'handed-over' } } },
      { kind: 'webrtc', codec: 'PCMU', media: { encryption: 'DTLS-SRTP', path: { phase: 'handed-over' } } },
    ]);
    for (const { media } of now.legs) expect(media?.packetsReceived).toBeGreaterThan(50);
    expect(await dialog.bye()).toBeUndefined();
    await until(async () => (await record()).endedAt !== undefined, { within: 5_000, what: 'the end' });
    const ended = await record();
    for (const { media } of ended.legs) expect(media?.path?.handedOverSec).toBeGreaterThan(0.1);
    await peer.close();
  });

  test('to a phone: it is handed over as well', async () => {
    const { user, password, domain } = gateway.credentials('bob');
    const bob = await SipPhone.open({ user, password, domain, gatewayPort: gateway.sipPort });
    await bob.register();
    const peer = await RtpPeer.open();
    const answered = bob.answer((offer) => {
      const events = /a=rtpmap:(\d+ telephone-event\/8000)/.exec(offer)?.[1] ?? '';
      return audioSdp(peer.port, ['0 PCMU/8000', events]);
    });
    await alice.call('bob');
    const dialog = await answered;
    await alice.callIs('active');
    peer.play(SILENCE, { port: rtpPortOf(dialog.remoteSdp), payloadType: 0, ssrc: 0x78, step: 160 });
    await handedOver();
    expect((await record()).legs).toMatchObject([
      { kind: 'webrtc', media: { path: { phase: 'handed-over' } } },
      { kind: 'sip', media: { path: { phase: 'handed-over' } } },
    ]);
    await alice.hangUp();
    await dialog.awaitBye();
    await Promise.all([peer.close(), bob.close()]);
  });
});
