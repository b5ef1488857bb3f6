/** Behaviours 1–6 of drachtio-protocol §12: frames, authentication, routes, ping; and the moment of the echo (§9.3). */
import { describe, expect, test } from 'vitest';
import { useEngine } from '../../support/engine-suite.ts';
import { openUdpPeer } from '../../support/sip-peer.ts';
import { brings, hasRealFaults, type RawApp, realEngine } from '../../support/test-engine.ts';

const suite = useEngine();
const { keep } = suite;

const ping = (id: string): Buffer => Buffer.from(`${`${id}|ping`.length}#${id}|ping`);
const answerTo = (id: string) => (frame: { fields: readonly string[] }) => frame.fields[2] === id;

describe('wire', () => {
  test('behaviour 01: frames split anywhere and joined are understood', async () => {
    const app = keep(await suite.engine.rawApp());
    for (const byte of ping('split')) {
      app.socket.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await app.wait(answerTo('split'))).fields.slice(3)).toEqual(['OK', 'pong']);
    app.socket.write(Buffer.concat([ping('one'), ping('two'), ping('three')]));
    for (const id of ['one', 'two', 'three']) expect((await app.wait(answerTo(id))).fields[3]).toBe('OK');
  });

  test('behaviour 01: lengths count bytes, in both directions', async () => {
    const peer = keep(await openUdpPeer(suite.engine.udp));
    const app = keep(await suite.engine.rawApp('message'));
    const sent = await app.commandFrame(
      `sip||\nMESSAGE sip:bob@${peer.address} SIP/2.0\nSubject: grüße 👋\nContent-Type: text/plain\nContent-Length: 5\n\nhéllo`,
    );
    expect(sent.fields[3]).toBe('OK');
    expect(sent.message).toContain('grüße 👋');
    expect(sent.message.endsWith('héllo')).toBe(true);
    const got = await peer.wait((message) => message.method === 'MESSAGE');
    expect(got.body).toBe('héllo');
    expect(got.header('Content-Length')).toBe('6');
    peer.request('MESSAGE', { body: 'añb', contentType: 'text/plain' });
    expect((await app.wait(brings('MESSAGE'))).message.endsWith('añb')).toBe(true);
  });

  test('behaviour 01: a non-digit in the length closes the connection without a reply', async () => {
    const app = keep(await suite.engine.rawApp());
    const before = app.frames.length;
    app.socket.write('abc#hello');
    await app.closed();
    expect(app.frames).toHaveLength(before);
  });

  test.skipIf(hasRealFaults)(
    'behaviour 01: more than 256 kB closes the connection (the real server wedges at 12 kB, §10.1)',
    async () => {
      const peer = keep(await openUdpPeer(suite.engine.udp));
      const app = keep(await suite.engine.rawApp());
      const body = 'x'.repeat(20_000);
      const sent = await app.commandFrame(
        `sip||\nMESSAGE sip:bob@${peer.address} SIP/2.0\nContent-Type: text/plain\n\n${body}`,
      );
      expect(sent.fields[3]).toBe('OK');
      expect((await peer.wait((message) => message.method === 'MESSAGE')).body).toHaveLength(20_000);
      app.socket.write(`${256 * 1024 + 1}#`);
      await app.closed();
    },
  );

  test('behaviour 02: authenticate is answered with addresses, version and local addresses', async () => {
    const app = keep(await suite.engine.connect());
    const [status, hostports, version, local] = await app.command(`authenticate|${suite.engine.wire.secret}|`);
    expect(status).toBe('OK');
    expect(hostports).toContain(`udp/127.0.0.1:${suite.engine.udp.port}`);
    expect(hostports).toContain(`ws/127.0.0.1:${suite.engine.ws.port}`);
    expect(version).toMatch(/^v\d+\.\d+\.\d+/);
    expect(local).toContain(`tcp/127.0.0.1:${suite.engine.tcp.port}`);
  });

  test('behaviour 02: tags may be given or the field left out', async () => {
    for (const rest of ['|red,blue', '|', '']) {
      const app = keep(await suite.engine.connect());
      expect((await app.command(`authenticate|${suite.engine.wire.secret}${rest}`))[0]).toBe('OK');
    }
  });

  test('behaviour 02: a wrong secret is answered NO and the connection closed', async () => {
    for (const secret of ['wrong', '', `${suite.engine.wire.secret}x`]) {
      const app = keep(await suite.engine.connect());
      expect(await app.command(`authenticate|${secret}|`)).toEqual(['NO', 'incorrect secret']);
      await app.closed();
    }
  });

  test('behaviour 02: drachtio-srf hears it through its connect event', async () => {
    const app = keep(await suite.engine.app());
    expect(app.greeting.hostports).toContain(`udp/127.0.0.1:${suite.engine.udp.port}`);
    expect(app.greeting.version).toMatch(/^v\d+\.\d+\.\d+/);
  });

  test.skipIf(realEngine !== undefined)(
    'behaviour 02: nothing is executed before authentication (the real server does, §11)',
    async () => {
      for (const text of ['route|invite', 'ping', 'sip||\nOPTIONS sip:a@127.0.0.1:9 SIP/2.0\n\n']) {
        const app = keep(await suite.engine.connect());
        app.send(text);
        await app.closed();
        expect(app.frames).toEqual([]);
      }
    },
  );

  test('behaviour 03: route is idempotent, also for cdr:* and unknown verbs', async () => {
    const app = keep(await suite.engine.rawApp());
    for (const verb of ['info', 'info', 'cdr:attempt', 'cdr:start', 'cdr:stop', 'nonsense']) {
      expect(await app.command(`route|${verb}`)).toEqual(['OK']);
    }
    const other = keep(await suite.engine.rawApp('info'));
    const peer = keep(await openUdpPeer(suite.engine.udp));
    for (let turn = 0; turn < 4; turn += 1) peer.request('INFO');
    const taken = (of: RawApp): number => of.frames.filter(brings('INFO')).length;
    await expect.poll(() => taken(app) + taken(other)).toBe(4);
    // Routing twice must not make an application's share larger.
    expect(taken(other)).toBeGreaterThanOrEqual(suite.engine.isReal ? 1 : 2);
  });

  test('behaviour 04: remove_route stops deliveries', async () => {
    const peer = keep(await openUdpPeer(suite.engine.udp));
    const app = keep(
      await suite.engine.app((srf) => {
        srf.use('options', (_request, response) => response.send(200));
        srf.use('message', (_request, response) => response.send(202));
      }),
    );
    peer.request('OPTIONS');
    await peer.wait((message) => message.status === 200);
    app.unregisterForMessages('options');
    await app.settled();
    peer.request('OPTIONS');
    await peer.wait((message) => message.status === 503);
    if (!hasRealFaults) {
      // The real server forgets every verb of the client (§10.3).
      peer.request('MESSAGE');
      await peer.wait((message) => message.status === 202);
    }
    app.reregisterForMessages('options');
    await app.settled();
    peer.request('OPTIONS');
    expect(await peer.wait((message) => message.status === 200)).toBeDefined();
  });

  test('behaviour 05: ping is answered with pong', async () => {
    const app = keep(await suite.engine.rawApp());
    expect(await app.command('ping')).toEqual(['OK', 'pong']);
  });

  test('behaviour 06: an unknown command is refused with NO and the connection closed', async () => {
    const app = keep(await suite.engine.rawApp());
    expect(await app.command('nonsense|1')).toEqual(['NO', 'Unknown message type']);
    await app.closed();
  });

  test('behaviour 06: a response without a transaction is refused with NO and the connection closed', async () => {
    const app = keep(await suite.engine.rawApp());
    expect(await app.command('sip||\nSIP/2.0 200 OK\n\n')).toEqual(['NO', 'transaction id missing']);
    await app.closed();
  });

  test('behaviour 06: only leaders that drachtio-srf knows are ever sent', async () => {
    const peer = keep(await openUdpPeer(suite.engine.udp));
    const app = keep(await suite.engine.rawApp('options', 'invite'));
    peer.request('OPTIONS');
    const options = await app.wait(brings('OPTIONS'));
    await app.command(`sip|${options.fields[8]}|\nSIP/2.0 200 OK\n\n`);
    await app.command(`sip|no-such|\nSIP/2.0 200 OK\n\n`);
    await app.command(`sip||no-such\nINFO sip:placeholder SIP/2.0\n\n`);
    for (const frame of app.frames) expect(frame.fields[1]).toMatch(/^(sip|response)$/);
    expect(new Set(app.frames.map((frame) => frame.fields[0])).size).toBe(app.frames.length);
  });

  test.skipIf(realEngine !== undefined)(
    'behaviour 06: a Call-ID or tag that would break a leader does not (the real server lets it, §1.1)',
    async () => {
      const peer = keep(await openUdpPeer(suite.engine.udp));
      const app = keep(await suite.engine.rawApp('invite', 'options'));
      for (const parts of [{ callId: 'a|sip|b' }, { tag: 'x|y' }]) {
        peer.request('INVITE', { ...parts, branch: `z9hG4bK${Object.values(parts).join('').length}x` });
        expect((await peer.wait((message) => message.status >= 300)).status).toBe(400);
      }
      expect(app.frames.filter(brings('INVITE'))).toEqual([]);
    },
  );

  test('behaviour 26: an echo comes before an instant answer to its request, in a chunk of its own', async () => {
    const app = keep(await suite.engine.rawApp());
    const peer = keep(await openUdpPeer(suite.engine.udp));
    let shared = 0;
    for (let round = 0; round < 40; round += 1) {
      const id = app.send(`sip||\nOPTIONS sip:bob@${peer.address} SIP/2.0\n\n`);
      peer.reply(await peer.wait((message) => message.method === 'OPTIONS'), 200);
      const echo = await app.wait(answerTo(id));
      const response = await app.wait((frame) => frame.fields[1] === 'sip' && frame.fields[8] === echo.fields[10]);
      expect(app.frames.indexOf(echo)).toBeLessThan(app.frames.indexOf(response));
      if (echo.chunk === response.chunk) shared += 1;
    }
    // How soon the application's thread reads is not in the engine's hands (§9.3).
    expect(shared).toBeLessThanOrEqual(suite.engine.isReal ? 40 : 2);
  });
});
