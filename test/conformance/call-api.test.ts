/** The part of the API that changes calls: what it takes, what it refuses and how, and that its description is true. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { type FastifyInstance, fastify } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentCallVerbs, CallControl, OriginateRequest, VerbResult } from '../../src/calls/index.ts';
import type { CallId } from '../../src/kernel/index.ts';
import { addApiRoutes } from '../../src/ops/api/add-routes.ts';
import { callVerbRoutes } from '../../src/ops/api/call-verb-routes.ts';
import { openApi } from '../../src/ops/api/open-api.ts';
import { viewRoutes } from '../../src/ops/api/view-routes.ts';
import { guardOf } from '../../src/ops/api-guard.ts';

const TOKEN = 'a-token-of-sixteen-characters';
let app: FastifyInstance;
let done: unknown[][];
let asked: OriginateRequest[];
let next: VerbResult;
let added: string[];

const verbs = new Proxy({} as AgentCallVerbs, {
  get:
    (_target, name) =>
    (...given: unknown[]) => {
      done.push([name, ...given]);
      return Promise.resolve(next);
    },
});
const control: CallControl = {
  verbs: (callId, party) => {
    if (callId !== 'c1' || party === 'nobody') return undefined;
    done.push(['party', party]);
    return verbs;
  },
  originate: (request) => {
    asked.push(request);
    return Promise.resolve({ isDone: true, callId: `c${asked.length}` as CallId });
  },
};

beforeEach(() => {
  [done, asked, next] = [[], [], { isDone: true }];
  added = [];
  app = fastify();
  app.addHook('onRoute', ({ method, url }) => {
    if (method === 'POST') added.push(`POST ${url.replaceAll(/:(\w+)/g, '{$1}')}`);
  });
  addApiRoutes(app, callVerbRoutes(control), { guard: guardOf(TOKEN), requestsPerSec: 20 });
});
afterEach(() => app.close());

async function post(url: string, payload: object = {}, headers: Record<string, string> = {}) {
  const response = await app.inject({
    method: 'POST',
    url,
    payload,
    headers: { authorization: `Bearer ${TOKEN}`, ...headers },
  });
  return {
    status: response.statusCode,
    type: response.headers['content-type'],
    body: response.json<Record<string, unknown>>(),
  };
}

describe('a verb', () => {
  it.each([
    ['hangup', { cause: 17 }, ['hangUp', 17]],
    ['transfer', { target: 'bob', party: 'callee' }, ['transfer', 'bob']],
    ['consult', { target: 'bob' }, ['consult', 'bob']],
    ['consult/complete', {}, ['completeConsultation']],
    ['consult/cancel', { party: 'callee' }, ['cancelConsultation']],
    ['digits', { digits: '1w2#' }, ['sendDigits', '1w2#']],
    ['hold', {}, ['hold']],
    ['resume', {}, ['resume']],
    ['mute', { isMuted: true }, ['mute', true]],
    ['play', { sound: 'music' }, ['play', { kind: 'music' }]],
    ['play', { sound: { file: 'hello.wav' } }, ['play', { kind: 'file', name: 'hello.wav', isLooped: false }]],
    ['stop', {}, ['stopPlaying']],
  ])('%s is done', async (name, body, call) => {
    expect(await post(`/calls/c1/${name}`, body)).toMatchObject({ status: 200, body: { status: 'done' } });
    expect(done.at(-1)).toEqual(call);
    expect(done[0]).toEqual(['party', 'party' in body ? body.party : 'caller']);
  });

  it.each([
    ['hangup', { cause: 128 }],
    ['transfer', {}],
    ['consult', {}],
    ['transfer', { target: 'a\r\nb' }],
    ['digits', { digits: 'hello' }],
    ['play', { sound: { file: '../../etc/passwd' } }],
    ['mute', { isMuted: 'yes' }],
    ['hold', { surprise: 1 }],
  ])('%s with nonsense is refused with what is wrong', async (name, body) => {
    const { status, type, body: problem } = await post(`/calls/c1/${name}`, body);
    expect(status).toBe(422);
    expect(type).toContain('application/problem+json');
    expect(problem).toMatchObject({ error: 'REQUEST_INVALID', status: 422, errors: [expect.any(String)] });
    expect(done).toEqual([]);
  });

  it('says precisely why it was not done', async () => {
    next = { isDone: false, code: 'TARGET_FAILED', text: 'busy', sipStatus: 486 };
    expect(await post('/calls/c1/transfer', { target: 'bob' })).toMatchObject({
      status: 502,
      body: { error: 'TARGET_FAILED', sipStatus: 486, title: 'Bad Gateway' },
    });
    next = { isDone: false, code: 'NO_CONSULTATION', text: 'nobody is being consulted' };
    expect(await post('/calls/c1/consult/complete')).toMatchObject({ status: 409, body: { error: 'NO_CONSULTATION' } });
    expect((await post('/calls/c2/hold')).body).toMatchObject({ status: 404, error: 'CALL_NOT_FOUND' });
  });

  it('needs the token', async () => {
    const response = await app.inject({ method: 'POST', url: '/calls/c1/hangup', payload: {} });
    expect(response.statusCode).toBe(401);
  });

  it('comes too often: 429', async () => {
    const all = await Promise.all(Array.from({ length: 30 }, () => post('/calls/c1/hold')));
    expect(all.filter(({ status }) => status === 429).length).toBeGreaterThan(5);
  });
});

describe('a call that is asked for', () => {
  it('begins once under one key', async () => {
    const body = { to: '+4930123', agent: 'reception', metadata: { order: '1' } };
    const key = { 'idempotency-key': 'k-1' };
    const [first, second] = await Promise.all([post('/calls', body, key), post('/calls', body, key)]);
    expect([first.status, first.body]).toEqual([201, { callId: 'c1' }]);
    expect(second.body).toEqual(first.body);
    expect((await post('/calls', body, key)).body).toEqual({ callId: 'c1' });
    expect(asked).toMatchObject([{ to: '+4930123', connect: { kind: 'agent', name: 'reception' }, ringMs: 60_000 }]);
    expect(await post('/calls', { ...body, to: '1' }, key)).toMatchObject({
      status: 422,
      body: { error: 'IDEMPOTENCY_KEY_USED' },
    });
    expect((await post('/calls', body, { 'idempotency-key': 'k-2' })).body).toEqual({ callId: 'c2' });
  });

  it('must be for an agent or a user, and not for both', async () => {
    expect((await post('/calls', { to: '1' })).status).toBe(422);
    expect((await post('/calls', { to: '1', agent: 'a', user: 'b' })).status).toBe(422);
    expect((await post('/calls', { to: '1', agent: 'a', metadata: { k: 'x'.repeat(513) } })).status).toBe(422);
    expect(asked).toEqual([]);
  });
});

describe('the description', () => {
  const description = openApi([...viewRoutes, ...callVerbRoutes(control)]) as {
    paths: Record<string, Record<string, { operationId: string }>>;
  };

  it('is valid OpenAPI 3.1', async () => {
    const result = await new Validator().validate(structuredClone(description));
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
  });

  it('has every route that there is, and no other', () => {
    const described = Object.entries(description.paths).flatMap(([path, operations]) =>
      Object.keys(operations)
        .filter((method) => method !== 'get')
        .map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.toSorted()).toEqual(added.toSorted());
    expect(described.length).toBeGreaterThan(8);
    const ids = Object.values(description.paths).flatMap((each) => Object.values(each).map((one) => one.operationId));
    expect(new Set(ids).size).toBe(ids.length);
  });
});
