import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/kernel/index.ts';
import { type Located, type Locator, locateErrors } from '../../src/sip/locate/index.ts';
import type { Trunk } from '../../src/telephony/options.ts';
import type { EngineLink, SipReply } from '../../src/telephony/sip-ports.ts';
import { DEFAULT_HEALTH } from '../../src/telephony/trunk-health.ts';
import { isSecureTrunk, TrunkServers } from '../../src/telephony/trunk-servers.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { profile } from './fixtures.ts';

const TTL_MS = 20_000;
const trunk: Trunk = {
  name: 'carrier',
  addresses: [],
  target: 'carrier.test',
  transport: 'auto',
  profile,
  health: { ...DEFAULT_HEALTH, intervalMs: 10_000, timeoutMs: 1_000, failures: 2 },
};

/** Promises settle between two steps of the virtual clock. */
const settle = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function rig() {
  const clock = new VirtualClock();
  let addresses: readonly string[] | Error = ['192.0.2.1', '192.0.2.2'];
  const located = (): Located => {
    if (addresses instanceof Error) throw addresses;
    const records = addresses.map((address, index) => ({
      priority: index,
      weight: 1,
      servers: [{ transport: 'udp' as const, address, port: 5060, domain: 'carrier.test' }],
    }));
    return { records, expiresAt: clock.now() + TTL_MS };
  };
  const locator: Locator = { locate: async () => located(), close: () => {} };
  const probes: { readonly nextHop: string; readonly at: number }[] = [];
  const silent = new Set<string>();
  const request: EngineLink['request'] = async ({ nextHop }) => {
    probes.push({ nextHop: nextHop ?? '', at: clock.now() });
    if (silent.has(nextHop ?? '')) return new Promise<SipReply>(() => {});
    return { status: 200, body: '', header: () => undefined };
  };
  const link = { request, isUp: true, hostPorts: [] } as unknown as EngineLink;
  const onLocated = (): void => {};
  const common = { locator, link, clock, random: seededRandom(4), logger: silentLogger, onLocated };
  const servers = new TrunkServers({ trunk, ...common });
  servers.start();
  await servers.whenReady();
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 500) {
      clock.advance(500);
      await settle();
    }
  };
  return { clock, servers, probes, silent, pass, find: (next: readonly string[] | Error) => (addresses = next) };
}

describe('the servers of a trunk', () => {
  it('are found again when the answer expires; whoever is gone is forgotten and asked no more', async () => {
    const { servers, probes, pass, find } = await rig();
    expect(servers.forCall().map(({ address }) => address)).toEqual(['192.0.2.1', '192.0.2.2']);
    find(['192.0.2.2', '192.0.2.3']);
    await pass(TTL_MS);
    expect(servers.forCall().map(({ address }) => address)).toEqual(['192.0.2.2', '192.0.2.3']);
    expect([servers.hasAddress('192.0.2.1'), servers.hasAddress('192.0.2.3')]).toEqual([false, true]);
    const before = probes.length;
    await pass(30_000);
    expect(probes.slice(before).some(({ nextHop }) => nextHop.includes('192.0.2.1:'))).toBe(false);
    servers.close();
  });

  it('stay what they were while they cannot be found, and keep what is known of them', async () => {
    const { servers, silent, pass, find } = await rig();
    silent.add('sip:192.0.2.1:5060');
    await pass(15_000);
    find(locateErrors.LOCATE_DNS_FAILED(['SRV', 'carrier.test']));
    await pass(20_000);
    expect(servers.view().map(({ address, standing }) => [address, standing])).toEqual([
      ['192.0.2.1', 'down'],
      ['192.0.2.2', 'up'],
    ]);
    expect(servers.forCall().map(({ address }) => address)).toEqual(['192.0.2.2', '192.0.2.1']);
    servers.close();
  });

  it('are asked about once in an interval, not all at the same moment, and never after the end', async () => {
    const { clock, servers, probes, pass } = await rig();
    await pass(100_000);
    for (const address of ['192.0.2.1', '192.0.2.2']) {
      const times = probes.filter(({ nextHop }) => nextHop.includes(`${address}:`)).map(({ at }) => at);
      const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
      expect(times.length).toBeGreaterThan(7);
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(8_000);
      expect(Math.max(...gaps)).toBeLessThanOrEqual(12_000);
      expect(new Set(gaps).size).toBeGreaterThan(1);
    }
    servers.close();
    expect(clock.timerCount).toBe(0);
    expect(servers.forCall()).toEqual([]);
  });
});

it('a trunk is secure when every way to it is by TLS', () => {
  const to = (target: Trunk['target'], transport: Trunk['transport'] = 'auto') =>
    isSecureTrunk({ ...trunk, target, transport });
  expect([to('a.test'), to('a.test', 'tls'), to('sips:a.test'), to('sip:a.test;transport=tls')]).toEqual([
    false,
    true,
    true,
    true,
  ]);
  expect([to(['sips:a.test', 'b.test']), to(['sips:a.test', 'b.test'], 'tls')]).toEqual([false, true]);
});
