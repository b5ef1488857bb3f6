import { describe, expect, it } from 'vitest';
import {
  decide,
  decideAnswer,
  explain,
  hookFacts,
  parseDialplan,
  parseHookAnswer,
  type RouteDecision,
  type RouteRequest,
} from '../../src/dialplan/index.ts';

const request = (changes: Partial<RouteRequest> = {}): RouteRequest => ({
  from: { user: 'bob', host: 'viaduct.local' },
  to: { user: '030123', host: 'viaduct.local' },
  uri: 'sip:030123@viaduct.local;user=phone',
  tenant: 'default',
  source: 'user',
  headers: () => undefined,
  at: 0,
  trunks: ['pbx', 'carrier'],
  emergencyNumbers: ['112'],
  isUser: (name) => ['alice', 'bob'].includes(name),
  ...changes,
});
const plan = (route: object, when: object = {}, more: object = {}) =>
  parseDialplan({ ...more, rules: [{ name: 'r', why: 'w', when, route }] }, 'd.yaml');
const decided = (route: object, changes: Partial<RouteRequest> = {}, when: object = {}): RouteDecision =>
  decide(plan(route, when), request(changes));
const DEFAULT_ON = ['no-answer', 'unavailable', 'failed'];

describe('a route that rings', () => {
  it('one after another and several at once, each with its time and causes', () => {
    const hunt = [
      { user: 'alice', ringSec: 15, on: ['busy', 480] },
      { fork: [{ user: 'bob' }, { trunk: 'carrier', number: '+49${1}' }], ringSec: 30 },
      { agent: 'echo' },
    ];
    expect(decided({ hunt }, {}, { to: '0(#*)' })).toMatchObject({
      kind: 'ring',
      stages: [
        { places: [{ kind: 'user', aor: 'alice' }], ringSec: 15, on: ['busy', 480] },
        {
          places: [
            { kind: 'user', aor: 'bob' },
            { kind: 'trunk', trunk: 'carrier', number: '+4930123' },
          ],
          ringSec: 30,
          on: DEFAULT_ON,
        },
        { places: [{ kind: 'agent', agent: 'echo' }], ringSec: undefined, on: DEFAULT_ON },
      ],
      fallbacks: [],
      callerId: undefined,
    });
  });

  it('leaves out what is not there, and does not match when nothing is left', () => {
    const hunt = [{ trunk: 'none', number: '1' }, { user: '${mapped}' }, { user: 'alice' }];
    expect(decided({ hunt })).toMatchObject({ stages: [{ places: [{ aor: 'alice' }] }] });
    expect(decided({ hunt: hunt.slice(0, 2) })).toMatchObject({ kind: 'reject', rule: 'no-rule' });
  });

  it('has fallbacks by cause, and a caller id from what the patterns kept', () => {
    const route = {
      user: 'alice',
      callerId: '4930${from.1}',
      fallback: [
        { on: ['busy'], hunt: [{ user: 'bob', ringSec: 5 }, { agent: 'tone' }] },
        { on: ['failed', 404], trunk: '*', number: '${0}' },
      ],
    };
    const decision = decided(route, { from: { user: '0815', host: 'x' } }, { from: '0(#*)' });
    expect(decision).toMatchObject({
      callerId: '4930815',
      fallbacks: [
        { on: ['busy'], stages: [{ places: [{ aor: 'bob' }] }, { places: [{ agent: 'tone' }] }] },
        { on: ['failed', 404], stages: [{ places: [{ trunk: 'pbx', number: '030123' }] }] },
      ],
    });
  });

  it('needs a trunk of the caller’s tenant', () => {
    expect(decided({ trunk: 'carrier', number: '1' }, { trunks: ['pbx'] }).kind).toBe('reject');
  });

  it('leads to a trunk from inside a fork only by the same rights as everywhere', () => {
    const route = { fork: [{ user: 'alice' }, { trunk: 'pbx', number: '1' }] };
    expect(decided(route, { source: 'trunk' }).kind).toBe('reject');
    expect(decided(route, { source: 'trunk' }, { source: ['trunk'] })).toMatchObject({
      stages: [{ places: [{ kind: 'user' }, { kind: 'trunk' }] }],
    });
    expect(() => plan(route, { source: 'anonymous' })).toThrow('anonymous callers never reach a trunk');
  });
});

describe('conditions', () => {
  it.each([
    [{ uri: 'sip:*;user=phone' }, {}, true],
    [{ uri: 'sips:*' }, {}, false],
    [{ tenant: 'acme*' }, { tenant: 'acme-berlin' }, true],
    [{ tenant: 'acme' }, {}, false],
    [{ time: { hours: '00:00-01:00' } }, {}, true],
    [{ time: { days: 'fri' } }, {}, false],
  ])('%j', (when, changes, expected) => {
    expect(decided({ agent: 'echo' }, changes, when).kind).toBe(expected ? 'ring' : 'reject');
  });
});

describe('explain', () => {
  it('says what stood against each rule', () => {
    const rules = [
      { name: 'trunk', why: 'w', when: { trunk: 'pbx' }, route: { agent: 'echo' } },
      { name: 'number', why: 'w', when: { to: '+#*' }, route: { agent: 'echo' } },
      { name: 'header', why: 'w', when: { headers: { 'X-A': '1' } }, route: { agent: 'echo' } },
      { name: 'night', why: 'w', when: { time: { hours: '22:00-23:00' } }, route: { agent: 'echo' } },
      { name: 'gone', why: 'w', route: { user: '${mapped}' } },
      { name: 'yes', why: 'because', route: { user: 'alice' } },
    ];
    const { decision, passed } = explain(parseDialplan({ rules }, 'd.yaml'), request());
    expect(decision).toMatchObject({ rule: 'yes', why: 'because' });
    expect(passed.map(({ rule, miss }) => [rule, miss.key, miss.found])).toEqual([
      ['trunk', 'when.trunk', 'nothing'],
      ['number', 'when.to', '030123'],
      ['header', 'when.headers.X-A', 'nothing'],
      ['night', 'when.time', 'Thu 1970-01-01 00:00 UTC'],
      ['gone', 'route', 'numbers has no entry for what was dialed'],
    ]);
  });
});

describe('emergency numbers', () => {
  const to = { user: '112', host: 'viaduct.local' };
  const route = {
    hunt: [
      { trunk: 'pbx', number: '${0}' },
      { trunk: 'carrier', number: '${0}' },
    ],
  };
  const dialplan = plan({ reject: { status: 403, reason: 'No' } }, {}, { emergencyRoute: route });

  it('go their own way, and no cause stops the hunt', () => {
    const decision = decide(dialplan, request({ to }));
    expect(decision).toMatchObject({ kind: 'ring', rule: 'emergency', isEmergency: true });
    if (decision.kind !== 'ring') throw new Error('rings nobody');
    expect(decision.stages.map(({ on }) => on)).toEqual(
      [1, 2].map(() => ['busy', 'declined', 'no-answer', 'unavailable', 'failed']),
    );
  });

  it('are for callers we know, from a trunk as well', () => {
    expect(decide(dialplan, request({ to, source: 'trunk', trunk: 'pbx' }))).toMatchObject({
      isEmergency: true,
      kind: 'ring',
    });
    expect(decide(dialplan, request({ to, source: 'anonymous' }))).toMatchObject({
      isEmergency: false,
      kind: 'reject',
    });
  });

  it('are none where a user has that name', () => {
    const isUser = (name: string): boolean => name === '112';
    expect(decide(dialplan, request({ to, isUser }))).toMatchObject({ isEmergency: false, rule: 'r' });
  });

  it('fall to the rules, with their flag, where no trunk is', () => {
    expect(decide(dialplan, request({ to, trunks: [] }))).toMatchObject({ isEmergency: true, rule: 'r' });
  });
});

describe('a hook', () => {
  const secret = `whsec_${'A'.repeat(43)}=`;
  const hook = { url: 'https://hook.example/route', secret };
  const rules = [
    { name: 'ask', why: 'w', when: { source: ['user', 'trunk'] }, route: { hook } },
    { name: 'next', why: 'w', route: { user: 'alice' } },
  ];
  const dialplan = parseDialplan({ rules }, 'd.yaml');
  const asked = decide(dialplan, request());

  it('is a decision to ask, and the next rule is tried behind it', () => {
    expect(asked).toMatchObject({ kind: 'hook', rule: 'ask', hook: { timeoutMs: 2_000, retries: 1 } });
    expect(decide(dialplan, request(), 'ask')).toMatchObject({ kind: 'ring', rule: 'next' });
  });

  it('answers with a route that has the rights of its rule', () => {
    const answer = parseHookAnswer({ trunk: 'pbx', number: '+49${0}' }, 'x');
    expect(decideAnswer(answer, asked, dialplan, request())).toMatchObject({
      rule: 'ask',
      stages: [{ places: [{ trunk: 'pbx', number: '+49030123' }] }],
    });
    expect(decideAnswer(answer, asked, dialplan, request({ source: 'trunk' }))).toMatchObject({ kind: 'ring' });
    expect(decideAnswer(answer, asked, dialplan, request({ source: 'anonymous' }))).toBeUndefined();
    expect(decideAnswer(answer, asked, dialplan, request({ trunks: [] }))).toBeUndefined();
  });

  it('is told cleaned and bounded facts', () => {
    const settings = asked.kind === 'hook' ? { ...asked.hook, headers: ['X-A', 'X-B', 'X-C'] } : undefined;
    if (settings === undefined) throw new Error('no hook');
    const values: Record<string, string> = { 'X-A': 'a\r\nb\u0000\u2028c', 'X-B': 'b'.repeat(10_000) };
    const call = { callId: 'c', isEmergency: false, timestamp: '2026-01-01T00:00:00.000Z' };
    const { data } = hookFacts(settings, request({ headers: (name) => values[name] }), call);
    expect(data.headers).toEqual({ 'X-A': 'a  b  c', 'X-B': 'b'.repeat(512) });
    const many = { ...settings, headers: Array.from({ length: 32 }, (_, index) => `X-${index}`) };
    const all = hookFacts(many, request({ headers: () => 'x'.repeat(500) }), call);
    expect(JSON.stringify(all.data.headers).length).toBeLessThan(4_500);
  });
});

describe('mistakes name the key and the fix', () => {
  const secret = `whsec_${'A'.repeat(43)}=`;
  it.each([
    [
      { hunt: [{ user: 'a', trunk: 'b', number: '1' }] },
      'route.hunt[0]: must have exactly one of user, trunk, agent, fork; it has user and trunk',
    ],
    [{ hunt: [{ user: 'a' }], ringSec: 5 }, 'route.ringSec: belongs to each entry of hunt; move it there'],
    [{ user: 'a', ringSec: 0 }, 'route.ringSec: must be from 1 to 600'],
    [{ fork: [{ user: 'a', ringSec: 5 }] }, 'route.fork[0]: unknown key "ringSec"; known: user, trunk, number, agent'],
    [
      { hunt: [{ user: 'a', on: ['bussy'] }] },
      'route.hunt[0].on[0]: must be busy, declined, no-answer, unavailable, failed or a SIP status',
    ],
    [{ user: 'a', fallback: [{ user: 'b' }] }, 'route.fallback[0].on: '],
    [
      { reject: { status: 403, reason: 'No' }, fallback: [{ on: ['busy'], user: 'b' }] },
      'route.fallback: follows only on a route that rings',
    ],
    [
      { user: 'a', fallback: [{ on: ['busy'], fork: [{ user: '${2}' }] }] },
      'route.fallback[0].fork[0].user: ${2} asks for a group',
    ],
    [{ hook: { url: 'ftp://x', secret } }, 'route.hook.url: must be an http:// or https:// URL'],
    [{ hook: { url: 'http://u:p@x/', secret } }, 'route.hook.url: must not hold a password'],
    [
      { hook: { url: 'http://x/', secret: 'short' } },
      'route.hook.secret: must be whsec_ and 24 to 64 random bytes in base64',
    ],
    [{ hook: { url: 'http://x/' } }, 'route.hook: must have exactly one of secret and secretEnv'],
    [
      { hook: { url: 'http://x/', secretEnv: 'VIADUCT_KEY' } },
      'route.hook.secretEnv: must be a name in capitals that does not begin with VIADUCT_',
    ],
  ])('%j', (route, text) => {
    expect(() => plan(route)).toThrow(`d.yaml: rules[0].${text}`);
  });
});
