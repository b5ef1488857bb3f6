/** Names to servers, asked of a real name server. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/index.ts';
import { createLocator, type Locator, parseTarget } from '../../src/sip/locate/index.ts';
import { type Dnsmasq, startDnsmasq } from '../support/dnsmasq.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { until } from '../support/until.ts';

const PORT = 15_353;
const MANY = Array.from(
  { length: 60 },
  (_, index) => `srv-host=_sip._udp.many.test,host-with-a-long-name-${index}.many.test,5060,10,1`,
);
const ZONE = [
  'local-ttl=2',
  'naptr-record=naptr.test,10,50,S,SIPS+D2T,,_sips._tcp.naptr.test',
  'naptr-record=naptr.test,20,50,s,SIP+D2T,,_sip._tcp.elsewhere.test',
  'naptr-record=naptr.test,30,50,S,SIP+D2U,,_sip._udp.naptr.test',
  'srv-host=_sips._tcp.naptr.test,a.test,5061,1,1',
  'srv-host=_sip._tcp.elsewhere.test,a.test,5070,1,1',
  'srv-host=_sip._udp.naptr.test,a.test,5080,1,1',
  'srv-host=_sip._udp.srv.test,a.test,5060,10,5',
  'srv-host=_sip._udp.srv.test,b.test,5090,20,5',
  'srv-host=_sip._tcp.srv.test,a.test,5062,10,5',
  'srv-host=_sip._tcp.only-tcp.test,b.test,5063,1,1',
  'host-record=a.test,127.0.0.11',
  'host-record=b.test,127.0.0.12,::12',
  'host-record=plain.test,127.0.0.13',
  'cname=alias.test,plain.test',
  ...MANY,
  'host-record=host-with-a-long-name-59.many.test,127.0.0.59',
];

let dns: Dnsmasq;
const locators: Locator[] = [];

const locator = (options: Partial<Parameters<typeof createLocator>[0]> = {}): Locator => {
  const made = createLocator({
    transports: ['udp', 'tcp'],
    families: ['ipv4'],
    nameServers: [dns.server],
    timeoutMs: 300,
    clock: systemClock,
    random: seededRandom(3),
    ...options,
  });
  locators.push(made);
  return made;
};
const find = async (text: string, options: Partial<Parameters<typeof createLocator>[0]> = {}): Promise<string[]> => {
  const { records } = await locator(options).locate(parseTarget(text, undefined));
  return records.flatMap(({ priority, servers }) =>
    servers.map(({ transport, address, port }) => `${priority} ${transport} ${address}:${port}`),
  );
};

beforeAll(async () => {
  dns = await startDnsmasq(PORT, ZONE);
});
afterEach(() => locators.splice(0).forEach((each) => each.close()));
afterAll(async () => dns.stop());

describe('RFC 3263 with a real name server', () => {
  it('follows NAPTR to the most wanted transport that we have', async () => {
    expect(await find('naptr.test')).toEqual(['1 tcp 127.0.0.11:5070']);
    expect(await find('naptr.test', { transports: ['udp', 'tcp', 'tls'] })).toEqual(['1 tls 127.0.0.11:5061']);
    expect(await find('sips:naptr.test', { transports: ['udp', 'tls'] })).toEqual(['1 tls 127.0.0.11:5061']);
    await expect(find('sips:naptr.test')).rejects.toMatchObject({ code: 'LOCATE_NO_TRANSPORT' });
  });

  it('without NAPTR asks for SRV, of UDP first', async () => {
    expect((await find('srv.test')).toSorted()).toEqual(['10 udp 127.0.0.11:5060', '20 udp 127.0.0.12:5090']);
    expect(await find('srv.test', { transports: ['tcp'] })).toEqual(['10 tcp 127.0.0.11:5062']);
    expect(await find('sip:srv.test;transport=tcp')).toEqual(['10 tcp 127.0.0.11:5062']);
    expect(await find('only-tcp.test')).toEqual(['1 tcp 127.0.0.12:5063']);
    expect(await find('only-tcp.test', { families: ['ipv4', 'ipv6'] })).toEqual([
      '1 tcp 127.0.0.12:5063',
      '1 tcp ::12:5063',
    ]);
  });

  it('takes a port, a number or a host without SRV as it stands, and follows an alias', async () => {
    expect(await find('plain.test:5099')).toEqual(['0 udp 127.0.0.13:5099']);
    expect(await find('alias.test')).toEqual(['0 udp 127.0.0.13:5060']);
    expect(await find('192.0.2.7')).toEqual(['0 udp 192.0.2.7:5060']);
    expect(await find('sip:[2001:db8::7]:5070;transport=tcp')).toEqual(['0 tcp 2001:db8::7:5070']);
    expect(await find('localhost')).toEqual(['0 udp 127.0.0.1:5060']);
    await expect(find('nobody.test')).rejects.toMatchObject({ code: 'LOCATE_NO_ADDRESS' });
  });

  it('asks over TCP when the answer is too long for a datagram', async () => {
    expect(await find('many.test')).toEqual(['10 udp 127.0.0.59:5060']);
  });

  it('keeps an answer for its time, asks again after it, and lives on it while the server is down', async () => {
    const one = locator({ bounds: { retrySec: 1 } });
    const target = parseTarget('plain.test', 'udp');
    const before = dns.asked('A', 'plain.test');
    const first = await one.locate(target);
    expect(first.expiresAt - systemClock.now()).toBeGreaterThan(1_000);
    expect(first.expiresAt - systemClock.now()).toBeLessThan(2_100);
    await one.locate(target);
    expect(dns.asked('A', 'plain.test')).toBe(before + 1);
    await dns.restart(ZONE.map((line) => line.replace('127.0.0.13', '127.0.0.23')));
    const moved = await until(
      async () => {
        const { records } = await one.locate(target);
        return records[0]?.servers[0]?.address === '127.0.0.23';
      },
      { within: 4_000, what: 'the new address' },
    );
    expect(moved).toBe(true);
    await dns.stop();
    await until(() => systemClock.now() > first.expiresAt + 2_500, { within: 6_000, what: 'the end of the answer' });
    const stale = await one.locate(target);
    expect(stale.records[0]?.servers[0]?.address).toBe('127.0.0.23');
    await expect(find('plain.test:5060')).rejects.toMatchObject({ code: 'LOCATE_DNS_FAILED' });
    dns = await startDnsmasq(PORT, ZONE);
  });
});
