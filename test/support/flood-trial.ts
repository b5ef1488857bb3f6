/** T35: what a gateway must do while strangers flood it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { type FloodReport, flood } from './flood.ts';
import type { Gateway } from './gateway.ts';
import { callEcho, registerPhone, residentBytes } from './siege.ts';
import type { SipPeer } from './sip-peer.ts';

export interface FloodTrial {
  readonly gateway: Gateway;
  /** A peer at the address of a trunk of the gateway. */
  readonly trunk: SipPeer;
  readonly seconds: number;
  readonly perSec: number;
}

export interface FloodOutcome extends FloodReport {
  /** Infinity for a call that did not come about. */
  readonly setUpMs: readonly number[];
  readonly idleBytes: number;
  readonly floodBytes: number;
}

const SOURCES = ['127.0.7.1', '127.0.7.2', '127.0.7.3', '127.0.7.4'];

export async function runFloodTrial({ gateway, trunk, seconds, perSec }: FloodTrial): Promise<FloodOutcome> {
  // As much code and memory as an ordinary day needs.
  for (let n = 0; n < 10; n++) await (await callEcho(trunk, gateway)).bye();
  expect(await registerPhone(trunk, gateway, 'alice')).toBe(200);
  const live = await callEcho(trunk, gateway);
  await sleep(500);
  const idleBytes = residentBytes(gateway.pid);

  const state = { isOver: false };
  const flooded = flood({ target: '127.0.0.1', port: gateway.sipPort, sources: SOURCES, perSec, seconds }).finally(
    () => {
      state.isOver = true;
    },
  );
  const setUpMs: number[] = [];
  let floodBytes = 0;
  await sleep(1000);
  while (!state.isOver) {
    const call = await callEcho(trunk, gateway).catch(() => undefined);
    setUpMs.push(call?.setUpMs ?? Number.POSITIVE_INFINITY);
    if (call !== undefined) expect(await call.bye()).toBe(200);
    expect(await live.refresh()).toBe(200);
    expect(await registerPhone(trunk, gateway, 'alice')).toBe(200);
    floodBytes = Math.max(floodBytes, residentBytes(gateway.pid));
    await sleep(100);
  }
  const report = await flooded;
  expect(await live.bye()).toBe(200);
  return { ...report, setUpMs, idleBytes, floodBytes };
}
