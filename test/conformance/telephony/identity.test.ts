import { describe, expect, it } from 'vitest';
import type { ProfilePolicy } from '../../../src/telephony/index.ts';
import { DOMAIN, trunks } from './support/exchange.ts';
import { useHall } from './support/hall.ts';
import { rtpSdp } from './support/party.ts';

const hall = useHall();
const lines = (headers: object): string[] => Object.entries(headers).map(([name, value]) => `${name}: ${value}`);

/** Starts the exchange anew, with a carrier of that kind. */
async function carrierWith(profile: Partial<ProfilePolicy>, more: object = {}, options: object = {}): Promise<void> {
  const { address } = hall.carrier.peer;
  const carrier = { name: 'carrier', addresses: [address], target: address, transport: 'udp' as const, ...more };
  await hall.restart({ trunks: [{ ...carrier, profile: { ...trunks, ...profile } }], ...options });
}

describe('numbers in the words of a trunk', () => {
  const german = { country: '49', area: '30', uri: 'phone' } as const;
  const numbers = { ...german, called: { format: 'digits', prefix: '99' }, calling: { format: 'national' } } as const;

  it('are written its way: called, calling, and ;user=phone', async () => {
    await carrierWith({ numbers }, { callerId: '+4930123456' });
    const alice = await hall.join('alice');
    const calling = alice.call('0044207946000', rtpSdp(41_000));
    const invite = await hall.carrier.nextInvite();
    const { address } = hall.carrier.peer;
    expect(invite.uri).toBe(`sip:9944207946000@${address};user=phone`);
    expect(invite.header('To')).toBe(`<sip:9944207946000@${address};user=phone>`);
    expect(invite.header('From')).toMatch(new RegExp(`<sip:030123456@${DOMAIN};user=phone>;tag=`));
    const c = await hall.carrier.accept(invite, rtpSdp(42_000), { contact: hall.carrier.peer.contact });
    await (await calling).bye();
    await c.awaitBye();
  });

  it('go out as tel URIs where they are whole, and the call stands', async () => {
    await carrierWith({ numbers: { country: '49', called: { format: 'e164' }, uri: 'tel' } });
    const alice = await hall.join('alice');
    const calling = alice.call('03012345678', rtpSdp(41_000));
    const invite = await hall.carrier.nextInvite();
    expect([invite.uri, invite.header('To')]).toEqual(['tel:+493012345678', '<tel:+493012345678>']);
    const c = await hall.carrier.accept(invite, rtpSdp(42_000), { contact: hall.carrier.peer.contact });
    await (await calling).bye();
    await c.awaitBye();
    const refusing = alice.invite('1001', rtpSdp(41_000));
    const short = await hall.carrier.nextInvite();
    expect(short.uri).toBe(`sip:1001@${hall.carrier.peer.address}`);
    hall.carrier.peer.reply(short, 404);
    expect((await refusing).response.status).toBe(404);
  });

  it('come in as tel URIs too', async () => {
    const when = { source: 'trunk', to: '+4930123456' };
    const rules = [{ name: 'reception', why: 'the number of the house', when, route: { user: 'bob' } }];
    await carrierWith({ numbers }, {}, { rules });
    const bob = await hall.join('bob');
    const calling = hall.carrier.invite('x', rtpSdp(42_000), {
      uri: 'tel:+49-30-123456',
      from: '<tel:+49-89-123456>;tag=c1',
    });
    const invite = await bob.nextInvite();
    expect(invite.header('From')).toMatch(new RegExp(`<sip:\\+4989123456@${DOMAIN}>;tag=`));
    bob.peer.reply(invite, 486);
    expect((await calling).response.status).toBe(486);
  });

  it('are read before the dialplan sees them, and recorded so', async () => {
    const when = { source: 'trunk', to: '+4930123456', from: '+4989123456' };
    const rules = [{ name: 'reception', why: 'the number of the house', when, route: { user: 'bob' } }];
    await carrierWith({ numbers }, {}, { rules });
    const bob = await hall.join('bob');
    const calling = hall.carrier.call('994930123456', rtpSdp(42_000), {
      from: '<sip:089123456@carrier.example>;tag=c1',
    });
    const invite = await bob.nextInvite();
    expect(invite.header('From')).toMatch(new RegExp(`<sip:\\+4989123456@${DOMAIN}>;tag=`));
    const b = await bob.accept(invite, rtpSdp(41_000));
    const c = await calling;
    await b.bye();
    await c.awaitBye();
    const { from, to } = await hall.exchange.nextRecord();
    expect([from, /^sip:([^@]+)@/.exec(to)?.[1]]).toEqual([`sip:+4989123456@${DOMAIN}`, '+4930123456']);
  });

  it('T14 do not hide a dear one from the toll-fraud breaker', async () => {
    const tollFraud = {
      rules: [{ prefix: '+881', deny: true, unitsPerMinute: 1 }],
      exitCodes: [],
      unitsPerMinute: 1,
      userCallsPerMinute: 100,
      userConcurrentCalls: 100,
      budget: {},
      budgets: {},
    };
    await carrierWith({ numbers: { called: { format: 'e164' } } }, {}, { tollFraud });
    const alice = await hall.join('alice');
    // One after another: one party has one call.
    // oxlint-disable-next-line eslint/no-await-in-loop
    for (const dialed of ['88112345678', '0088112345678', '%38%3812345678'])
      expect((await alice.invite(dialed, rtpSdp(41_000))).response.status).not.toBe(200);
    expect(hall.exchange.eventsOf('toll-refused').map(({ why }) => why)).toEqual(['prefix', 'prefix']);
    expect(hall.carrier.peer.count((message) => message.method === 'INVITE')).toBe(0);
  });
});

describe('who calls, as peers are told', () => {
  const asserted = '"Ann Other" <sip:+4930123@carrier.example>';
  const hidden = { from: '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=c1' };

  async function throughBob(headers: Record<string, string>, from = '<sip:+4999@carrier.example>;tag=c1') {
    const bob = await hall.join('bob');
    const calling = hall.carrier.call('bob', rtpSdp(42_000), { from, headers: lines(headers) });
    const invite = await bob.nextInvite();
    const b = await bob.accept(invite, rtpSdp(41_000));
    const c = await calling;
    await b.bye();
    await c.awaitBye();
    return { invite, record: await hall.exchange.nextRecord() };
  }

  it('a trusted peer is believed: the identity of PAI is shown and recorded', async () => {
    await carrierWith({ trust: true });
    const { invite, record } = await throughBob({ 'P-Asserted-Identity': `${asserted}, <tel:+4930123>` });
    expect(invite.header('From')).toMatch(new RegExp(`^"Ann Other" <sip:\\+4930123@${DOMAIN}>;tag=`));
    expect(invite.header('P-Asserted-Identity')).toBe('');
    expect(record.from).toBe(`sip:+4930123@${DOMAIN}`);
  });

  it('Remote-Party-ID stands in for it where there is none', async () => {
    await carrierWith({ trust: true });
    const { invite } = await throughBob({
      'Remote-Party-ID': '<sip:+4930123@carrier.example>;party=calling;screen=yes',
    });
    expect(invite.header('From')).toContain(`<sip:+4930123@${DOMAIN}>`);
  });

  it.each(['P-Asserted-Identity', 'P-Preferred-Identity', 'Remote-Party-ID'])(
    'T11 an untrusted one is not: %s changes nothing and goes nowhere',
    async (name) => {
      await carrierWith({});
      const { invite, record } = await throughBob({ [name]: asserted });
      expect(invite.header('From')).toContain(`<sip:+4999@${DOMAIN}>`);
      expect(invite.header(name)).toBe('');
      expect(record.from).toBe(`sip:+4999@${DOMAIN}`);
    },
  );

  it('Privacy: id hides the caller from the phone, not from the record', async () => {
    await carrierWith({ trust: true });
    const { invite, record } = await throughBob({ 'P-Asserted-Identity': asserted, Privacy: 'id' }, hidden.from);
    expect(invite.header('From')).toMatch(/^"Anonymous" <sip:anonymous@anonymous\.invalid>;tag=/);
    expect(invite.raw).not.toContain('4930123');
    expect(record.from).toBe(`sip:+4930123@${DOMAIN}`);
  });

  async function callOut(headers: Record<string, string>, from?: string) {
    const alice = await hall.join('alice');
    const calling = alice.invite('49301234', rtpSdp(41_000), {
      headers: lines(headers),
      ...(from === undefined ? {} : { from }),
    });
    const invite = await hall.carrier.nextInvite();
    hall.carrier.peer.reply(invite, 486);
    await calling;
    return invite;
  }

  it('a trusted trunk is told in PAI who calls, whatever the user claims; T11', async () => {
    await carrierWith({ trust: true }, { callerId: '+4930777' });
    const invite = await callOut({ 'P-Asserted-Identity': asserted, 'P-Preferred-Identity': asserted });
    expect(invite.header('P-Asserted-Identity')).toBe(`<sip:+4930777@${DOMAIN}>`);
    expect(invite.header('P-Preferred-Identity')).toBe('');
    expect(invite.header('From')).toContain(`<sip:+4930777@${DOMAIN}>`);
    expect(invite.header('Privacy')).toBe('');
  });

  it('an untrusted trunk gets no PAI', async () => {
    await carrierWith({}, { callerId: '+4930777' });
    const invite = await callOut({});
    expect(invite.header('P-Asserted-Identity')).toBe('');
    expect(invite.header('From')).toContain(`<sip:+4930777@${DOMAIN}>`);
  });

  it('a private caller is anonymous, and known to a trusted trunk only', async () => {
    await carrierWith({ trust: true }, { callerId: '+4930777' });
    const told = await callOut({ Privacy: 'id' });
    expect(told.header('From')).toMatch(/^"Anonymous" <sip:anonymous@anonymous\.invalid>;tag=/);
    expect([told.header('P-Asserted-Identity'), told.header('Privacy')]).toEqual([`<sip:+4930777@${DOMAIN}>`, 'id']);
    await carrierWith({}, { callerId: '+4930777' });
    const untold = await callOut({ Privacy: 'id' });
    expect(untold.header('From')).toContain('anonymous.invalid');
    expect(untold.raw).not.toContain('4930777');
  });

  it('a user may leave its name out: the password tells who it is', async () => {
    await carrierWith({ trust: true }, { callerId: '+4930777' });
    const invite = await callOut({}, hidden.from);
    expect(invite.header('From')).toContain('anonymous.invalid');
    expect([invite.header('P-Asserted-Identity'), invite.header('Privacy')]).toEqual([
      `<sip:+4930777@${DOMAIN}>`,
      'id',
    ]);
  });

  it('nobody takes the name of another in the place of it', async () => {
    const alice = await hall.join('alice');
    const { response } = await alice.invite('bob', rtpSdp(41_000), { from: `<sip:bob@${DOMAIN}>;tag=x` });
    expect(response.status).toBe(403);
  });

  it('a call for help hides nothing', async () => {
    const rules = [{ name: 'help', why: 'help', when: { to: '112' }, route: { trunk: 'carrier', number: '112' } }];
    await carrierWith({}, { callerId: '+4930777' }, { emergencyNumbers: ['112'], rules });
    const alice = await hall.join('alice');
    const calling = alice.invite('112', rtpSdp(41_000), { headers: ['Privacy: id'] });
    const invite = await hall.carrier.nextInvite();
    expect(invite.header('From')).toContain('+4930777');
    hall.carrier.peer.reply(invite, 486);
    await calling;
  });

  it('Diversion tells a trunk for whom the call was, when it is to know', async () => {
    const hunt = [
      { user: 'bob', on: ['busy'] },
      { trunk: 'carrier', number: '+491701234567' },
    ];
    const rules = [{ name: 'away', why: 'on the road', when: { to: 'bob' }, route: { hunt } }];
    await carrierWith({ diversion: true }, {}, { rules });
    const [alice, bob] = [await hall.join('alice'), await hall.join('bob')];
    const calling = alice.invite('bob', rtpSdp(41_000));
    bob.peer.reply(await bob.nextInvite(), 486);
    const invite = await hall.carrier.nextInvite();
    expect(invite.header('Diversion')).toBe(`<sip:bob@${DOMAIN}>;reason=user-busy;counter=1`);
    hall.carrier.peer.reply(invite, 486);
    await calling;
  });
});

describe('headers that go through', () => {
  const all = ['Diversion', 'History-Info', 'User-to-User', 'X-*'];
  const sent = {
    'X-Acme-Case': '42',
    'x-lower': 'a\tb',
    'User-to-User': '5468;encoding=hex;purpose=isdn-uui',
    Diversion: '"Bob" <sip:+4930555@carrier.example>;reason=no-answer',
    'History-Info': '<sip:+4930555@carrier.example?Privacy=history>;index=1, <sip:bob@x.example>;index=1.1',
  };

  async function transit(headers: Record<string, string>, bypass = false) {
    const pbx = await hall.open('pbx');
    const media = bypass ? ('bypass' as const) : ('rtp' as const);
    const trunk = (name: string, address: string, headersOf: object) => ({
      name,
      addresses: [address],
      target: address,
      transport: 'udp' as const,
      profile: { ...trunks, media, ...headersOf },
    });
    await hall.restart({
      trunks: [
        trunk('pbx', pbx.peer.address, { headers: { accept: all, send: [] } }),
        trunk('carrier', hall.carrier.peer.address, { headers: { accept: [], send: all } }),
      ],
    });
    const calling = pbx.invite('94930', rtpSdp(41_000), { headers: lines(headers) });
    const invite = await hall.carrier.nextInvite();
    hall.carrier.peer.reply(invite, 486);
    await calling;
    return invite;
  }

  it.each([false, true])('pass when both sides list them; media around us: %s', async (bypass) => {
    const invite = await transit(sent, bypass);
    expect(invite.header('X-Acme-Case')).toBe('42');
    expect(invite.header('X-Lower')).toBe('a b');
    expect(invite.header('User-to-User')).toBe(sent['User-to-User']);
    expect(invite.header('Diversion')).toBe(sent.Diversion);
    // RFC 7044 §10.1.2: what is marked as private does not reach those who are not trusted.
    expect(invite.header('History-Info')).toBe('<sip:bob@x.example>;index=1.1');
  });

  it('none does by default', async () => {
    const bob = await hall.join('bob');
    const calling = hall.carrier.invite('bob', rtpSdp(42_000), { headers: lines(sent) });
    const invite = await bob.nextInvite();
    for (const name of Object.keys(sent)) expect(invite.header(name)).toBe('');
    bob.peer.reply(invite, 486);
    await calling;
  });

  it('T11 T15 and nothing that means something to us or the peer, in whatever spelling', async () => {
    const invite = await transit({
      'X-Viaduct-Peer-Names': 'boss.example',
      'x-VIADUCT-Anything': '1',
      'X-Viaduct-Space ': '1',
      'X-Bypass-me ': 'lol',
      'X-Escape': '\u009b31mred\u2028 %s %n',
      'X-Long': 'x'.repeat(2_000),
      'User-to-User': 'not <a> uui; ; "',
      Diversion: 'garbage <<>',
      'P-Asserted-Identity': '<sip:boss@carrier.example>',
      Subject: 'hello',
    });
    const text = invite.raw.toLowerCase();
    for (const word of ['x-viaduct', 'boss', 'x-long', 'garbage', 'uui', 'hello']) expect(text).not.toContain(word);
    expect(invite.header('X-Escape')).toBe('31mred %s %n');
  });
});
