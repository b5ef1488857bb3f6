/** The media plane without a browser: what it opens it closes, and what dies comes back. */
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CodedError } from '../../src/kernel/index.ts';
import { formatOf, opus, owner, pcmu, startTestPlane, type TestPlane } from '../media/support/test-plane.ts';
import { until } from '../support/until.ts';

const openFiles = (pid: number | 'self'): number => readdirSync(`/proc/${pid}/fd`).length;

/** A whole call without anybody who sends: open, bridge, connect, close. */
async function emptyCall({ plane }: TestPlane, name: string): Promise<void> {
  const [web, sip] = [owner(`${name}-web`), owner(`${name}-sip`)];
  const format = formatOf(pcmu);
  await Promise.all([
    plane.open({ kind: 'webrtc', ...web, codecs: [pcmu, opus], telephoneEvents: format.telephoneEvents }),
    plane.open({ kind: 'rtp', ...sip }),
  ]);
  await plane.bridge(web.portId, sip.portId);
  await plane.connect({
    kind: 'webrtc',
    portId: web.portId,
    ice: { usernameFragment: 'ufrag', password: 'p'.repeat(24) },
    dtls: { role: 'client', fingerprints: [{ algorithm: 'sha-256', value: Array(32).fill('AB').join(':') }] },
    mid: '0',
    ssrc: 4711,
    cname: 'test',
    format,
    direction: 'sendrecv',
  });
  const remote = { address: '127.0.0.1', rtpPort: 9, rtcpPort: 9 };
  await plane.connect({
    kind: 'rtp',
    portId: sip.portId,
    remote,
    rtcpMux: false,
    sourcePolicy: 'sdp',
    format,
    direction: 'sendrecv',
  });
  const [first, second] = await Promise.all([plane.close(web.portId), plane.close(sip.portId)]);
  expect(first).toMatchObject({ portId: web.portId, packetsReceived: 0 });
  expect(second).toMatchObject({ portId: sip.portId, packetsReceived: 0 });
}

describe('the media plane', () => {
  let media: TestPlane;
  beforeAll(async () => {
    media = await startTestPlane(44_502);
  });
  afterAll(async () => {
    await media.plane.stop();
  });

  it('leaves nothing behind after 200 calls: no router, transport, port or descriptor', async () => {
    const worker = media.plane.workerPids[0] ?? 0;
    for (let call = 0; call < 10; call += 1) await emptyCall(media, `warm-${call}`);
    await sleep(500);
    const before = [openFiles('self'), openFiles(worker)];
    for (let call = 0; call < 200; call += 1) {
      await emptyCall(media, `call-${call}`);
      // The range has 30 pairs, and each one rests for 200 ms.
      if (call % 20 === 19) await sleep(250);
    }
    await until(async () => (await media.plane.counters()).portsQuarantined === 0, {
      within: 2000,
      what: 'the quarantine to end',
    });
    expect(await media.plane.counters()).toMatchObject({ portsOpen: 0, routersOpen: 0, webRtcTransportsOpen: 0 });
    expect([openFiles('self'), openFiles(worker)]).toEqual(before);
  });

  it('closes a port that is still being opened, and a port that is gone reports zeros', async () => {
    const { portId } = owner('early');
    const opening = media.plane.open({ kind: 'webrtc', ...owner('early'), codecs: [pcmu], telephoneEvents: [] });
    await media.plane.close(portId);
    await opening;
    expect(await media.plane.close(portId)).toMatchObject({ packetsReceived: 0, packetsSent: 0 });
    expect(await media.plane.counters()).toMatchObject({ portsOpen: 0, routersOpen: 0 });
  });

  it('refuses what is not there or not of that kind with a code', async () => {
    const codeOf = (work: Promise<unknown>): Promise<unknown> =>
      work.then(
        () => 'none',
        (error: unknown) => (error instanceof CodedError ? error.code : error),
      );
    expect(await codeOf(media.plane.bridge(owner('x').portId, owner('y').portId))).toBe('MEDIA_PORT_UNKNOWN');
    expect(await codeOf(media.plane.open({ kind: 'webrtc', ...owner('none'), codecs: [], telephoneEvents: [] }))).toBe(
      'MEDIA_NO_CODECS',
    );
    await media.plane.open({ kind: 'built-in', ...owner('party'), endpoint: 'echo' });
    expect(await codeOf(media.plane.open({ kind: 'built-in', ...owner('party'), endpoint: 'echo' }))).toBe(
      'MEDIA_PORT_EXISTS',
    );
    await media.plane.close(owner('party').portId);
  });

  it('restarts a worker that was killed and tells the ports that lived there', async () => {
    const plane = media.plane;
    await plane.open({ kind: 'webrtc', ...owner('doomed'), codecs: [pcmu], telephoneEvents: [] });
    const [pid = 0] = plane.workerPids;
    process.kill(pid, 'SIGKILL');
    await until(() => media.events.some((event) => event.kind === 'port-failed' && event.reason === 'worker'), {
      within: 2000,
      what: 'the port to fail',
    });
    expect(await plane.close(owner('doomed').portId)).toMatchObject({ packetsReceived: 0 });
    await until(() => plane.workersRunning === 1, { within: 5000, what: 'the worker to come back' });
    expect(plane.workerPids[0]).not.toBe(pid);
    await emptyCall(media, 'after');
  });
});

it('says in one line which port is taken, and leaves no process behind', async () => {
  const first = await startTestPlane(44_504);
  try {
    await expect(startTestPlane(44_504)).rejects.toMatchObject({
      code: 'MEDIA_LISTEN_IN_USE',
      message: expect.stringContaining('44504'),
    });
  } finally {
    await first.plane.stop();
  }
  expect(first.plane.workersRunning).toBe(0);
});
