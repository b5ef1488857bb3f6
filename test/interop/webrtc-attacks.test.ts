/** What strangers send to the port where browsers' media arrives, with real ICE and DTLS-SRTP endpoints in calls beside them. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { phoneLeg, startTestPlane, type TestPlane } from '../media/support/test-plane.ts';
import { DtlsCalls, webFormat } from '../support/dtls-calls.ts';
import { until } from '../support/until.ts';
import { WebRtcAttacker } from '../support/webrtc-attacker.ts';

const PORT = 44_480;
const STRANGERS = Array.from({ length: 8 }, (_, i) => `127.0.0.${60 + i}`);

let media: TestPlane;
let calls: DtlsCalls;
let attacker: WebRtcAttacker;
let fragment = 'unknown';

beforeAll(async () => {
  media = await startTestPlane(PORT);
  calls = await DtlsCalls.start(media.plane, 25_000);
  attacker = await WebRtcAttacker.open({ port: PORT, addresses: [...STRANGERS, '127.0.0.1'], rate: 300 });
});

afterAll(async () => {
  await attacker?.close();
  await calls?.stop();
  await media?.plane.stop();
});

/** Seconds of CPU that the media worker has used. */
function workerSeconds(): number {
  const [pid = 0] = media.plane.workerPids;
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

it('T20: ClientHellos of strangers during set-up make no call fail', async () => {
  attacker.start(['client-hello'], () => ({ usernameFragment: fragment }));
  for (let call = 0; call < 30; call++) await calls.callTone();
  attacker.pause();
  expect(calls.counts).toEqual({ dtls: 30, hearing: 30, failed: 0 });
  expect(attacker.sent).toBeGreaterThan(300);
  expect(attacker.leaked).toBe(0);
  expect(media.events.filter(({ kind }) => kind === 'port-failed')).toEqual([]);
});

it('T22, T24: forged bindings, RTP and RTCP change no path, are not heard, and cost little', async () => {
  const { portId, usernameFragment } = await calls.open();
  fragment = usernameFragment;
  const phone = await phoneLeg(media, 'phone', webFormat);
  await media.plane.bridge(portId, 'phone' as typeof portId);
  calls.speak();
  phone.peer.play([Buffer.alloc(160, 7)], phone.target);
  try {
    await until(() => phone.peer.heard.length > 10, { within: 10_000, what: 'the browser to be heard' });
    const before = { cpu: workerSeconds(), heard: phone.peer.heard.length, received: await calls.received() };
    const sent = attacker.sent;
    attacker.start(['stun', 'rtp', 'rtcp', 'client-hello'], () => ({ usernameFragment: fragment }));
    await sleep(3_000);
    attacker.pause();
    expect(attacker.sent - sent).toBeGreaterThan(1_000);
    // The call went on in both directions over the path it had.
    expect(phone.peer.heard.length - before.heard).toBeGreaterThan(100);
    expect((await calls.received()) - before.received).toBeGreaterThan(100);
    expect(phone.peer.heard.filter(({ payload }) => payload[159] !== 0x55)).toEqual([]);
    expect(attacker.leaked).toBe(0);
    expect(calls.counts).toMatchObject({ dtls: 31, failed: 0 });
    expect(workerSeconds() - before.cpu).toBeLessThan(1.5);
    expect(media.events.filter(({ kind }) => kind === 'port-failed')).toEqual([]);
  } finally {
    await phone.peer.close();
    await Promise.all([media.plane.close(portId), media.plane.close('phone' as typeof portId)]);
  }
});
