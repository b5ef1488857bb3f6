import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_BOUNDS, DnsCache } from '../../../src/sip/locate/dns-cache.ts';
import { parseNameServer } from '../../../src/sip/locate/dns-client.ts';
import { encodeQuestion, readAnswer } from '../../../src/sip/locate/dns-message.ts';
import { locateErrors, orderByWeight, parseTarget } from '../../../src/sip/locate/index.ts';
import { chooseServices, type LocateContext, locate } from '../../../src/sip/locate/locate.ts';
import type { DnsAnswer, DnsQuery, DnsType } from '../../../src/sip/locate/records.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

describe('a target', () => {
  it('is a host, an address or a URI', () => {
    expect(parseTarget('Carrier.Example', undefined)).toEqual({
      host: 'carrier.example',
      port: undefined,
      transport: undefined,
      isSecure: false,
    });
    expect(parseTarget('192.0.2.1:5070', 'tcp')).toMatchObject({ host: '192.0.2.1', port: 5070, transport: 'tcp' });
    expect(parseTarget('2001:db8::1', 'udp')).toMatchObject({ host: '2001:db8::1', port: undefined });
    expect(parseTarget('sip:[2001:db8::1]:5062;transport=TLS', 'udp')).toMatchObject({
      host: '2001:db8::1',
      port: 5062,
      transport: 'tls',
    });
    expect(parseTarget('sips:a.example', undefined)).toMatchObject({ transport: undefined, isSecure: true });
    expect(parseTarget('sips:a.example;transport=tcp', 'udp')).toMatchObject({ transport: 'tls', isSecure: true });
  });

  it.each(['', 'sip:alice@a.example', 'sip:a.example;transport=ws', 'tel:+49', 'a b', 'a:99999999'])(
    '%s is none',
    (text) =>
      expect(() => parseTarget(text, undefined)).toThrow(expect.objectContaining({ code: 'LOCATE_BAD_TARGET' })),
  );
});

describe('the order of RFC 2782', () => {
  const item = fc.record({ priority: fc.nat(3), weight: fc.nat(100), id: fc.nat() });

  it('keeps every server once, lower priorities first', () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 12 }), fc.nat(), (items, seed) => {
        const ordered = orderByWeight(items, seededRandom(seed));
        expect(new Set(ordered)).toEqual(new Set(items));
        expect(ordered).toHaveLength(items.length);
        const priorities = ordered.map(({ priority }) => priority);
        expect(priorities).toEqual(priorities.toSorted((a, b) => a - b));
      }),
    );
  });

  it('shares the load by weight, and evenly where no weight is', () => {
    const random = seededRandom(11);
    const firsts = (weights: readonly number[]): number[] => {
      const counts = weights.map(() => 0);
      for (let round = 0; round < 4_000; round++) {
        const [first] = orderByWeight(
          weights.map((weight, id) => ({ priority: 1, weight, id })),
          random,
        );
        counts[first?.id ?? 0] = (counts[first?.id ?? 0] ?? 0) + 1;
      }
      return counts.map((count) => count / 4_000);
    };
    const [small = 0, large = 0] = firsts([10, 30]);
    expect(small).toBeCloseTo(0.25, 1);
    expect(large).toBeCloseTo(0.75, 1);
    const [a = 0, b = 0] = firsts([0, 0]);
    expect(a).toBeCloseTo(0.5, 1);
    expect(b).toBeCloseTo(0.5, 1);
    expect(firsts([0, 100])[0]).toBeLessThan(0.05);
  });
});

it('NAPTR: order before preference; what we cannot follow is passed over', () => {
  const naptr = (order: number, preference: number, services: string, flags = 's') => ({
    order,
    preference,
    services,
    flags,
    replacement: `${services.toLowerCase()}.test`,
  });
  const records = [
    naptr(20, 1, 'SIP+D2T'),
    naptr(10, 9, 'SIP+D2U'),
    naptr(10, 1, 'sips+d2t'),
    naptr(1, 1, 'SIP+D2W'),
    naptr(1, 1, 'E2U+sip', 'u'),
  ];
  const names = (transports: readonly ('udp' | 'tcp' | 'tls')[]) =>
    chooseServices(records, transports).map(({ name }) => name);
  expect(names(['udp', 'tcp', 'tls'])).toEqual(['sips+d2t.test', 'sip+d2u.test', 'sip+d2t.test']);
  expect(names(['tcp'])).toEqual(['sip+d2t.test']);
  expect(names([])).toEqual([]);
});

describe('locating', () => {
  const answers = (table: Readonly<Record<string, readonly unknown[] | 'fails'>>): LocateContext => ({
    transports: ['udp', 'tcp'],
    families: ['ipv4', 'ipv6'],
    lookup: async (name, type) => {
      const records = table[`${type} ${name}`] ?? [];
      if (records === 'fails') throw locateErrors.LOCATE_DNS_FAILED([type, name]);
      return { records: records as never, expiresAt: 1_000 };
    },
    systemLookup: async (name) => ({ records: name === 'hosts-file.test' ? ['127.0.0.9'] : [], expiresAt: 30_000 }),
  });

  it('does without NAPTR and SRV when only those fail, but not without addresses', async () => {
    const failing = {
      'NAPTR a.test': 'fails',
      'SRV _sip._udp.a.test': 'fails',
      'SRV _sip._tcp.a.test': 'fails',
    } as const;
    const found = await locate(parseTarget('a.test', undefined), answers({ ...failing, 'A a.test': ['192.0.2.1'] }));
    expect(found.records[0]?.servers).toMatchObject([{ transport: 'udp', address: '192.0.2.1', port: 5060 }]);
    await expect(
      locate(parseTarget('a.test', undefined), answers({ ...failing, 'A a.test': 'fails', 'AAAA a.test': 'fails' })),
    ).rejects.toMatchObject({ code: 'LOCATE_DNS_FAILED' });
  });

  it('believes an SRV record that says there is no such service', async () => {
    const none = [{ priority: 0, weight: 0, port: 0, target: '' }];
    await expect(
      locate(parseTarget('a.test', 'udp'), answers({ 'SRV _sip._udp.a.test': none, 'A a.test': ['192.0.2.1'] })),
    ).rejects.toMatchObject({ code: 'LOCATE_NO_ADDRESS' });
  });

  it('gives every address of an SRV target, and leaves out targets without any', async () => {
    const srv = (target: string, priority: number) => ({ priority, weight: 1, port: 5070, target });
    const found = await locate(
      parseTarget('a.test', 'udp'),
      answers({
        'SRV _sip._udp.a.test': [srv('two.test', 2), srv('none.test', 1)],
        'A two.test': ['192.0.2.1', '192.0.2.2'],
        'AAAA two.test': ['2001:db8::1'],
      }),
    );
    expect(found.records).toHaveLength(1);
    expect(found.records[0]?.servers.map(({ address }) => address)).toEqual(['192.0.2.1', '192.0.2.2', '2001:db8::1']);
    expect(found.records[0]?.servers[0]?.domain).toBe('a.test');
  });

  it('asks the system where no name server knows the host', async () => {
    const found = await locate(parseTarget('hosts-file.test', 'udp'), answers({ 'A hosts-file.test': 'fails' }));
    expect(found.records[0]?.servers[0]?.address).toBe('127.0.0.9');
  });
});

describe('the memory of answers', () => {
  const rig = (reply: (name: string, type: DnsType) => DnsAnswer | Error) => {
    const clock = new VirtualClock();
    const asked: string[] = [];
    const query = (async (name: string, type: DnsType) => {
      asked.push(`${type} ${name}`);
      const answer = reply(name, type);
      if (answer instanceof Error) throw answer;
      return answer;
    }) as DnsQuery;
    return { clock, asked, cache: new DnsCache({ query, clock, bounds: { ...DEFAULT_BOUNDS, maxNames: 3 } }) };
  };
  const failure = locateErrors.LOCATE_DNS_FAILED(['A', 'a.test']);

  it('asks once for many who want to know, and again after the time to live, within bounds', async () => {
    let ttlSec = 0;
    const { cache, clock, asked } = rig(() => ({ records: ['192.0.2.1'], ttlSec }));
    await Promise.all([cache.lookup('a.test', 'A'), cache.lookup('a.test', 'A')]);
    expect(asked).toHaveLength(1);
    clock.advance(999);
    await cache.lookup('a.test', 'A');
    expect(asked).toHaveLength(1);
    clock.advance(1);
    ttlSec = 1_000_000;
    expect((await cache.lookup('a.test', 'A')).expiresAt).toBe(1_000 + 3_600_000);
    expect(asked).toHaveLength(2);
  });

  it('remembers that there is nothing, though not as long', async () => {
    const { cache, clock, asked } = rig(() => ({ records: [], ttlSec: 86_400 }));
    expect((await cache.lookup('a.test', 'SRV')).records).toEqual([]);
    clock.advance(299_000);
    await cache.lookup('a.test', 'SRV');
    expect(asked).toHaveLength(1);
    clock.advance(1_000);
    await cache.lookup('a.test', 'SRV');
    expect(asked).toHaveLength(2);
  });

  it('serves an old answer while the name servers fail, and does not hammer them', async () => {
    let isDown = false;
    const { cache, clock, asked } = rig(() => (isDown ? failure : { records: ['192.0.2.1'], ttlSec: 60 }));
    await cache.lookup('a.test', 'A');
    isDown = true;
    clock.advance(60_000);
    expect((await cache.lookup('a.test', 'A')).records).toEqual(['192.0.2.1']);
    await cache.lookup('a.test', 'A');
    expect(asked).toHaveLength(2);
    clock.advance(10_000);
    await cache.lookup('a.test', 'A');
    expect(asked).toHaveLength(3);
    clock.advance(86_400_000);
    await expect(cache.lookup('a.test', 'A')).rejects.toBe(failure);
    await expect(cache.lookup('a.test', 'A')).rejects.toBe(failure);
    expect(asked).toHaveLength(4);
  });

  it('keeps a bounded number of names', async () => {
    const { cache, asked } = rig(() => ({ records: ['192.0.2.1'], ttlSec: 60 }));
    for (const name of ['a', 'b', 'c', 'd']) await cache.lookup(name, 'A');
    await cache.lookup('d', 'A');
    expect(asked).toHaveLength(4);
    await cache.lookup('a', 'A');
    expect(asked).toHaveLength(5);
  });
});

describe('an answer as bytes', () => {
  const question = { id: 7, name: 'a.test', type: 'SRV' } as const;

  it('is foreign when it answers another question, or none at all', () => {
    const asked = encodeQuestion(question);
    expect(readAnswer(asked, question)).toEqual({ kind: 'foreign' });
    const reply = Buffer.from(asked);
    reply.writeUInt16BE(0x8180, 2);
    expect(readAnswer(reply, question)).toEqual({ kind: 'answer', answer: { records: [], ttlSec: 60 } });
    expect(readAnswer(reply, { ...question, id: 8 })).toEqual({ kind: 'foreign' });
    expect(readAnswer(reply, { ...question, name: 'b.test' })).toEqual({ kind: 'foreign' });
    expect(readAnswer(reply, { ...question, type: 'A' })).toEqual({ kind: 'foreign' });
    reply.writeUInt16BE(0x8380, 2);
    expect(readAnswer(reply, question)).toEqual({ kind: 'truncated' });
    reply.writeUInt16BE(0x8182, 2);
    expect(readAnswer(reply, question)).toEqual({ kind: 'refused' });
  });

  it('survives whatever a datagram holds', () => {
    const head = encodeQuestion(question);
    head.writeUInt16BE(0x8180, 2);
    head.writeUInt16BE(9, 6);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
        expect(['foreign', 'answer']).toContain(readAnswer(Buffer.concat([head, noise]), question).kind);
        readAnswer(Buffer.from(noise), question);
      }),
      { numRuns: 2_000 },
    );
  });
});

it('a name server may have a port', () => {
  expect(parseNameServer('192.0.2.1')).toEqual({ address: '192.0.2.1', port: 53 });
  expect(parseNameServer('192.0.2.1:5353')).toEqual({ address: '192.0.2.1', port: 5353 });
  expect(parseNameServer('2001:db8::1')).toEqual({ address: '2001:db8::1', port: 53 });
  expect(parseNameServer('[2001:db8::1]:5353')).toEqual({ address: '2001:db8::1', port: 5353 });
});
