/** Questions to servers outside: where they may go, and how long and large the answers may be. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askHttp, type HttpQuestion, isPublicAddress } from '../../src/http-client/index.ts';
import { type HookServer, startHookServer } from '../support/http-server.ts';

let server: HookServer;
beforeEach(async () => {
  server = await startHookServer();
});
afterEach(async () => server.close());

const question = (more: Partial<HttpQuestion> = {}): HttpQuestion => ({
  url: server.url,
  method: 'POST',
  headers: {},
  body: '{}',
  timeoutMs: 2_000,
  maxBytes: 100,
  mayBePrivate: true,
  ...more,
});

describe('T34: where a question may go', () => {
  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.31.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '64:ff9b::a00:1',
    'fe80::1',
    'fd00::1',
    'ff02::1',
    '2002:7f00:1::',
    '2001:db8::1',
    'localhost',
  ])('not to %s', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each(['8.8.8.8', '1.1.1.1', '2606:4700:4700::1111'])('to %s', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it.each(['http://127.0.0.1', 'http://localhost', 'http://[::1]', 'http://2130706433', 'http://0x7f.1'])(
    'not to %s, however it is written',
    async (origin) => {
      const { port } = new URL(server.url);
      await expect(askHttp(question({ url: `${origin}:${port}/`, mayBePrivate: false }))).rejects.toMatchObject({
        code: 'HTTP_PRIVATE',
      });
      expect(server.asked).toHaveLength(0);
    },
  );
});

describe('an answer', () => {
  it('comes with its status', async () => {
    server.answer = () => ({ status: 404, body: 'no' });
    expect(await askHttp(question())).toMatchObject({ status: 404, text: 'no' });
    expect(server.asked[0]).toMatchObject({ method: 'POST', body: '{}' });
  });

  it('that redirects is not followed', async () => {
    server.answer = () => ({ status: 302, headers: { location: server.url } });
    expect((await askHttp(question())).status).toBe(302);
    expect(server.asked).toHaveLength(1);
  });

  it('may not be too long, nor come too late', async () => {
    server.answer = () => ({ status: 200, body: 'x'.repeat(101) });
    await expect(askHttp(question())).rejects.toMatchObject({ code: 'HTTP_TOO_LARGE' });
    server.answer = () => new Promise(() => {});
    await expect(askHttp(question({ timeoutMs: 50 }))).rejects.toMatchObject({ code: 'HTTP_TIMEOUT' });
  });

  it('of nobody is told without what the URL hides', async () => {
    await server.close();
    await expect(askHttp(question({ url: `${server.url}?key=secret` }))).rejects.toSatisfy(
      (error: Error) => error.message.includes('cannot be reached') && !error.message.includes('secret'),
    );
    server = await startHookServer();
  });
});
