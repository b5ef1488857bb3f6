import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import {
  type Dialplan,
  decide,
  type Place,
  parseDialplan,
  type RouteDecision,
  type RouteRequest,
} from '../../src/dialplan/index.ts';
import { CodedError } from '../../src/kernel/index.ts';

type Changes = Partial<Omit<RouteRequest, 'to' | 'from' | 'headers'>> & {
  to?: string;
  from?: string;
  headers?: Record<string, string>;
};

const party = (text: string) => ({ user: text.split('@')[0] ?? '', host: text.split('@')[1] ?? 'viaduct.local' });

function request({ to = 'alice', from = 'bob', headers = {}, ...changes }: Changes): RouteRequest {
  return {
    from: party(from),
    to: party(to),
    source: 'user',
    headers: (name) => headers[name.toLowerCase()],
    uri: `sip:${party(to).user}@${party(to).host}`,
    tenant: 'default',
    at: 0,
    emergencyNumbers: ['112'],
    trunks: ['pbx', 'carrier'],
    isUser: (name) => ['alice', 'bob', '1001'].includes(name),
    ...changes,
  };
}

const file = new URL('../../dialplans/default.yaml', import.meta.url);
const standard = parseDialplan(parse(readFileSync(file, 'utf8')), 'default.yaml');
const rule = (when: object, route: object) => ({ name: 'the-rule', why: 'a test', when, route });

type Flat = Exclude<RouteDecision, { kind: 'ring' }> | (Place & Pick<RouteDecision, 'rule' | 'why'>);

/** A decision that rings a single place, as that place. */
function flat(decision: RouteDecision): Flat {
  if (decision.kind !== 'ring') return decision;
  expect(decision.stages.map(({ places }) => places.length)).toEqual([1]);
  const { rule: name, why } = decision;
  const [place] = decision.stages[0]?.places ?? [];
  if (place === undefined) throw new Error('rings nobody');
  return { ...place, rule: name, why };
}
const decideFlat = (dialplan: Dialplan, asked: RouteRequest): Flat => flat(decide(dialplan, asked));
const routeOf = (rules: object[], changes: Changes, numbers = {}): Flat =>
  decideFlat(parseDialplan({ numbers, rules }, 'test.yaml'), request(changes));

describe('dialplans/default.yaml', () => {
  it.each([
    [{ to: 'echo' }, { kind: 'agent', agent: 'echo', rule: 'echo' }],
    [
      { to: 'tone', source: 'trunk' as const, trunk: 'pbx' },
      { kind: 'agent', agent: 'tone' },
    ],
    [{ to: 'alice' }, { kind: 'user', aor: 'alice', rule: 'user' }],
    [
      { to: 'alice', source: 'trunk' as const, trunk: 'pbx' },
      { kind: 'user', aor: 'alice' },
    ],
    [{ to: '1001' }, { kind: 'user', aor: '1001' }],
    [{ to: '+4930123456' }, { kind: 'trunk', trunk: 'pbx', number: '+4930123456', rule: 'international' }],
    [{ to: '030123456' }, { kind: 'trunk', trunk: 'pbx', number: '030123456', rule: 'national' }],
    [
      { to: '+4930123456', trunks: [] },
      { kind: 'reject', status: 404 },
    ],
    [{ to: 'nobody' }, { kind: 'reject', status: 404, rule: 'no-rule' }],
    [
      { to: '+4930123456', source: 'trunk' as const, trunk: 'pbx' },
      { kind: 'reject', status: 404 },
    ],
  ])('%j', (changes, decision) => {
    expect(decideFlat(standard, request(changes))).toMatchObject(decision);
  });

  it('lets strangers reach nothing at all', () => {
    for (const to of ['echo', 'tone', 'alice', '+4930123456', '030123456']) {
      expect(decideFlat(standard, request({ to, source: 'anonymous' }))).toMatchObject({ kind: 'reject', status: 404 });
    }
  });

  it('leads a number of ours to its user', () => {
    const mapped = { ...standard, numbers: { '+4930123456': 'alice' } };
    const decision = decideFlat(mapped, request({ to: '+4930123456', source: 'trunk', trunk: 'pbx' }));
    expect(decision).toMatchObject({ kind: 'user', aor: 'alice', rule: 'mapped-number' });
    expect(decideFlat(mapped, request({ to: 'constructor' }))).toMatchObject({ kind: 'reject' });
  });
});

describe('rules', () => {
  it('the first that matches decides, and says its name and why', () => {
    const rules = [
      { name: 'first', why: 'one', when: { to: 'a*' }, route: { room: 'one' } },
      { name: 'second', why: 'two', when: { to: '*' }, route: { room: 'two' } },
    ];
    expect(routeOf(rules, { to: 'alice' })).toEqual({
      kind: 'room',
      room: 'one',
      isEmergency: false,
      rule: 'first',
      why: 'one',
    });
    expect(routeOf(rules, { to: 'bob' })).toEqual({
      kind: 'room',
      room: 'two',
      isEmergency: false,
      rule: 'second',
      why: 'two',
    });
  });

  it('groups go into the destination', () => {
    expect(routeOf([rule({ to: '0(#*)' }, { trunk: 'carrier', number: '+49${1}' })], { to: '030123' })).toMatchObject({
      kind: 'trunk',
      trunk: 'carrier',
      number: '+4930123',
    });
    const byCaller = rule({ from: '(?)*', to: 'room-(*)' }, { room: '${from.1}-${1}-${0}-${from.0}' });
    expect(routeOf([byCaller], { from: 'carol', to: 'room-7' })).toMatchObject({ room: 'c-7-room-7-carol' });
  });

  it('match the host when the pattern has one, without regard to its case', () => {
    const rules = [rule({ to: '(*)@*.Example.com' }, { user: '${1}@example.com' })];
    expect(routeOf(rules, { to: 'alice@sip.EXAMPLE.com' })).toMatchObject({ kind: 'user', aor: 'alice@example.com' });
    expect(routeOf(rules, { to: 'alice@example.org' }).kind).toBe('reject');
  });

  it('match trunk and headers; what is absent matches nothing', () => {
    const rules = [
      rule({ trunk: '*', headers: { 'X-Tenant': 'acme*' } }, { reject: { status: 603, reason: 'Decline' } }),
    ];
    const headers = { 'x-tenant': 'acme-1' };
    expect(routeOf(rules, { source: 'trunk', trunk: 'pbx', headers })).toMatchObject({
      status: 603,
      reason: 'Decline',
    });
    expect(routeOf(rules, { source: 'trunk', trunk: 'pbx' })).toMatchObject({ rule: 'no-rule' });
    expect(routeOf(rules, { headers })).toMatchObject({ rule: 'no-rule' });
  });

  it('let strangers in only where they are named, and never to a trunk', () => {
    const open = [rule({ source: ['user', 'anonymous'] }, { agent: 'echo' })];
    expect(routeOf(open, { source: 'anonymous' }).kind).toBe('agent');
    const toTrunk = { numbers: {}, rules: [rule({}, { trunk: 'pbx', number: '1' })] };
    const forced = parseDialplan(toTrunk, 'x');
    for (const each of forced.rules) each.when.source = ['anonymous'];
    expect(decideFlat(forced, request({ source: 'anonymous' })).kind).toBe('reject');
  });

  it('lead from trunk to trunk only where they say so', () => {
    const then = { trunk: 'carrier', number: '${0}' };
    const changes: Changes = { to: '1', source: 'trunk', trunk: 'pbx' };
    expect(routeOf([rule({}, then)], changes).kind).toBe('reject');
    expect(routeOf([rule({ source: 'trunk' }, then)], changes).kind).toBe('trunk');
  });

  it.each(['1;phone-context=evil', '1@evil.example@x', '1?Replaces=x', '1 2', '<1>', '', '1%0d%0aVia: x'])(
    'never make a URI of %j',
    (to) => {
      const asked = { ...request({}), to: { user: to, host: 'viaduct.local' } };
      const dialplan = parseDialplan({ rules: [rule({}, { trunk: 'pbx', number: '${0}' })] }, 'x');
      expect(decideFlat(dialplan, asked)).toMatchObject({ kind: 'reject', status: 404 });
    },
  );
});

describe('mistakes name the key and the fix', () => {
  const then = { agent: 'echo' };
  it.each([
    [
      { rules: [], rule: [] },
      'd.yaml: (top level): unknown key "rule"; known: numbers, timezone, holidays, emergencyRoute, rules',
    ],
    [{ rules: [{ ...rule({}, then), wen: {} }] }, 'rules[0]: unknown key "wen"; known: name, why, when, route'],
    [
      { rules: [rule({ host: 'x' }, then)] },
      'rules[0].when: unknown key "host"; known: source, to, from, trunk, toIsUser, headers',
    ],
    [
      { rules: [rule({}, {})] },
      'rules[0].route: must have exactly one of user, trunk, agent, room, reject, fork, hunt, hook; it has none',
    ],
    [{ rules: [rule({}, { agent: 'echo', room: 'x' })] }, 'it has agent and room'],
    [{ rules: [rule({}, { trunk: 'pbx' })] }, 'rules[0].route: trunk and number belong together'],
    [{ rules: [rule({ to: '(a' }, then)] }, 'rules[0].when.to: a ( is never closed; add the )'],
    [{ rules: [rule({ to: 'a)' }, then)] }, 'rules[0].when.to: a ) has no ( before it; remove it'],
    [{ rules: [rule({ to: '((a))' }, then)] }, 'rules[0].when.to: a group stands inside a group'],
    [{ rules: [rule({ to: '*'.repeat(129) }, then)] }, 'rules[0].when.to: is longer than 128 characters'],
    [
      { rules: [rule({ to: '*' }, { user: '${1}' })] },
      'rules[0].route.user: ${1} asks for a group that when.to does not have',
    ],
    [{ rules: [rule({}, { user: '${name}' })] }, 'rules[0].route.user: ${name} is no placeholder; use ${0}'],
    [
      { rules: [rule({}, { reject: { status: 200, reason: 'OK' } })] },
      'rules[0].route.reject.status: must be from 400 to 699',
    ],
    [
      { rules: [rule({ source: 'stranger' }, then)] },
      'rules[0].when.source: must be user, trunk, anonymous, or a list',
    ],
    [
      { rules: [rule({ source: 'anonymous' }, { trunk: 'a', number: '1' })] },
      'rules[0].when.source: anonymous callers never reach a trunk',
    ],
    [{ rules: [rule({}, then), rule({}, then)] }, 'rules[1].name: "the-rule" names two rules; rename one'],
  ])('%#: %j', (data, text) => {
    let thrown: unknown;
    try {
      parseDialplan(data, 'd.yaml');
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(CodedError);
    expect(thrown).toMatchObject({ code: 'DIALPLAN_INVALID', message: expect.stringContaining(text) });
    expect((thrown as CodedError).message).toMatch(/^d\.yaml: /u);
  });
});

it('never lets a stranger reach a trunk, whatever the rules', () => {
  const when = fc.record(
    { source: fc.subarray(['user', 'trunk', 'anonymous'], { minLength: 1 }), to: fc.constantFrom('*', '#*', '+*') },
    { requiredKeys: [] },
  );
  const then = fc.constantFrom(
    { trunk: '*', number: '${0}' },
    { trunk: 'pbx', number: '1' },
    { user: '${0}' },
    { agent: 'echo' },
  );
  const rules = fc.array(fc.tuple(when, then), { maxLength: 5 });
  fc.assert(
    fc.property(rules, fc.constantFrom('1', '+1', 'alice'), (list, to) => {
      const valid = list
        .filter(([{ source }, destination]) => !('trunk' in destination && source?.includes('anonymous')))
        .map(([condition, destination], index) => ({ ...rule(condition, destination), name: `rule-${index}` }));
      expect(routeOf(valid, { to, source: 'anonymous' }).kind).not.toBe('trunk');
    }),
    { seed: 3261, numRuns: 500 },
  );
});
