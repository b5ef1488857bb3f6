/**
 * What strangers send to the ports of calls between browsers and phones, with real ICE and DTLS-SRTP endpoints in the
 * calls beside them: where the edge carries them, and where it has left the port to mediasoup.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PortId } from '../../src/kernel/index.ts';
import { phoneLeg, startTestPlane, type TestPlane } from '../media/support/test-plane.ts';
import { DtlsCalls, webFormat } from '../support/dtls-calls.ts';
import { RtpSprayer } from '../support/rtp-sprayer.ts';
import { until } from '../support/until.ts';
import { WebRtcAttacker } from '../support/webrtc-attacker.ts';

const PORT = 44_480;
const STRANGERS = Array.from({ length: 8 }, (_, i) => `127.0.0.${60 + i}`);
const PHONE = 'phone' as PortId;
/** What the bench's endpoint says: 0x55. */
const SAID = 0x55;

describe.each([
  { phase: 'carried', options: {} },
  { phase: 'handed over', options: { handOverAfterMs: 250 } },
] as const)('$phase', ({ options }) => {
  const isHandedOver = 'handOverAfterMs' in options;
  let media: TestPlane;
  let calls: DtlsCalls;
  let attacker: WebRtcAttacker;
  let fragment = 'unknown';

  beforeAll(async () => {
    media = await startTestPlane(PORT, 1, options);
    calls = await DtlsCalls.start(media.plane, isHandedOver ? 25_100 : 25_000);
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

  it('T18, T22, T24: forged RTP, bindings and RTCP change no path, are not heard, and cost little', async () => {
    const { portId, usernameFragment } = await calls.open();
    fragment = usernameFragment;
    const phone = await phoneLeg(media, PHONE, webFormat);
    const { rtpPort } = phone.local.rtp;
    const sprayer = await RtpSprayer.open({
      ports: { min: rtpPort, max: rtpPort + 1 },
      addresses: [...STRANGERS, '127.0.0.1'],
    });
    await media.plane.bridge(portId, PHONE);
    calls.speak();
    phone.peer.play([Buffer.alloc(160, 7)], phone.target);
    const handedOver = async (): Promise<boolean> => (await media.plane.counters()).portsHandedOver > 0;
    try {
      await until(() => phone.peer.heard.length > 10, { within: 10_000, what: 'the browser to be heard' });
      if (isHandedOver) await until(handedOver, { within: 10_000, what: 'the port to be handed over' });
      const startedAt = performance.now();
      const before = { cpu: workerSeconds(), heard: phone.peer.heard.length, received: await calls.received() };
      const { sent } = attacker;
      attacker.start(['stun', 'rtp', 'rtcp', 'client-hello'], () => ({ usernameFragment: fragment }));
      sprayer.start();
      await sleep(3_000);
      attacker.pause();
      sprayer.pause();
      const received = (await calls.received()) - before.received;
      const seconds = (performance.now() - startedAt) / 1000;
      expect(attacker.sent - sent).toBeGreaterThan(1_000);
      expect(sprayer.sent).toBeGreaterThan(500);
      // The call went on in both directions over the path it had, and the browser heard the phone alone.
      expect(phone.peer.heard.length - before.heard).toBeGreaterThan(100);
      expect(received).toBeGreaterThan(100);
      expect(received).toBeLessThan(seconds * 50 * 1.3);
      expect(phone.peer.heard.filter(({ payload }) => payload[159] !== SAID)).toEqual([]);
      expect([attacker.leaked, sprayer.leaked]).toEqual([0, 0]);
      expect(calls.counts).toMatchObject({ dtls: 31, failed: 0 });
      expect(workerSeconds() - before.cpu).toBeLessThan(seconds / 2);
      expect(media.events.filter(({ kind }) => kind === 'port-failed')).toEqual([]);
    } finally {
      await Promise.all([phone.peer.close(), sprayer.close()]);
      await Promise.all([media.plane.close(portId), media.plane.close(PHONE)]);
    }
  });
});
