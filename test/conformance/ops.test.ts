import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { type CallRecord, matchesQuery } from '../../src/calls/index.ts';
import { type CallId, Scope, silentLogger } from '../../src/kernel/index.ts';
import { ensureCertificate, type Ops, type OpsOptions, startOps, TlsFileSet } from '../../src/ops/index.ts';

const TOKEN = 'a-token-of-sixteen-characters';
const record: CallRecord = {
  callId: 'c1' as CallId,
  from: 'sip:alice@viaduct.local',
  to: 'sip:bob@viaduct.local',
  trunk: undefined,
  tenant: 'default',
  user: 'alice',
  source: 'udp:192.0.2.1:5060',
  route: 'users',
  startedAt: 1000,
  ringingAt: undefined,
  answeredAt: 2000,
  answeredBy: undefined,
  endedAt: 3000,
  endReason: 'hangup-caller',
  sipStatus: 200,
  q850: 16,
  codecs: undefined,
  legs: [],
};

let scope: Scope;
let folder: string;
beforeEach(() => {
  scope = new Scope();
  folder = mkdtempSync(join(tmpdir(), 'viaduct-ops-'));
  scope.add(() => rmSync(folder, { recursive: true }));
});
afterEach(() => scope.close());

const TRUNK = {
  name: 'carrier',
  targets: ['carrier.test'],
  limits: { calls: 5, callsPerSec: undefined },
  inbound: 1,
  outbound: 2,
  refusedInbound: 0,
  refusedOutbound: 0,
  registration: undefined,
  servers: [],
};

async function start(changes: Partial<OpsOptions> = {}): Promise<Ops> {
  const ops = await startOps({
    http: { address: '127.0.0.1', port: 0 },
    https: undefined,
    sipUpstream: undefined,
    logger: silentLogger,
    files: new Map([
      ['/', { body: Buffer.from('<p>page</p>'), contentType: 'text/html; charset=utf-8', etag: '"e1"' }],
    ]),
    token: TOKEN,
    domain: 'viaduct.local',
    reload: () => ({ needRestart: [] }),
    control: { verbs: () => undefined, originate: () => Promise.reject(new Error('not here')) },
    requestsPerSec: 50,
    views: {
      calls: (query) => Promise.resolve([record].filter((each) => matchesQuery(each, query)).slice(0, query.limit)),
      messages: () => Promise.resolve([]),
      call: (callId) => Promise.resolve(callId === 'c1' ? record : undefined),
      registrations: () => Promise.resolve([]),
      tolls: () => [{ tenant: 'main', unitsThisHour: 1.5, unitsToday: 3 }],
      resetToll: () => {},
      bans: () => [{ address: '203.0.113.9', user: undefined, until: 5 }],
      liftBan: (address) => address === '203.0.113.9',
      trunks: () => [TRUNK],
      metrics: () => Promise.resolve({ text: 'x 1\n', contentType: 'text/plain; version=0.0.4' }),
      readiness: () => Promise.resolve({ sip: true, media: true }),
    },
    ...changes,
  });
  scope.add(() => ops.close());
  return ops;
}

const get = (ops: Ops, path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`http://127.0.0.1:${ops.httpPort}${path}`, { headers });

describe('HTTP API', () => {
  it('serves the page with a policy that lets in nothing foreign, and 304 when it is known', async () => {
    const ops = await start();
    const page = await get(ops, '/');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(await page.text()).toBe('<p>page</p>');
    expect((await get(ops, '/', { 'if-none-match': '"e1"' })).status).toBe(304);
  });

  it('says 503 and which part is missing when not ready', async () => {
    const healthy = await start();
    expect((await get(healthy, '/readyz')).status).toBe(200);
    const base = await start();
    expect((await get(base, '/healthz')).status).toBe(200);
    const views = { readiness: () => Promise.resolve({ sip: true, media: false }) } as unknown as OpsOptions['views'];
    const sick = await start({ views });
    const answer = await get(sick, '/readyz');
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({ status: 'not ready', parts: { sip: true, media: false } });
  });

  it('gives call records to the bearer of the token only', async () => {
    const ops = await start();
    for (const path of ['/calls', '/calls/c1', '/calls/c1/ladder', '/registrations', '/tolls', '/bans']) {
      expect((await get(ops, path)).status).toBe(401);
      expect((await get(ops, path, { authorization: 'Bearer wrong-token-of-sixteen-chars' })).status).toBe(401);
      expect((await get(ops, path, { authorization: `Bearer ${TOKEN}` })).status).toBe(200);
    }
    expect((await get(ops, '/calls/none', { authorization: `Bearer ${TOKEN}` })).status).toBe(404);
    expect((await get(ops, '/calls?limit=0', { authorization: `Bearer ${TOKEN}` })).status).toBe(400);
  });

  it('S73 finds calls by what is asked, and refuses a question it does not know', async () => {
    const ops = await start();
    const found = async (query: string): Promise<number> => {
      const answer = await get(ops, `/calls?${query}`, { authorization: `Bearer ${TOKEN}` });
      return answer.ok ? ((await answer.json()) as { calls: unknown[] }).calls.length : -answer.status;
    };
    expect(await found('from=ALICE&to=bob')).toBe(1);
    expect(await found('from=carol')).toBe(0);
    expect(await found('isActive=true')).toBe(0);
    expect(await found('isActive=false')).toBe(1);
    expect(await found('trunk=office')).toBe(0);
    expect(await found('caller=alice')).toBe(1);
  });

  it('lets an operator lift a ban and reset a budget', async () => {
    const ops = await start();
    const remove = async (path: string, token = TOKEN): Promise<number> => {
      const headers = { authorization: `Bearer ${token}` };
      return (await fetch(`http://127.0.0.1:${ops.httpPort}${path}`, { method: 'DELETE', headers })).status;
    };
    expect(await remove('/bans/203.0.113.9', 'a-wrong-token-of-length')).toBe(401);
    expect(await remove('/bans/203.0.113.9')).toBe(204);
    expect(await remove('/bans/203.0.113.10')).toBe(404);
    expect(await remove('/tolls/main')).toBe(204);
  });

  it('names a port that is taken and the setting that moves it', async () => {
    const other = createTcpServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    scope.add(() => new Promise<void>((resolve) => other.close(() => resolve())));
    const { port } = other.address() as AddressInfo;
    await expect(start({ http: { address: '127.0.0.1', port } })).rejects.toThrow(
      new RegExp(`HTTP port ${port} is taken: .*http\\.port \\(VIADUCT_HTTP_PORT\\)`),
    );
  });
});

describe('SIP over WebSocket front', () => {
  async function upstream(): Promise<{ port: number; seen: Promise<Record<string, unknown>> }> {
    const http = createServer();
    const server = new WebSocketServer({ server: http, handleProtocols: () => 'sip' });
    const seen = new Promise<Record<string, unknown>>((resolve) => {
      server.on('connection', (socket, request) => {
        resolve(request.headers);
        socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
      });
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    scope.add(() => {
      for (const client of server.clients) client.terminate();
      http.close();
    });
    return { port: (http.address() as AddressInfo).port, seen };
  }

  it('passes /sip on, tells the real address, and lets no client tell its own', async () => {
    const { port, seen } = await upstream();
    const ops = await start({ sipUpstream: { host: '127.0.0.1', port, secret: 's3cret' } });
    const socket = new WebSocket(`ws://127.0.0.1:${ops.httpPort}/sip`, 'sip', {
      headers: { 'x-forwarded-for': '203.0.113.9', 'x-viaduct-front': 'guess' },
    });
    scope.add(() => socket.terminate());
    const echoed = new Promise<string>((resolve) => socket.on('message', (data: Buffer) => resolve(data.toString())));
    socket.on('open', () => socket.send('OPTIONS sip:x SIP/2.0\r\n\r\n'));
    expect(await echoed).toBe('OPTIONS sip:x SIP/2.0\r\n\r\n');
    const headers = await seen;
    expect(headers['x-forwarded-for']).toBe('127.0.0.1');
    expect(headers['x-viaduct-front']).toBe('s3cret');
    expect(headers['x-forwarded-proto']).toBe('ws');
    expect(socket.protocol).toBe('sip');
  });

  it('answers 404 to other paths and closes everything with the server', async () => {
    const { port } = await upstream();
    const ops = await start({ sipUpstream: { host: '127.0.0.1', port, secret: 's' } });
    const status = await new Promise<number | undefined>((resolve) => {
      const stray = new WebSocket(`ws://127.0.0.1:${ops.httpPort}/other`);
      stray.on('unexpected-response', (_request, response) => resolve(response.statusCode));
      stray.on('error', () => {});
    });
    expect(status).toBe(404);
    const socket = new WebSocket(`ws://127.0.0.1:${ops.httpPort}/sip`, 'sip');
    await new Promise((resolve) => socket.on('open', resolve));
    const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
    await ops.close();
    await closed;
  });
});

describe('certificate', () => {
  const names = ['localhost', '127.0.0.1'];
  const textsOf = async (more: { names?: string[]; nowMs?: number } = {}) => {
    const files = await ensureCertificate({ folder, names, nowMs: Date.now(), ...more });
    return { certificate: readFileSync(files.certificate, 'utf8'), key: readFileSync(files.key, 'utf8') };
  };

  it('is made once, kept with a private key only we can read, and made anew when the names change', async () => {
    const first = await textsOf();
    expect(await textsOf()).toEqual(first);
    expect(statSync(join(folder, 'https-key.pem')).mode & 0o077).toBe(0);
    expect(await textsOf({ names: ['localhost', '192.0.2.1'] })).not.toEqual(first);
    expect(await textsOf({ nowMs: Date.now() + 790 * 86_400_000 })).not.toEqual(first);
  });

  const handshake = async (port: number, ca: string, maxVersion: 'TLSv1.1' | 'TLSv1.3'): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connectTls({ host: '127.0.0.1', port, ca, minVersion: 'TLSv1', maxVersion }, () => {
        resolve(socket.authorized);
        socket.destroy();
      });
      socket.on('error', () => resolve(false));
    });

  it('serves TLS 1.2 and newer under every name, and another certificate when told to', async () => {
    const pair = await textsOf();
    const ops = await start({ http: undefined, https: { address: '127.0.0.1', port: 0, pair } });
    const port = ops.httpsPort ?? 0;
    expect(await handshake(port, pair.certificate, 'TLSv1.3')).toBe(true);
    expect(await handshake(port, pair.certificate, 'TLSv1.1')).toBe(false);
    const other = await textsOf({ names: ['127.0.0.1'] });
    expect(await handshake(port, other.certificate, 'TLSv1.3')).toBe(false);
    ops.updateCertificate(other);
    expect(await handshake(port, other.certificate, 'TLSv1.3')).toBe(true);
  });

  it('says which file is not usable', () => {
    const set = new TlsFileSet(silentLogger);
    expect(() => set.add({ certificate: '/nowhere/c.pem', key: '/nowhere/k.pem' })).toThrow(/not usable.*nowhere/);
  });

  it('is exchanged when the files are, both of them, and stays while they do not fit', async () => {
    const [one, two] = [await textsOf(), await textsOf({ names: ['127.0.0.1'] })];
    const files = { certificate: join(folder, 'c.pem'), key: join(folder, 'k.pem') };
    const write = (certificate: string, key: string): void => {
      writeFileSync(files.certificate, certificate);
      writeFileSync(files.key, key);
    };
    write(one.certificate, one.key);
    const warnings: string[] = [];
    const set = new TlsFileSet({ ...silentLogger, warn: (_fields, message) => warnings.push(message) });
    const texts = set.add(files);
    let changes = 0;
    set.onChange(() => {
      changes += 1;
    });
    expect(set.reload()).toBe(false);
    write(two.certificate, one.key);
    expect(set.reload()).toBe(false);
    expect(texts()).toEqual(one);
    expect(warnings).toEqual(['certificate not exchanged: the one in use stays']);
    write(two.certificate, two.key);
    expect(set.reload()).toBe(true);
    expect([texts(), changes]).toEqual([two, 1]);
  });
});
