/** Strict mode: the faults of a drachtio-server that applications must live with, imitated (drachtio-protocol §10). */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { isResponse, openUdpPeer, openWsPeer } from '../../support/sip-peer.ts';
import { brings, realEngine, startTestEngine, type TestEngine, testOptions } from '../../support/test-engine.ts';

let engine: TestEngine;
const opened: { close(): Promise<void> }[] = [];
const keep = <T extends { close(): Promise<void> }>(thing: T): T => {
  opened.push(thing);
  return thing;
};

beforeAll(async () => {
  engine = await startTestEngine({ engine: { ...testOptions.engine, strict: true } });
});
afterEach(async () => {
  for (const thing of opened.splice(0).toReversed()) await thing.close();
});
afterAll(async () => engine.close());

const message = (to: string, bytes: number): string =>
  `sip||\nMESSAGE sip:bob@${to} SIP/2.0\nContent-Type: text/plain\n\n${'x'.repeat(bytes)}`;

describe.skipIf(realEngine !== undefined)('strict mode', () => {
  test('a message larger than the receive buffer is swallowed, and all that follows', async () => {
    const peer = keep(await openUdpPeer(engine.udp));
    const app = keep(await engine.rawApp());
    expect((await app.command(message(peer.address, 11_500)))[0]).toBe('OK');
    app.send(message(peer.address, 12_400));
    app.send('ping');
    await expect(app.wait(({ payload }) => payload.includes('pong'), 200)).rejects.toThrow('in vain');
    expect(app.isClosed).toBe(false);
    expect(peer.received.filter(({ body }) => body.length > 12_000)).toEqual([]);
  });

  test('a burst of large messages closes the connection', async () => {
    const peer = keep(await openUdpPeer(engine.udp));
    const app = keep(await engine.rawApp());
    app.socket.cork();
    for (let turn = 0; turn < 60; turn++) app.send(message(peer.address, 4_500));
    app.socket.uncork();
    await expect.poll(() => app.isClosed).toBe(true);
  });

  test('a WebSocket is told of as tcp', async () => {
    const peer = keep(await openWsPeer(engine.ws));
    const app = keep(await engine.rawApp('options'));
    peer.request('OPTIONS');
    const { fields } = await app.wait(brings('OPTIONS'));
    expect(fields[4]).toBe('tcp');
    await app.command(`sip|${fields[8]}|\nSIP/2.0 200 OK\n\n`);
    await peer.wait(isResponse(200));
  });

  test('a REFER outside a dialog and an unknown method get no answer', async () => {
    const peer = keep(await openUdpPeer(engine.udp));
    keep(await engine.rawApp('refer', 'options'));
    peer.request('REFER', { headers: ['Refer-To: <sip:carol@example.com>'] });
    peer.request('DANCE');
    await peer.expectNone(() => true, 100);
  });

  test('remove_route takes every verb', async () => {
    const peer = keep(await openUdpPeer(engine.udp));
    const app = keep(await engine.rawApp('info', 'options'));
    await app.command('remove_route|info');
    peer.request('OPTIONS');
    await peer.wait(isResponse(503));
  });
});
