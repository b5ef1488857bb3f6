import { describe, expect, it } from 'vitest';
import type { CallEvent } from '../../src/calls/index.ts';
import type { Json, Store } from '../../src/store/index.ts';
import { nextHopOf } from '../../src/telephony/register.ts';
import { Registrar } from '../../src/telephony/registrar.ts';
import type { SipHeaders, SipSource } from '../../src/telephony/sip-ports.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { DOMAIN, profile, request } from './fixtures.ts';

const AOR = `sip:alice@${DOMAIN}`;

/** What a Store promises, as far as the registrar asks. Its real ones have a suite of their own. */
function memoryStore(): Store & { readonly entries: Map<string, Json> } {
  const entries = new Map<string, Json>();
  return {
    entries,
    get: async (key) => entries.get(key),
    put: async (key, value) => void entries.set(key, value),
    delete: async (key) => void entries.delete(key),
    list: async (prefix) =>
      [...entries].filter(([key]) => key.startsWith(prefix)).map(([key, value]) => ({ key, value })),
    close: async () => {},
  };
}

function make(store = memoryStore(), flowEpoch = 'run-1', clock = new VirtualClock()) {
  const events: CallEvent[] = [];
  const registrar = new Registrar({
    store,
    clock,
    random: seededRandom(),
    observer: (event) => events.push(event),
    flowEpoch,
  });
  let cseq = 0;
  const register = async (headers: SipHeaders, source?: SipSource) => {
    cseq += 1;
    const asked = request('REGISTER', { CSeq: `${cseq} REGISTER`, ...headers }, source === undefined ? {} : { source });
    await registrar.register(asked, AOR, profile.registration);
    const [reply] = asked.replies;
    if (reply === undefined || asked.replies.length > 1) throw new Error(`${asked.replies.length} replies`);
    return reply;
  };
  return { registrar, register, events, clock, store };
}

const contact = (host: string, params = ''): string => `<sip:alice@${host}>${params}`;

describe('a REGISTER', () => {
  it('adds several contacts, preferred ones first, and lists them all', async () => {
    const { register, registrar } = make();
    await register({
      Contact: `${contact('10.0.0.1', ';q=0.3')}, "A, B" ${contact('10.0.0.2')};expires=120`,
      Expires: '600',
    });
    const reply = await register({});
    expect(reply).toMatchObject({
      status: 200,
      headers: { Contact: '<sip:alice@10.0.0.2>;expires=120, <sip:alice@10.0.0.1>;expires=600;q=0.3' },
    });
    expect(registrar.bindingsOf(AOR).map(({ q }) => q)).toEqual([1, 0.3]);
  });

  it.each([
    ['too brief an interval', { Contact: contact('a'), Expires: '10' }, 423],
    ['* without Expires: 0', { Contact: '*', Expires: '60' }, 400],
    ['a malformed contact', { Contact: '<sip:alice@>' }, 400],
    ['a tel contact', { Contact: '<tel:+123>' }, 400],
    ['a malformed expires', { Contact: contact('a', ';expires=soon') }, 400],
    ['a malformed CSeq', { Contact: contact('a'), CSeq: 'x' }, 400],
    ['too many contacts', { Contact: ['a', 'b', 'c', 'd'].map((host) => contact(host)).join() }, 403],
    ['a malformed Path', { Contact: contact('a'), Path: '<nonsense>' }, 400],
  ])('with %s is refused and changes nothing', async (_, headers, status) => {
    const { register, registrar, store } = make();
    const reply = await register(headers);
    expect(reply.status).toBe(status);
    if (status === 423) expect(reply.headers).toEqual({ 'Min-Expires': '60' });
    expect(registrar.size).toBe(0);
    expect(store.entries.size).toBe(0);
  });

  it('applies all its contacts or none', async () => {
    const { register, registrar } = make();
    expect((await register({ Contact: `${contact('a')}, ${contact('b', ';expires=1')}` })).status).toBe(423);
    expect(registrar.size).toBe(0);
  });

  it('cuts a long expiry, and takes the default when there is none', async () => {
    const { register } = make();
    expect((await register({ Contact: contact('a'), Expires: '99999' })).headers['Contact']).toContain('expires=3600');
    expect((await register({ Contact: contact('a') })).headers['Contact']).toContain('expires=3600');
  });

  it('refreshes the same contact, or the same instance at another address', async () => {
    const { register, registrar } = make();
    const instance = ';reg-id=1;+sip.instance="<urn:uuid:1>"';
    await register({ Contact: contact('10.0.0.1', instance) });
    await register({ Contact: contact('10.0.0.99', instance) });
    expect(registrar.bindingsOf(AOR).map((binding) => binding.contact)).toEqual(['sip:alice@10.0.0.99']);
    await register({ Contact: contact('10.0.0.99', ';expires=0') });
    expect(registrar.size).toBe(0);
  });

  it('that comes late is not applied: within one Call-ID the CSeq grows', async () => {
    const { register, registrar } = make();
    await register({ Contact: contact('a'), CSeq: '7 REGISTER' });
    expect((await register({ Contact: contact('a', ';expires=0'), CSeq: '6 REGISTER' })).status).toBe(500);
    expect((await register({ Contact: '*', Expires: '0', CSeq: '7 REGISTER' })).status).toBe(500);
    expect(registrar.size).toBe(1);
    expect(
      (await register({ Contact: contact('a', ';expires=0'), CSeq: '1 REGISTER', 'Call-ID': 'other' })).status,
    ).toBe(200);
    expect(registrar.size).toBe(0);
  });
});

describe('bindings', () => {
  it('expire by themselves, each at its own time, and leave no timer behind', async () => {
    const { register, registrar, clock, events } = make();
    await register({ Contact: `${contact('a', ';expires=60')}, ${contact('b', ';expires=120')}` });
    clock.advance(60_000);
    expect(registrar.bindingsOf(AOR).map((binding) => binding.contact)).toEqual(['sip:alice@b']);
    clock.advance(60_000);
    expect(registrar.size).toBe(0);
    expect(events.flatMap((event) => (event.kind === 'unregistered' ? [event.why] : []))).toEqual([
      'expired',
      'expired',
    ]);
    expect(clock.timerCount).toBe(0);
  });

  it('a refresh puts the expiry off', async () => {
    const { register, registrar, clock } = make();
    await register({ Contact: contact('a'), Expires: '60' });
    clock.advance(50_000);
    await register({ Contact: contact('a'), Expires: '60' });
    clock.advance(50_000);
    expect(registrar.size).toBe(1);
    clock.advance(10_000);
    expect(registrar.size).toBe(0);
  });

  it('on a connection are not called before its 200 has told the engine of it', async () => {
    const seen: boolean[] = [];
    const inner = memoryStore();
    const { registrar, register } = make({
      ...inner,
      put: async (key, value, options) => {
        seen.push(...registrar.bindingsOf(AOR).map((binding) => registrar.isFlowLost(binding)));
        await inner.put(key, value, options);
      },
    });
    const web = (port: number): SipSource => ({ transport: 'ws', address: '192.0.2.3', port });
    const announced: boolean[] = [];
    registrar.onRegistered((binding) => announced.push(registrar.isFlowLost(binding)));
    await register({ Contact: contact('x.invalid') }, web(4_000));
    await register({ Contact: contact('x.invalid') }, web(4_000));
    await register({ Contact: contact('x.invalid') }, web(4_001));
    // A refresh on the connection it has changes nothing.
    expect(seen).toEqual([true, false, true]);
    expect(announced).toEqual([false, false, false]);
  });

  it('whose 200 could not be given are waited for no longer than others', async () => {
    const broken = async (): Promise<void> => Promise.reject(new Error('disk full'));
    const { registrar, register } = make({ ...memoryStore(), put: broken });
    const source: SipSource = { transport: 'ws', address: '192.0.2.3', port: 4_000 };
    await expect(register({ Contact: contact('x.invalid') }, source)).rejects.toThrow('disk full');
    expect(registrar.bindingsOf(AOR).map((binding) => registrar.isFlowLost(binding))).toEqual([false]);
  });

  it('survive a restart; connections do not', async () => {
    const first = make();
    await first.register({ Contact: contact('10.0.0.1') });
    await first.register(
      { Contact: contact('x.invalid', ';expires=600') },
      { transport: 'ws', address: '192.0.2.3', port: 4000 },
    );
    const second = make(first.store, 'run-2', first.clock);
    await second.registrar.load();
    expect(second.registrar.list().map(({ transport, isFlowLost }) => [transport, isFlowLost])).toEqual([
      ['udp', false],
      ['ws', true],
    ]);
    await second.register(
      { Contact: contact('x.invalid'), CSeq: '9 REGISTER' },
      { transport: 'ws', address: '192.0.2.3', port: 4001 },
    );
    expect(second.registrar.list().some(({ isFlowLost }) => isFlowLost)).toBe(false);
    first.clock.advance(3_600_000);
    const third = make(second.store, 'run-3', first.clock);
    await third.registrar.load();
    expect(third.registrar.size).toBe(0);
  });
});

describe('the next hop of a binding', () => {
  it.each([
    ['its Contact, when it came from there', { Contact: contact('192.0.2.10:5062') }, undefined, undefined],
    ['its source, behind NAT', { Contact: contact('10.0.0.1') }, undefined, 'sip:192.0.2.10:5062'],
    [
      'its Path',
      { Contact: contact('10.0.0.1'), Path: '<sip:edge.test;lr>, <sip:second.test;lr>' },
      undefined,
      'sip:edge.test;lr',
    ],
    [
      'its connection',
      { Contact: contact('x.invalid') },
      { transport: 'wss' as const, address: '192.0.2.1', port: 1 },
      undefined,
    ],
    [
      'its IPv6 source',
      { Contact: contact('10.0.0.1') },
      { transport: 'udp' as const, address: '2001:db8::1', port: 5060 },
      'sip:[2001:db8::1]:5060',
    ],
  ])('is %s', async (_, headers, source, expected) => {
    const { register, registrar } = make();
    await register(headers, source);
    const [binding] = registrar.bindingsOf(AOR);
    expect(binding === undefined ? 'none' : nextHopOf(binding)).toBe(expected);
  });
});

describe('RFC 5626', () => {
  const flow = (regId: number): string => `;reg-id=${regId};+sip.instance="<urn:uuid:1>"`;
  const VIA = 'SIP/2.0/TLS 10.0.0.1;branch=z9hG4bK1';
  const TLS = { transport: 'tls', address: '192.0.2.1', port: 40_000 } as const;

  it.each([
    ['a flow of ours', { Via: VIA }, { Require: 'outbound', 'Flow-Timer': '120' }],
    ['a proxy that keeps the flow', { Via: `${VIA}, ${VIA}`, Path: '<sip:edge.test;lr;ob>' }, { Require: 'outbound' }],
  ])('is confirmed over %s', async (_, headers, expected) => {
    const { register } = make();
    const reply = await register({ Contact: contact('10.0.0.1', flow(1)), Supported: 'path, Outbound', ...headers });
    expect(reply.status).toBe(200);
    expect(reply.headers).toMatchObject(expected);
    if (!('Flow-Timer' in expected)) expect(reply.headers['Flow-Timer']).toBeUndefined();
  });

  it.each([
    ['nobody asked', { Contact: contact('a', flow(1)), Via: VIA }],
    ['no flow id', { Contact: contact('a'), Via: VIA, Supported: 'outbound' }],
    ['a flow id of nobody', { Contact: contact('a', ';reg-id=1'), Via: VIA, Supported: 'outbound' }],
    [
      'a proxy that knows nothing of it',
      { Contact: contact('a', flow(1)), Via: `${VIA}, ${VIA}`, Path: '<sip:edge.test;lr>', Supported: 'outbound' },
    ],
  ])('is not confirmed with %s', async (_, headers) => {
    const reply = await make().register(headers);
    expect(reply.status).toBe(200);
    expect(reply.headers).not.toHaveProperty('Require');
  });

  it('one REGISTER brings one flow', async () => {
    const { register } = make();
    expect((await register({ Contact: `${contact('a', flow(1))}, ${contact('b')}` })).status).toBe(400);
    expect((await register({ Contact: `${contact('a', flow(1))}, ${contact('b', ';expires=0')}` })).status).toBe(200);
  });

  it('rings one flow of a client, a live one, and beside it every other client', async () => {
    const { register, registrar, clock } = make();
    await register({ Contact: contact('a', flow(1)) }, TLS);
    clock.advance(1000);
    await register({ Contact: contact('b', flow(2)) }, TLS);
    await register({ Contact: contact('c') });
    const rung = (): string[] => registrar.targetsOf(AOR).map((binding) => binding.contact);
    expect(rung()).toEqual(['sip:alice@b', 'sip:alice@c']);
    const [, newer] = registrar.bindingsOf(AOR);
    if (newer !== undefined) registrar.markFlowLost(newer);
    expect(rung()).toEqual(['sip:alice@a', 'sip:alice@c']);
  });
});
