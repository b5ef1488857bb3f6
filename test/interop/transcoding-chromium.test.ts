/** S77: a PBX without Opus and a browser with nothing else hear each other, until they come to have a codec in common. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createDecoder, createEncoder, measureTone } from '../../src/audio/index.ts';
import type { CallRecord } from '../../src/calls/index.ts';
import { Chromium, MICROPHONE_HZ, type SoftphonePage } from '../support/chromium.ts';
import { Gateway } from '../support/gateway.ts';
import { PbxDialog, pbxSdp } from '../support/pbx-dialog.ts';
import { type HeardPacket, RtpPeer } from '../support/rtp-peer.ts';
import { openUdpPeer, type SipPeer } from '../support/sip-peer.ts';
import { amplitudeOf, rmsOf, strongestHz } from '../support/sound.ts';
import { until } from '../support/until.ts';

const PBX_HZ = 440;
const SEC = 1;
const MIN_SNR_DB = 15;

const CODECS = {
  PCMA: { payloadType: 8, rtpmap: 'PCMA/8000', step: 160 },
  G722: { payloadType: 9, rtpmap: 'G722/8000', step: 160 },
  opus: { payloadType: 96, rtpmap: 'opus/48000/2', step: 960 },
} as const;
type PbxCodec = keyof typeof CODECS;

let gateway: Gateway;
let chromium: Chromium;
let alice: SoftphonePage;
let pbx: SipPeer;
let rtp: RtpPeer;
let dialog: PbxDialog | undefined;

beforeAll(async () => {
  pbx = await openUdpPeer({ port: 29_202 });
  const trunks = [{ name: 'pbx', address: pbx.address }];
  const profiles = { browsers: { codecs: ['opus'] } };
  [gateway, chromium, rtp] = await Promise.all([
    Gateway.start({ base: 29_200, trunks, profiles }),
    Chromium.launch(),
    RtpPeer.open(),
  ]);
  alice = await chromium.softphone(gateway.origin);
  await alice.register(gateway.credentials('alice'));
  await alice.answerAll();
});

afterAll(async () => {
  await chromium?.close();
  await gateway?.stop();
  await rtp?.close();
  await pbx?.close();
});

async function hangUp(): Promise<void> {
  const call = dialog;
  dialog = undefined;
  rtp.pause();
  await call?.request('BYE', '');
  if (call !== undefined) await alice.callIs('ended');
}

afterEach(hangUp);

/** A second of the PBX's tone, a packet for each 20 ms. */
async function tone(name: PbxCodec): Promise<Buffer[]> {
  const encoder = await createEncoder(name);
  const frame = encoder.rateHz / 50;
  const pcm = Int16Array.from({ length: encoder.rateHz }, (_, i) =>
    Math.round(10_000 * Math.sin((2 * Math.PI * PBX_HZ * i) / encoder.rateHz)),
  );
  const frames = Array.from({ length: 50 }, (_, i) =>
    Buffer.from(encoder.encode(pcm.subarray(i * frame, (i + 1) * frame))),
  );
  encoder.close();
  return frames;
}

async function say(name: PbxCodec, port: number): Promise<void> {
  const { payloadType, step } = CODECS[name];
  rtp.play(await tone(name), { payloadType, step, ssrc: 0x7e57, port });
}

/** Whether half a second of what the PBX has heard since then is the browser's microphone, and hardly anything else. */
async function hasMicrophone(name: PbxCodec, packets: readonly HeardPacket[]): Promise<boolean> {
  const decoder = await createDecoder(name);
  const pcm = Int16Array.from(packets.flatMap(({ payload }) => [...decoder.decode(payload)]));
  decoder.close();
  const { frequencyHz, snrDb } = measureTone(pcm.subarray(-decoder.rateHz / 2), decoder.rateHz, MICROPHONE_HZ);
  return packets.length > 40 && Math.abs(frequencyHz - MICROPHONE_HZ) < 5 && snrDb > MIN_SNR_DB;
}

async function hearsEachOther(name: PbxCodec): Promise<void> {
  const { payloadType } = CODECS[name];
  const from = rtp.heard.length;
  const mine = (): readonly HeardPacket[] => rtp.heard.slice(from).filter((each) => each.payloadType === payloadType);
  // A crowded machine cuts the sound up now and then: it is heard again.
  await until(async () => hasMicrophone(name, mine()), { within: 10_000, what: `the browser at the PBX, by ${name}` });
  await until(
    async () => {
      const sound = await alice.hear(SEC);
      // The amplitude of a tone alone is √2 times the effective value.
      const share = amplitudeOf(sound, PBX_HZ) / (Math.SQRT2 * rmsOf(sound));
      return Math.abs(strongestHz(sound) - PBX_HZ) < 5 && share > 0.9;
    },
    { within: 15_000, what: `the PBX in the browser, by ${name}` },
  );
}

async function current(): Promise<CallRecord> {
  const [call] = await gateway.calls();
  return (await gateway.api(`/calls/${call?.callId}`)) as CallRecord;
}

test.each(['PCMA', 'G722'] as const)('a PBX with %s alone and Chromium with Opus alone', async (name) => {
  const before = await gateway.metric('transcoded_seconds_total');
  dialog = new PbxDialog(pbx, `sip:alice@${gateway.sipAddress}`);
  const { port, answer } = await dialog.offer(pbxSdp({ port: rtp.port, codecs: [CODECS[name]] }));
  expect(answer).toContain(CODECS[name].rtpmap);
  await say(name, port);
  await hearsEachOther(name);
  const { codecs, legs } = await current();
  expect(legs).toMatchObject([{ codec: name }, { codec: 'opus' }]);
  expect(codecs).toMatchObject({ isTranscoding: true, replans: 0 });
  expect(codecs?.reason).toContain(`${name} of the first party becomes opus for the second`);

  await hangUp();
  await until(async () => (await gateway.calls())[0]?.endedAt !== undefined, { within: 5_000, what: 'the record' });
  expect((await current()).codecs?.transcodedSec).toBeGreaterThan(SEC);
  expect((await gateway.metric('transcoded_seconds_total')) - before).toBeGreaterThan(SEC);
});

test('transcoding ends when the PBX comes to have Opus, and the browser hears nothing of it', async () => {
  dialog = new PbxDialog(pbx, `sip:alice@${gateway.sipAddress}`);
  const first = await dialog.offer(pbxSdp({ port: rtp.port, codecs: [CODECS.PCMA] }));
  await say('PCMA', first.port);
  await hearsEachOther('PCMA');
  const look = await alice.watchIce();
  const before = await look();

  const second = await dialog.offer(pbxSdp({ port: rtp.port, codecs: [CODECS.PCMA, CODECS.opus] }));
  expect(second.answer).toContain('opus/48000/2');
  await say('opus', second.port);
  await hearsEachOther('opus');
  expect((await current()).codecs).toMatchObject({ isTranscoding: false, replans: 1 });
  expect(await gateway.metric('viaduct_codec_changes_total{to="passed"}')).toBe(1);
  const counted = await gateway.metric('transcoded_seconds_total');
  await alice.hear(SEC);
  expect(await gateway.metric('transcoded_seconds_total')).toBe(counted);
  expect(await look()).toEqual(before);

  // And back, when the PBX drops it again.
  const third = await dialog.offer(pbxSdp({ port: rtp.port, codecs: [CODECS.PCMA] }));
  await say('PCMA', third.port);
  await hearsEachOther('PCMA');
  expect((await current()).codecs).toMatchObject({ isTranscoding: true, replans: 2 });
  expect(await look()).toEqual(before);
});
