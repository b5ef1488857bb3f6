/** Behaviours 24–29 and 35–37 and 46 of drachtio-protocol §12: requests of the application outside a dialog. */

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { useEngine } from '../../support/engine-suite.ts';
import {
  isRequest,
  isResponse,
  offerSdp,
  openTcpListenerPeer,
  openUdpPeer,
  type PeerMessage,
  type SipPeer,
} from '../../support/sip-peer.ts';
import {
  type App,
  type AppRequest,
  type AppResponse,
  brings,
  hasRealFaults,
  type OutgoingOptions,
} from '../../support/test-engine.ts';

const suite = useEngine();
const { keep } = suite;
let peer: SipPeer;

const openPeer = async (): Promise<SipPeer> => (peer = keep(await openUdpPeer(suite.engine.udp)));
const pause = async (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const tagOf = (value: string): string => /;tag=([^;>\s]+)/.exec(value)?.[1] ?? '';
const cseqOf = (message: PeerMessage): number => parseInt(message.header('CSeq'), 10);
/** Nobody listens there. */
async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

interface Answered {
  readonly request: AppRequest;
  readonly response: AppResponse;
}

/** srf.request in its callback form, until the final response. */
async function ask(app: App, uri: string, options: OutgoingOptions): Promise<Answered> {
  return new Promise((resolve, reject) => {
    app.request(uri, options, (error, request) => {
      if (error !== null) reject(error);
      else request.on('response', (response) => (response.status >= 200 ? resolve({ request, response }) : undefined));
    });
  });
}

describe('new requests by the application', () => {
  test('behaviour 24: everything an application left out of an INVITE is filled in', async () => {
    await openPeer();
    const app = keep(await suite.engine.rawApp());
    const echo = await app.commandFrame(`sip||\nINVITE sip:bob@${peer.address} SIP/2.0\n\n${offerSdp()}`);
    const invite = await peer.wait(isRequest('INVITE'));
    expect(echo.message).toBe(invite.raw);
    expect(invite.uri).toBe(`sip:bob@${peer.address}`);
    expect(invite.headers('Via')).toHaveLength(1);
    expect(invite.header('Via')).toMatch(
      new RegExp(`^SIP/2\\.0/UDP 127\\.0\\.0\\.1:${suite.engine.udp.port};.*branch=z9hG4bK`),
    );
    expect(invite.header('Via')).toMatch(/;rport(;|$)/);
    expect(invite.header('Max-Forwards')).toBe('70');
    expect(invite.header('From')).toMatch(new RegExp(`^<sip:127\\.0\\.0\\.1:${suite.engine.udp.port}>;tag=.+`));
    expect(invite.header('To')).toBe(hasRealFaults ? `sip:bob@${peer.address}` : `<sip:bob@${peer.address}>`);
    expect(invite.header('Call-ID')).not.toBe('');
    expect(invite.header('CSeq')).toMatch(/^[1-9]\d* INVITE$/);
    expect(invite.header('Contact')).toBe(`<sip:127.0.0.1:${suite.engine.udp.port}>`);
    expect(invite.header('Content-Type')).toBe('application/sdp');
    expect(invite.header('Content-Length')).toBe(String(invite.body.length));
    for (const name of ['User-Agent', 'Allow', 'Supported', 'Route']) expect(invite.headers(name)).toEqual([]);
    peer.reply(invite, 486);
    await app.wait(brings('SIP/2.0 486'));
  });

  test('behaviour 24: no Contact by default on OPTIONS, MESSAGE and REGISTER', async () => {
    await openPeer();
    const app = keep(await suite.engine.rawApp());
    for (const method of ['OPTIONS', 'MESSAGE', 'REGISTER']) {
      app.send(`sip||\n${method} sip:bob@${peer.address} SIP/2.0\n\n`);
      const request = await peer.wait(isRequest(method));
      expect(request.headers('Contact')).toEqual([]);
      expect(request.header('Content-Length')).toBe('0');
      peer.reply(request, 200, { contact: false });
      await app.wait(brings('SIP/2.0 200'));
    }
  });

  test("behaviour 24: the application's own values win", async () => {
    await openPeer();
    const app = keep(await suite.engine.app());
    const headers = {
      From: '"A" <sip:a@example.com>;tag=mine1',
      To: '<sip:b@example.com>',
      'Call-ID': 'my-call-id-1',
      CSeq: '4711 OPTIONS',
      Contact: '<sip:a@example.com>',
      'Max-Forwards': '7',
    };
    const asked = ask(app, `sip:bob@${peer.address}`, { method: 'OPTIONS', headers });
    const got = await peer.wait(isRequest('OPTIONS'));
    for (const [name, value] of Object.entries(headers)) expect([name, got.headers(name)]).toEqual([name, [value]]);
    peer.reply(got, 200);
    expect((await asked).response.status).toBe(200);
  });

  test('behaviour 25: localhost becomes the own address in From, Contact, To and P-Asserted-Identity', async () => {
    await openPeer();
    const app = keep(await suite.engine.app());
    const call = app.createUAC(`sip:bob@${peer.address}`, {
      localSdp: offerSdp(),
      callingNumber: '1234',
      headers: { To: 'sip:svc@localhost', 'P-Asserted-Identity': '<sip:1234@localhost>' },
    });
    call.catch(() => {});
    const invite = await peer.wait(isRequest('INVITE'));
    const own = `127.0.0.1:${suite.engine.udp.port}`;
    expect(invite.header('From')).toMatch(new RegExp(`^<sip:1234@${own}>;tag=.+`));
    expect(invite.header('Contact')).toBe(`<sip:1234@${own}>`);
    expect(invite.header('To')).toBe(`<sip:svc@${own}>`);
    expect(invite.header('P-Asserted-Identity')).toBe(`<sip:1234@${own}>`);
    peer.reply(invite, 486);
    await expect(call).rejects.toMatchObject({ status: 486 });
  });

  test.skipIf(hasRealFaults)(
    'behaviour 25: the default To keeps URI parameters inside the brackets (not there, §5.2)',
    async () => {
      const tcp = keep(await openTcpListenerPeer());
      const app = keep(await suite.engine.rawApp());
      app.send(`sip||\nOPTIONS sip:bob@${tcp.address};transport=tcp SIP/2.0\n\n`);
      const options = await tcp.wait(isRequest('OPTIONS'));
      expect(options.header('To')).toBe(`<sip:bob@${tcp.address};transport=tcp>`);
      expect(options.header('Via')).toMatch(/^SIP\/2\.0\/TCP /);
      tcp.reply(options, 200);
      await app.wait(brings('SIP/2.0 200'));
    },
  );

  test('behaviour 26: the echo comes before any response, so that the promise form of srf.request hears it', async () => {
    const app = keep(await suite.engine.app());
    const gone = await freePort();
    const promising = app as unknown as { request(uri: string, options: OutgoingOptions): Promise<AppRequest> };
    let heard = 0;
    for (let round = 0; round < 30; round += 1) {
      const request = await promising.request(`sip:bob@127.0.0.1:${gone};transport=tcp`, { method: 'OPTIONS' });
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1_000);
        request.on('response', (response) => {
          clearTimeout(timer);
          if (response.status === 503) heard += 1;
          resolve();
        });
      });
    }
    // It is lost when this thread sleeps too long between two reads; the real server loses a third (§9.3).
    expect(heard).toBeGreaterThanOrEqual(suite.engine.isReal ? 0 : 28);
  });

  test('behaviour 27: 18x and the final response come up with transaction and dialog; 100 does not', async () => {
    await openPeer();
    const app = keep(await suite.engine.rawApp());
    const echo = await app.commandFrame(`sip||\nINVITE sip:bob@${peer.address} SIP/2.0\n\n${offerSdp()}`);
    const invite = await peer.wait(isRequest('INVITE'));
    peer.reply(invite, 100);
    peer.reply(invite, 180);
    peer.reply(invite, 183, { tag: 'other', body: offerSdp() });
    peer.reply(invite, 200, { body: offerSdp() });
    const dialogId = `${invite.header('Call-ID')};from-tag=${tagOf(invite.header('From'))}`;
    for (const status of ['180', '183', '200']) {
      const { fields } = await app.wait(brings(`SIP/2.0 ${status}`));
      expect(fields.slice(1, 3)).toEqual(['sip', 'network']);
      expect(fields.slice(4, 7)).toEqual(['udp', '127.0.0.1', String(peer.port)]);
      expect(fields.slice(8, 10)).toEqual([echo.fields[10], dialogId]);
    }
    expect(app.frames.filter(brings('SIP/2.0 100'))).toEqual([]);
    await app.command(`sip||${dialogId}\nACK sip:bob@${peer.address} SIP/2.0\n\n`);
  });

  test('behaviour 27: createUAC hears progress and yields a dialog', async () => {
    await openPeer();
    const app = keep(await suite.engine.app());
    const heard: number[] = [];
    const call = app.createUAC(
      `sip:bob@${peer.address}`,
      { localSdp: offerSdp() },
      { cbProvisional: (response) => heard.push(response.status) },
    );
    const invite = await peer.wait(isRequest('INVITE'));
    peer.reply(invite, 100);
    peer.reply(invite, 180);
    peer.reply(invite, 200, { body: offerSdp(7000) });
    const dialog = await call;
    expect(heard).toEqual([180]);
    expect(dialog.id).toBe(`${invite.header('Call-ID')};from-tag=${tagOf(invite.header('From'))}`);
    expect(dialog.sip).toEqual({
      callId: invite.header('Call-ID'),
      localTag: tagOf(invite.header('From')),
      remoteTag: 'peertag',
    });
    expect(dialog.remote.sdp).toContain('m=audio 7000');
    await peer.wait(isRequest('ACK'));
  });

  test("behaviour 28: the ACK goes to the Contact with the INVITE's CSeq number, and again for each repeated 200", async () => {
    await openPeer();
    const app = keep(await suite.engine.app());
    const call = app.createUAC(`sip:bob@${peer.address}`, { localSdp: offerSdp() });
    const invite = await peer.wait(isRequest('INVITE'));
    const ok = peer.reply(invite, 200, { contact: `<sip:desk@${peer.address};x=1>`, body: offerSdp() });
    await call;
    const first = await peer.wait(isRequest('ACK'));
    expect(first.uri).toBe(`sip:desk@${peer.address};x=1`);
    expect(cseqOf(first)).toBe(cseqOf(invite));
    expect(tagOf(first.header('To'))).toBe('peertag');
    expect(first.header('Via')).not.toBe(invite.header('Via'));
    peer.sendRaw(ok);
    const second = await peer.wait(isRequest('ACK'));
    expect(second.raw).toBe(first.raw);
  });

  test('behaviour 28: an INVITE without offer: the answer travels in the ACK', async () => {
    await openPeer();
    const app = keep(await suite.engine.app());
    const call = app.createUAC(`sip:bob@${peer.address}`, {
      noAck: true,
      headers: { Subject: '3pcc' },
    }) as unknown as Promise<{
      sdp: string;
      ack: (sdp: string) => Promise<unknown>;
    }>;
    const invite = await peer.wait(isRequest('INVITE'));
    expect(invite.body).toBe('');
    peer.reply(invite, 200, { body: offerSdp(7100) });
    const { sdp, ack } = await call;
    expect(sdp).toContain('m=audio 7100');
    await peer.expectNone(isRequest('ACK'), 40);
    await ack(offerSdp(7200));
    const acked = await peer.wait(isRequest('ACK'));
    expect(acked.header('Content-Type')).toBe('application/sdp');
    expect(acked.body).toContain('m=audio 7200');
  });

  test("behaviour 29: the engine acknowledges 300 and above itself, and refuses the application's ACK", async () => {
    await openPeer();
    const app = keep(await suite.engine.rawApp());
    app.send(`sip||\nINVITE sip:bob@${peer.address} SIP/2.0\n\n${offerSdp()}`);
    const invite = await peer.wait(isRequest('INVITE'));
    const busy = peer.reply(invite, 486);
    const acked = await peer.wait(isRequest('ACK'));
    expect(acked.header('Via')).toBe(invite.header('Via'));
    expect(acked.uri).toBe(invite.uri);
    expect(acked.header('CSeq')).toBe(`${cseqOf(invite)} ACK`);
    const final = await app.wait(brings('SIP/2.0 486'));
    const dialogId = final.fields[9] ?? '';
    expect(await app.command(`sip||${dialogId}\nACK sip:bob@${peer.address} SIP/2.0\n\n`)).toEqual([
      'NOK',
      'Server error: ACK for non-success final response is automatically generated by server',
    ]);
    peer.sendRaw(busy);
    await peer.wait(isRequest('ACK'));
    await pause(30);
    expect(app.frames.filter(brings('SIP/2.0 486'))).toHaveLength(1);
  });

  test('behaviour 29: createUAC rejects with the status', async () => {
    await openPeer();
    const app = keep(await suite.engine.app());
    for (const status of [302, 404, 486, 503, 603]) {
      const call = app.createUAC(`sip:bob@${peer.address}`, { localSdp: offerSdp() });
      call.catch(() => {});
      peer.reply(await peer.wait(isRequest('INVITE')), status);
      await expect(call).rejects.toMatchObject({ status });
    }
  });

  test.each([
    { method: 'REGISTER', status: 401, challenge: 'WWW-Authenticate', credentials: 'Authorization' },
    { method: 'OPTIONS', status: 407, challenge: 'Proxy-Authenticate', credentials: 'Proxy-Authorization' },
  ])(
    'behaviour 35: $method answered $status is repeated with credentials',
    async ({ method, status, challenge, credentials }) => {
      await openPeer();
      const app = keep(await suite.engine.app());
      const asked = ask(app, `sip:${peer.address}`, {
        method,
        headers: {
          From: '<sip:gw@example.com>',
          To: '<sip:gw@example.com>',
          Contact: '<sip:gw@localhost>',
          Expires: '600',
        },
        auth: { username: 'gw', password: 'secret' },
      });
      const first = await peer.wait(isRequest(method));
      peer.reply(first, status, {
        headers: [`${challenge}: Digest realm="example.com", nonce="n1", qop="auth", algorithm=MD5`],
      });
      const second = await peer.wait(isRequest(method));
      expect(second.header('Call-ID')).toBe(first.header('Call-ID'));
      expect(second.header('From')).toBe(first.header('From'));
      expect(cseqOf(second)).toBe(cseqOf(first) + 1);
      expect(second.header('Via')).not.toBe(first.header('Via'));
      const given = Object.fromEntries(
        [...second.header(credentials).matchAll(/(\w+)="?([^",]+)"?/g)].map((match) => [match[1], match[2]]),
      );
      const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
      const [ha1, ha2] = [md5('gw:example.com:secret'), md5(`${method}:${given['uri']}`)];
      expect(given['response']).toBe(md5([ha1, 'n1', given['nc'], given['cnonce'], 'auth', ha2].join(':')));
      peer.reply(second, 200);
      expect((await asked).response.status).toBe(200);
    },
  );

  test('behaviour 35: an INVITE answered 407 is acknowledged and repeated on the same dialog id', async () => {
    await openPeer();
    const app = keep(await suite.engine.app());
    const call = app.createUAC(`sip:bob@${peer.address}`, {
      localSdp: offerSdp(),
      auth: { username: 'gw', password: 'secret' },
    });
    const first = await peer.wait(isRequest('INVITE'));
    peer.reply(first, 407, { headers: ['Proxy-Authenticate: Digest realm="r", nonce="n", qop="auth"'] });
    expect(cseqOf(await peer.wait(isRequest('ACK')))).toBe(cseqOf(first));
    const second = await peer.wait(isRequest('INVITE'));
    expect(second.header('Proxy-Authorization')).toContain('username="gw"');
    expect(tagOf(second.header('From'))).toBe(tagOf(first.header('From')));
    expect(second.body).toBe(first.body);
    peer.reply(second, 180, { tag: 'late' });
    peer.reply(second, 200, { tag: 'late', body: offerSdp() });
    const dialog = await call;
    expect(cseqOf(await peer.wait(isRequest('ACK')))).toBe(cseqOf(second));
    expect(dialog.sip.remoteTag).toBe('late');
    const bye = dialog.destroy();
    const got = await peer.wait(isRequest('BYE'));
    expect(cseqOf(got)).toBe(cseqOf(second) + 1);
    peer.reply(got, 200);
    await bye;
  });

  test('behaviour 36: a route URI is the next hop only: no Route header, request URI untouched', async () => {
    await openPeer();
    const app = keep(await suite.engine.app());
    const call = app.createUAC('sip:bob@far.example.invalid', { localSdp: offerSdp(), proxy: `sip:${peer.address}` });
    const invite = await peer.wait(isRequest('INVITE'));
    expect(invite.uri).toBe('sip:bob@far.example.invalid');
    expect(invite.headers('Route')).toEqual([]);
    peer.reply(invite, 404);
    await expect(call).rejects.toMatchObject({ status: 404 });
  });

  test('behaviour 37: a refused connection becomes 503', async () => {
    const app = keep(await suite.engine.app());
    const gone = await freePort();
    expect((await ask(app, `sip:bob@127.0.0.1:${gone};transport=tcp`, { method: 'OPTIONS' })).response.status).toBe(
      503,
    );
    await expect(
      app.createUAC(`sip:bob@127.0.0.1:${gone};transport=tcp`, { localSdp: offerSdp() }),
    ).rejects.toMatchObject({
      status: 503,
    });
  });

  test('behaviour 37: a closed UDP port becomes 503, after a retransmission', async () => {
    const app = keep(await suite.engine.app());
    const gone = await freePort();
    expect((await ask(app, `sip:bob@127.0.0.1:${gone}`, { method: 'OPTIONS' })).response.status).toBe(503);
    await expect(app.createUAC(`sip:bob@127.0.0.1:${gone}`, { localSdp: offerSdp() })).rejects.toMatchObject({
      status: 503,
    });
  });

  test('behaviour 37: a name that does not resolve becomes 503', async () => {
    const app = keep(await suite.engine.app());
    expect((await ask(app, 'sip:bob@nowhere.invalid', { method: 'OPTIONS' })).response.status).toBe(503);
  });

  test('behaviour 37: silence becomes 408 after 64·T1, with retransmissions before, as a response of the network', async () => {
    await openPeer();
    const app = keep(await suite.engine.rawApp());
    const echo = await app.commandFrame(`sip||\nOPTIONS sip:bob@${peer.address} SIP/2.0\n\n`);
    const invite = await app.commandFrame(`sip||\nINVITE sip:bob@${peer.address} SIP/2.0\n\n${offerSdp()}`);
    const wait = suite.engine.t1 * 64 + 3_000;
    const isFinal = (id: string | undefined) => (frame: { fields: readonly string[] }) =>
      frame.fields[1] === 'sip' && frame.fields[8] === id;
    const timedOut = await app.wait(isFinal(echo.fields[10]), wait);
    expect(timedOut.message).toMatch(/^SIP\/2\.0 408 Request Timeout\r\n/);
    expect([timedOut.fields[2], timedOut.fields[3], timedOut.fields[5], timedOut.fields[6]]).toEqual([
      'network',
      '0',
      '',
      '0',
    ]);
    expect((await app.wait(isFinal(invite.fields[10]), wait)).message).toMatch(/^SIP\/2\.0 408 /);
    // Timer E: T1, 2·T1, 4·T1 and so on up to T2; timer A doubles without end: 6 copies before B fires.
    // The real server begins with 2·T1 (§6.10).
    expect(peer.count(isRequest('INVITE'))).toBeGreaterThanOrEqual(hasRealFaults ? 5 : 6);
    expect(peer.count(isRequest('OPTIONS'))).toBeGreaterThanOrEqual(hasRealFaults ? 7 : 8);
  });

  test('behaviour 37: over TCP nothing is retransmitted', async () => {
    const tcp = keep(await openTcpListenerPeer());
    const app = keep(await suite.engine.rawApp());
    app.send(`sip||\nOPTIONS sip:bob@${tcp.address};transport=tcp SIP/2.0\n\n`);
    await app.wait(brings('SIP/2.0 408'), suite.engine.t1 * 64 + 3_000);
    expect(tcp.count(isRequest('OPTIONS'))).toBe(1);
  });

  test('behaviour 46: headers the engine owns are dropped, names canonical, malformed lines skipped, X- names kept', async () => {
    await openPeer();
    const app = keep(await suite.engine.rawApp());
    const lines = [
      'via: SIP/2.0/UDP 1.2.3.4;branch=z9hG4bKforged',
      'Route: <sip:1.2.3.4;lr>',
      'record-route: <sip:1.2.3.4;lr>',
      'RSeq: 5',
      'Content-Length: 999',
      'bad header line',
      'bad name: 1',
      'p-custom-thing: a',
      'x-lower: b',
      'X-UPPER: c',
      'user-agent: d',
    ];
    const echo = await app.commandFrame(
      `sip||\nMESSAGE sip:bob@${peer.address} SIP/2.0\n${lines.join('\n')}\nContent-Type: text/plain\n\nzwölf`,
    );
    expect(echo.fields[3]).toBe('OK');
    const got = await peer.wait(isRequest('MESSAGE'));
    expect(got.headers('Via')).toHaveLength(1);
    expect(got.raw).not.toContain('1.2.3.4');
    for (const name of ['RSeq', 'Route', 'Record-Route']) expect(got.headers(name)).toEqual([]);
    expect(got.headers('Content-Length')).toEqual(['6']);
    expect(got.raw).not.toContain('bad');
    for (const line of ['P-Custom-Thing: a', 'x-lower: b', 'X-UPPER: c', 'User-Agent: d'])
      expect(got.raw).toContain(`\r\n${line}\r\n`);
    peer.reply(got, 200);
  });

  test('behaviour 46: in a response too; From, Call-ID and CSeq are those of the request', async () => {
    await openPeer();
    const app = keep(await suite.engine.rawApp('message'));
    peer.request('MESSAGE', { callId: 'resp-46', tag: 'r46', body: 'x', contentType: 'text/plain' });
    const request = await app.wait(brings('MESSAGE'));
    const lines = [
      'Via: SIP/2.0/UDP 1.2.3.4',
      'From: <sip:evil@x>;tag=no',
      'Call-ID: other',
      'CSeq: 99 INVITE',
      'Content-Length: 1',
      'warning: 399 x "y"',
    ];
    await app.command(
      `sip|${request.fields[8]}|\nSIP/2.0 488 Nö\n${lines.join('\n')}\nContent-Type: text/plain\n\nzwölf`,
    );
    const got = await peer.wait(isResponse(488));
    expect(got.startLine).toBe('SIP/2.0 488 Nö');
    expect(got.headers('Via')).toHaveLength(1);
    expect([got.header('Call-ID'), tagOf(got.header('From')), got.header('CSeq')]).toEqual([
      'resp-46',
      'r46',
      '1 MESSAGE',
    ]);
    expect([got.headers('Content-Length'), got.body]).toEqual([['6'], 'zwölf']);
    expect(got.raw).toContain('\r\nWarning: 399 x "y"\r\n');
  });

  test('behaviour 46: requests that cannot be sent are refused with the known texts', async () => {
    const app = keep(await suite.engine.rawApp());
    expect(await app.command('sip||\nOPTIONS nonsense SIP/2.0\n\n')).toEqual([
      'NOK',
      'invalid request-uri: OPTIONS nonsense SIP/2.0',
    ]);
    expect(await app.command('sip||\nMESSAGE sip:bob@127.0.0.1:9 SIP/2.0\n\nhello')).toEqual([
      'NOK',
      'missing content-type',
    ]);
    expect(await app.command(`sip||\nOPTIONS sip:127.0.0.1:${suite.engine.udp.port} SIP/2.0\n\n`)).toEqual([
      'NOK',
      'can not send request to myself',
    ]);
    expect(await app.command('sip||\nOPTIONS sip:bob@127.0.0.1:9;transport=tls SIP/2.0\n\n')).toEqual([
      'NOK',
      'requested protocol/transport not available',
    ]);
  });
});
