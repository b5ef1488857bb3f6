/** T8: the engine's thread dies in the middle of a call. The call ends, and a new engine takes the place of the old one. */
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningMediaPlane } from '../../../src/media/index.ts';
import { restartDelay } from '../../../src/sip/server/restarts.ts';
import { openUdpPeer, type SipPeer } from '../../support/sip-peer.ts';
import { startTestEngine, type TestEngine } from '../../support/test-engine.ts';
import { until } from '../../support/until.ts';
import { type Exchange, startExchange, startRealPlane } from './support/exchange.ts';
import { Party, rtpSdp } from './support/party.ts';

let plane: RunningMediaPlane;
let engine: TestEngine;
let exchange: Exchange;
let peer: SipPeer;
const threads: Worker[] = [];
const noteThread = (worker: Worker): unknown => threads.push(worker);

beforeAll(async () => {
  plane = await startRealPlane();
  process.on('worker', noteThread);
  engine = await startTestEngine({ logLevel: 'error' });
  exchange = await startExchange(engine, plane);
  peer = await openUdpPeer(engine.udp);
});
afterAll(async () => {
  process.off('worker', noteThread);
  await exchange?.close();
  await engine?.close();
  await peer?.close();
  await plane?.stop();
});

async function killEngine(): Promise<void> {
  const worker = threads.at(-1);
  if (worker === undefined) throw new Error('no engine thread was seen');
  const gone = once(worker, 'exit');
  await worker.terminate();
  await gone;
}

describe('when the thread of the engine dies', () => {
  it('calls end with a record, the ports stay ours, and the next call goes through', async () => {
    const alice = new Party(peer, 'alice');
    expect((await alice.register()).status).toBe(200);
    const call = await alice.call('echo', rtpSdp(41_000));
    expect(call.sdp).toContain('m=audio');
    expect(exchange.telephony.activeCalls).toBe(1);

    const listenedAt = engine.server?.listeners;
    await killEngine();
    expect(await exchange.nextRecord()).toMatchObject({ endReason: 'unavailable' });
    await exchange.expectPortsClosed();
    expect(exchange.telephony.activeCalls).toBe(0);

    await until(() => threads.length > 1 && exchange.telephony.isConnected, {
      within: 10_000,
      what: 'a new engine with its application',
    });
    expect(engine.server?.listeners).toEqual(listenedAt);
    const again = await alice.call('echo', rtpSdp(41_000));
    expect(again.sdp).toContain('m=audio');
    expect(await again.bye()).toBe(200);
    expect(await engine.server?.counters()).toMatchObject({ restarts: 1, applications: 1 });
  });

  it('restarts at once, then later and later, and not for ever', () => {
    expect(restartDelay([0])).toBe(0);
    expect(restartDelay([0, 10_000])).toBe(100);
    expect(restartDelay([0, 10, 20, 30, 40])).toBe(2000);
    expect(restartDelay([0, 10, 20, 30, 40, 50])).toBeUndefined();
    expect(restartDelay([0, 10, 20, 30, 40, 90_000])).toBe(0);
  });
});
