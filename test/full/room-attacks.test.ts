/** S50, T30 to T33: who may not is refused with the right code, and nothing is made for them. */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { closeCodes, SUBPROTOCOL } from '../../src/signaling/protocol/index.ts';
import { Gateway } from '../support/gateway.ts';
import { until } from '../support/until.ts';

const API_TOKEN = 'token-of-the-test-gateway';
const ROOM = 'blue';

let gateway: Gateway;
beforeAll(async () => {
  gateway = await Gateway.start({ base: 27_480 });
});
afterAll(() => gateway?.stop());

interface Minted {
  readonly token: string;
  readonly sessionId: string;
}

async function mint(changes: Record<string, unknown> = {}): Promise<Minted> {
  const answer = await fetch(`${gateway.origin}/rooms/tokens`, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ room: ROOM, subject: 'mallory', ...changes }),
  });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Minted;
}

async function revoke(body: object): Promise<void> {
  const answer = await fetch(`${gateway.origin}/rooms/revocations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(204);
}

interface Answer {
  readonly type: string;
  readonly id?: number;
  readonly data?: Record<string, unknown>;
  readonly error?: { readonly code: string };
}

/** A client that says what it likes. */
class Client {
  readonly socket: WebSocket;
  readonly received: Answer[] = [];
  closed: { readonly code: number; readonly reason: string } | undefined;
  /** The HTTP status of a refused upgrade. */
  refused: number | undefined;
  #nextId = 0;

  constructor(headers: Record<string, string> = {}, subprotocol: string | string[] = SUBPROTOCOL, path = '/rtc') {
    this.socket = new WebSocket(`ws://127.0.0.1:${gateway.httpPort}${path}`, subprotocol, { headers });
    this.socket.on('message', (data) => this.received.push(JSON.parse((data as Buffer).toString()) as Answer));
    this.socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
    this.socket.on('unexpected-response', (request, response) => {
      this.refused = response.statusCode;
      request.destroy();
    });
    this.socket.on('error', () => {});
  }

  static async open(): Promise<Client> {
    const client = new Client();
    await until(() => client.socket.readyState === WebSocket.OPEN, { within: 5_000, what: 'the WebSocket to open' });
    return client;
  }

  /** Resolves with the response, or with the close that came instead. */
  async request(method: string, data: unknown): Promise<Answer | { readonly code: number; readonly reason: string }> {
    const id = this.#nextId++;
    this.socket.send(JSON.stringify({ type: 'request', id, method, data }));
    return until(() => this.received.find((each) => each.id === id) ?? this.closed, {
      within: 8_000,
      what: `an answer to ${method}`,
    });
  }

  async failure(method: string, data: unknown): Promise<string | undefined> {
    return ((await this.request(method, data)) as Answer).error?.code;
  }

  closing(within = 8_000): Promise<{ readonly code: number; readonly reason: string }> {
    return until(() => this.closed, { within, what: 'the connection to be closed' });
  }
}

async function hello(token: string, more: Record<string, unknown> = {}): Promise<Client> {
  const client = await Client.open();
  expect(await client.request('hello', { token, room: ROOM, ...more })).toMatchObject({ type: 'response' });
  return client;
}

const capabilities = { rtpCapabilities: { codecs: [], headerExtensions: [] } };

async function joined(changes: Record<string, unknown> = {}): Promise<Client> {
  const client = await hello((await mint(changes)).token);
  expect(await client.request('join', capabilities)).toMatchObject({ type: 'response' });
  return client;
}

const sessionsBegun = (): Promise<number> => gateway.metric('viaduct_rooms_signaling_sessions_begun_total');
const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('T30 who comes at all', () => {
  it('refuses pages of others, the wrong subprotocol and none; lets in our own page', async () => {
    const status = async (client: Client): Promise<number | undefined> =>
      until(() => client.refused ?? (client.socket.readyState === WebSocket.OPEN ? 101 : undefined), {
        within: 5_000,
        what: 'an answer to the upgrade',
      });
    const host = `127.0.0.1:${gateway.httpPort}`;
    expect(await status(new Client({ origin: 'https://evil.example' }))).toBe(403);
    expect(await status(new Client({ origin: 'null' }))).toBe(403);
    expect(await status(new Client({ origin: `http://${host}.evil.example` }))).toBe(403);
    expect(await status(new Client({ origin: 'https://evil.example', cookie: 'session=1' }))).toBe(403);
    expect(await status(new Client({}, 'sip'))).toBe(400);
    expect(await status(new Client({}, []))).toBe(400);
    expect(await status(new Client({}, SUBPROTOCOL, '/rtc/../rtc2'))).toBe(404);
    const own = new Client({ origin: `http://${host}` });
    expect(await status(own)).toBe(101);
    own.socket.close();
  });

  it('closes who brings no token in time, or anything else first', async () => {
    const before = await sessionsBegun();
    const silent = await Client.open();
    const early = await Client.open();
    early.socket.send(JSON.stringify({ type: 'request', id: 0, method: 'join', data: capabilities }));
    expect((await early.closing()).code).toBe(closeCodes.malformed);
    const garbage = await Client.open();
    garbage.socket.send('{');
    expect((await garbage.closing()).code).toBe(closeCodes.malformed);
    const binary = await Client.open();
    binary.socket.send(Buffer.alloc(10));
    expect((await binary.closing()).code).toBe(closeCodes.unsupported);
    expect((await silent.closing(12_000)).code).toBe(closeCodes.tooLate);
    expect(await sessionsBegun()).toBe(before);
  });
});

describe('S50 T31 tokens', () => {
  it('refuses every bad token with 4401 or 4403, and begins no session', async () => {
    const before = await sessionsBegun();
    const good = await mint();
    const [header = '', payload = '', signature = ''] = good.token.split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
    const forged = (text: string): string =>
      `${text}.${createHmac('sha256', 'guessed').update(text).digest('base64url')}`;
    const cases: readonly (readonly [token: string, room: string, code: number])[] = [
      ['', ROOM, closeCodes.unauthenticated],
      ['not a token', ROOM, closeCodes.unauthenticated],
      [`${base64({ alg: 'none' })}.${payload}.`, ROOM, closeCodes.unauthenticated],
      [forged(`${header}.${payload}`), ROOM, closeCodes.unauthenticated],
      [`${header}.${base64({ ...claims, caps: ['join', 'moderate'] })}.${signature}`, ROOM, closeCodes.unauthenticated],
      [`${header}.${base64({ ...claims, room: 'red' })}.${signature}`, 'red', closeCodes.unauthenticated],
      [good.token, 'red', closeCodes.forbidden],
      [(await mint({ grants: ['publish'] })).token, ROOM, closeCodes.forbidden],
    ];
    for (const [token, room, code] of cases) {
      const client = await Client.open();
      expect(await client.request('hello', { token, room })).toMatchObject({ code });
    }
    const revoked = await mint();
    await revoke({ sessionId: revoked.sessionId });
    const late = await Client.open();
    expect(await late.request('hello', { token: revoked.token, room: ROOM })).toMatchObject({
      code: closeCodes.unauthenticated,
      reason: 'TOKEN_REVOKED',
    });
    expect(await sessionsBegun()).toBe(before);
    expect(await gateway.api('/rooms')).toEqual({ rooms: [] });
  });

  it('a token is for one session: a second connection needs the secret of the first', async () => {
    const { token } = await mint();
    const first = await hello(token);
    for (const more of [{}, { resumeSecret: 'guessed' }]) {
      const second = await Client.open();
      expect(await second.request('hello', { token, room: ROOM, ...more })).toMatchObject({
        code: closeCodes.forbidden,
        reason: 'SESSION_TAKEN',
      });
    }
    const { resumeSecret } = first.received[0]!.data as { resumeSecret: string };
    const resumed = await hello(token, { resumeSecret });
    expect(resumed.received[0]?.data).toMatchObject({ continuation: 'kept' });
    expect((await first.closing()).code).toBe(closeCodes.replaced);
    expect(await resumed.request('leave', {})).toMatchObject({ code: closeCodes.normal });
    // Over is over, even with the secret.
    const again = await Client.open();
    expect(await again.request('hello', { token, room: ROOM, resumeSecret })).toMatchObject({
      code: closeCodes.forbidden,
    });
  });

  it('two connections with one token at the same instant: one gets the session', async () => {
    const { token } = await mint();
    const clients = await Promise.all(Array.from({ length: 5 }, () => Client.open()));
    const outcomes = await Promise.all(clients.map((client) => client.request('hello', { token, room: ROOM })));
    expect(outcomes.filter((each) => 'type' in each)).toHaveLength(1);
    for (const client of clients) client.socket.close();
  });

  it('closes a live session within two seconds of its revocation: by session, and by person', async () => {
    const bySession = await mint();
    const clients = [await hello(bySession.token), await joined({ subject: 'mallory-2' })];
    const startedAt = performance.now();
    await revoke({ sessionId: bySession.sessionId });
    await revoke({ subject: 'mallory-2' });
    for (const client of clients)
      expect(await client.closing()).toEqual({ code: closeCodes.unauthenticated, reason: 'TOKEN_REVOKED' });
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });

  it('ends a session with its token, unless a new one of the same session came', async () => {
    // The shortest that the API makes.
    const short = { ttlSec: 10 };
    const [ends, stays] = [await mint(short), await mint(short)];
    const [ending, staying] = [await hello(ends.token), await hello(stays.token)];
    const other = await mint();
    expect(await staying.failure('refreshToken', { token: other.token })).toBe('SESSION_MISMATCH');
    const renewed = await mint({ sessionId: stays.sessionId });
    expect(await staying.request('refreshToken', { token: renewed.token })).toMatchObject({ type: 'response' });
    expect(await ending.closing(15_000)).toEqual({ code: closeCodes.unauthenticated, reason: 'TOKEN_EXPIRED' });
    expect(staying.closed).toBeUndefined();
    staying.socket.close();
  });
});

describe('T33 what a session may do', () => {
  it('asks the grant at each request, and for joining first', async () => {
    const bare = await hello((await mint({ grants: ['join', 'publish', 'subscribe'] })).token);
    expect(await bare.failure('openTransport', { direction: 'send' })).toBe('NOT_IN_ROOM');
    expect(await bare.failure('subscribe', { transportId: 'x', publicationId: 'y' })).toBe('NOT_IN_ROOM');
    const guest = await joined({ grants: ['join'] });
    expect(await guest.failure('openTransport', { direction: 'send' })).toBe('GRANT_MISSING');
    expect(await guest.failure('openTransport', { direction: 'receive' })).toBe('GRANT_MISSING');
    expect(await guest.failure('hold', { publicationId: 'x', isHeld: true })).toBe('GRANT_MISSING');
    expect(await guest.failure('remove', { participantId: 'x' })).toBe('GRANT_MISSING');
    expect(await guest.failure('everything', {})).toBe('METHOD_UNKNOWN');
    expect(await guest.failure('constructor', {})).toBe('METHOD_UNKNOWN');
    expect(await guest.failure('hello', {})).toBe('HELLO_FIRST');
    expect(await guest.failure('join', { rtpCapabilities: { codecs: 'all' } })).toBe('REQUEST_MALFORMED');
    for (const client of [bare, guest]) client.socket.close();
  });

  it("reaches nothing of others: their transports, their publications, other tenants' rooms of the same name", async () => {
    const [owner, thief, foreign] = [await joined(), await joined(), await joined({ tenant: 'other' })];
    const opened = (await owner.request('openTransport', { direction: 'send' })) as Answer;
    const { transportId } = opened.data as { transportId: string };
    const published = (await owner.request('publishData', {
      transportId,
      label: 'x',
      sctpStreamParameters: { streamId: 0 },
    })) as Answer;
    const { publicationId } = published.data as { publicationId: string };
    for (const client of [thief, foreign]) {
      expect(await client.failure('restartIce', { transportId })).toBe('TRANSPORT_UNKNOWN');
      expect(
        await client.failure('publishData', { transportId, label: 'y', sctpStreamParameters: { streamId: 1 } }),
      ).toBe('TRANSPORT_UNKNOWN');
    }
    expect(await thief.failure('unpublish', { publicationId })).toBe('NOT_YOURS');
    expect(await thief.failure('mute', { publicationId, isMuted: true })).toBe('NOT_YOURS');
    const inbox = (await foreign.request('openTransport', { direction: 'receive' })) as Answer;
    const own = (inbox.data as { transportId: string }).transportId;
    // A producer of another tenant, by its right id.
    expect(await foreign.failure('subscribeData', { transportId: own, publicationId })).toBe('MEDIA_PORT_UNKNOWN');
    expect(await foreign.failure('hold', { publicationId, isHeld: true })).toBe('PUBLICATION_UNKNOWN');
    expect(await foreign.request('join', capabilities)).toMatchObject({ data: { room: { participants: [{}] } } });
    for (const client of [owner, thief, foreign]) await client.request('leave', {});
  });

  it('refuses media parameters that mean nothing, and lives on', async () => {
    const client = await joined();
    const opened = (await client.request('openTransport', { direction: 'send' })) as Answer;
    const { transportId } = opened.data as { transportId: string };
    const rtpParameters = { codecs: [{ mimeType: 'video/NONE', payloadType: 96, clockRate: 90_000 }] };
    const publish = { transportId, kind: 'video', source: 'camera', isMuted: false, rtpParameters };
    expect(await client.failure('publish', publish)).toBe('MEDIA_REFUSED');
    expect(await client.failure('connectTransport', { transportId, dtlsParameters: { fingerprints: [] } })).toBe(
      'REQUEST_MALFORMED',
    );
    expect(await client.request('iceServers', {})).toMatchObject({ type: 'response' });
    await client.request('leave', {});
  });
});

describe('T32 bombs', () => {
  it('closes who sends too much, too often or in too many pieces', async () => {
    const big = await joined();
    big.socket.send('x'.repeat(70_000));
    expect((await big.closing()).code).toBe(closeCodes.tooBig);
    const many = await joined();
    for (let i = 0; i < 600; i++)
      many.socket.send(JSON.stringify({ type: 'request', id: 1000 + i, method: 'iceServers', data: {} }));
    expect((await many.closing()).code).toBe(closeCodes.tooMany);
    const pings = await joined();
    for (let i = 0; i < 600; i++) pings.socket.ping();
    // Or nothing at all, where they come faster than pongs go out: ws breaks the connection then.
    expect([closeCodes.tooMany, 1006]).toContain((await pings.closing()).code);
    const pieces = await joined();
    for (let i = 0; i < 200; i++) pieces.socket.send('x', { fin: false });
    await pieces.closing();
  });

  it('takes no compression, whatever is offered', async () => {
    const client = await Client.open();
    expect(client.socket.extensions).toBe('');
    client.socket.close();
  });
});
