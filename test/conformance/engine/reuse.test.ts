/** Behaviours 43 and 44 of drachtio-protocol §12: WebSocket and TCP peers, and the way back to them. */
import { describe, expect, test } from 'vitest';
import { useEngine } from '../../support/engine-suite.ts';
import {
  isRequest,
  isResponse,
  offerSdp,
  openTcpPeer,
  openUdpPeer,
  openWsPeer,
  type SipPeer,
  unique,
} from '../../support/sip-peer.ts';
import {
  type App,
  type AppDialog,
  type AppRequest,
  brings,
  hasRealFaults,
  startTestEngine,
} from '../../support/test-engine.ts';

const suite = useEngine();
const { keep } = suite;

const uriOf = (contact: string): string => /<([^>]+)>/.exec(contact)?.[1] ?? '';

/** An application that accepts every registration for a minute. */
async function registrar(): Promise<App> {
  return keep(
    await suite.engine.app((srf) =>
      srf.use('register', (request, response) => {
        response.send(200, {
          headers: { Contact: `${request.get('contact')};expires=${request.get('expires') || '60'}` },
        });
      }),
    ),
  );
}

async function register(peer: SipPeer, contact: string, expires = 60): Promise<void> {
  peer.request('REGISTER', {
    uri: 'sip:example.com',
    contact,
    headers: [`Expires: ${expires}`],
    callId: unique('reg'),
  });
  await peer.wait(isResponse(200, 'REGISTER'));
}

/** A browser's Contact: nothing that any resolver knows. */
const browserContact = (): string => `<sip:${unique('u')}@${unique('h')}.invalid;transport=ws>`;

describe('WebSocket', () => {
  test('behaviour 44: text frames both ways, subprotocol sip, no rport in our Via', async () => {
    const peer = keep(await openWsPeer(suite.engine.ws));
    expect(peer.socket.protocol).toBe('sip');
    await registrar();
    const contact = browserContact();
    await register(peer, contact);
    expect(peer.received.every((message) => !message.raw.startsWith('BINARY'))).toBe(true);
    const app = keep(await suite.engine.app());
    const call = app.createUAC(uriOf(contact), { localSdp: offerSdp() });
    const invite = await peer.wait(isRequest('INVITE'));
    expect(invite.header('Via')).toMatch(/^SIP\/2\.0\/WS /);
    expect(invite.header('Via')).not.toContain('rport');
    expect(invite.header('Contact')).toContain(';transport=ws');
    peer.reply(invite, 486);
    await expect(call).rejects.toMatchObject({ status: 486 });
  });

  test('behaviour 44: a client that offers no subprotocol is served', async () => {
    const peer = keep(await openWsPeer(suite.engine.ws, []));
    keep(await suite.engine.app((srf) => srf.use('options', (_request, response) => response.send(200))));
    peer.request('OPTIONS');
    expect((await peer.wait(isResponse(200))).raw).not.toMatch(/^BINARY/);
  });

  test('behaviour 44: CRLFCRLF is answered with CRLF', async () => {
    const peer = keep(await openWsPeer(suite.engine.ws));
    peer.sendRaw('\r\n\r\n');
    await expect.poll(() => peer.log.filter((line) => line === '<-- \r\n').length).toBe(1);
    const tcp = keep(await openTcpPeer(suite.engine.tcp));
    tcp.sendRaw('\r\n\r\n');
    await expect.poll(() => tcp.log.filter((line) => line === '<-- \r\n').length).toBe(1);
  });

  test('behaviour 44: the application sees a WebSocket request with its transport in the Via', async () => {
    const peer = keep(await openWsPeer(suite.engine.ws));
    let seen: AppRequest | undefined;
    keep(
      await suite.engine.app((srf) =>
        srf.use('message', (request, response) => {
          seen = request;
          response.send(200);
        }),
      ),
    );
    peer.request('MESSAGE', {
      body: 'x',
      contentType: 'text/plain',
      via: `Via: SIP/2.0/WS df7jal23ls0d.invalid;branch=${unique('z9hG4bK')}`,
    });
    await peer.wait(isResponse(200));
    expect(seen?.get('via')).toMatch(/^SIP\/2\.0\/WS df7jal23ls0d\.invalid/);
    expect(seen?.protocol).toBe(hasRealFaults ? 'tcp' : 'ws'); // §10.2
    expect(seen?.receivedOn).toBe(`127.0.0.1:${suite.engine.ws.port}`);
  });

  test('behaviour 43 and 44: a whole call to a registered browser contact: ACK, re-INVITE and BYE find the connection', async () => {
    const peer = keep(await openWsPeer(suite.engine.ws));
    const app = await registrar();
    const contact = browserContact();
    await register(peer, contact);
    const call = app.createUAC(uriOf(contact), { localSdp: offerSdp() });
    const invite = await peer.wait(isRequest('INVITE'));
    peer.reply(invite, 180, { contact });
    peer.reply(invite, 200, { contact, body: offerSdp() });
    const dialog = await call;
    expect((await peer.wait(isRequest('ACK'))).uri).toBe(uriOf(contact));
    const modified = dialog.modify(offerSdp(45_000));
    peer.reply(await peer.wait(isRequest('INVITE')), 200, { contact, body: offerSdp() });
    await modified;
    await peer.wait(isRequest('ACK'));
    const ended = dialog.destroy();
    peer.reply(await peer.wait(isRequest('BYE')), 200);
    await ended;
  });

  test('behaviour 43: a call from a browser contact is reached back on its connection without any registration', async () => {
    const peer = keep(await openWsPeer(suite.engine.ws));
    const app = keep(await suite.engine.app());
    const contact = browserContact();
    const answered = new Promise<{ destroy(): Promise<unknown> }>((resolve) => {
      app.invite((request, response) => void app.createUAS(request, response, { localSdp: offerSdp() }).then(resolve));
    });
    await app.settled();
    const call = { callId: unique('call'), tag: unique('ft') };
    peer.request('INVITE', { ...call, contact, body: offerSdp() });
    const ok = await peer.wait(isResponse(200));
    expect(ok.header('Contact')).toContain('transport=ws');
    peer.request('ACK', { ...call, to: ok.header('To'), uri: uriOf(ok.header('Contact')) });
    const ended = (await answered).destroy();
    const bye = await peer.wait(isRequest('BYE'));
    expect(bye.uri).toBe(uriOf(contact));
    peer.reply(bye, 200);
    await ended;
  });
});

describe.skipIf(hasRealFaults)('WebSocket behind our own TLS front', () => {
  /** What the front says about a browser, and how the browser names its transport. */
  const browser = { 'x-forwarded-for': '198.51.100.7', 'x-forwarded-port': '50123', 'x-forwarded-proto': 'https' };
  const via = (): string => `Via: SIP/2.0/WSS ${unique('h')}.invalid;branch=${unique('z9hG4bK')}`;

  test('behaviour 44: the application is told the browser address and wss, and reaches the browser through it', async () => {
    const fronted = keep(await startTestEngine({ frontSecret: 'the-front' }));
    const peer = keep(await openWsPeer(fronted.ws, ['sip'], { ...browser, 'x-viaduct-front': 'the-front' }));
    let seen: AppRequest | undefined;
    const app = keep(
      await fronted.app((srf) =>
        srf.use('register', (request, response) => {
          seen = request;
          response.send(200, { headers: { Contact: `${request.get('contact')};expires=60` } });
        }),
      ),
    );
    const contact = browserContact();
    peer.request('REGISTER', { uri: 'sip:example.com', contact, via: via() });
    const answer = await peer.wait(isResponse(200, 'REGISTER'));
    expect(answer.header('Via')).toContain('received=198.51.100.7');
    expect(seen).toMatchObject({ source_address: '198.51.100.7', source_port: 50_123, protocol: 'wss' });
    const call = app.createUAC(uriOf(contact), { localSdp: offerSdp() });
    const invite = await peer.wait(isRequest('INVITE'));
    expect(invite.header('Via')).toMatch(/^SIP\/2\.0\/WSS? /);
    peer.reply(invite, 180, { contact });
    peer.reply(invite, 200, { contact, body: offerSdp() });
    const dialog = await call;
    await peer.wait(isRequest('ACK'));
    const ended = dialog.destroy();
    expect((await peer.wait(isRequest('BYE'))).uri).toBe(uriOf(contact));
    peer.reply(peer.received.at(-1) ?? invite, 200);
    await ended;
  });

  test('behaviour 44: a call from the browser is answered and ended on its connection', async () => {
    const fronted = keep(await startTestEngine({ frontSecret: 'the-front' }));
    const peer = keep(await openWsPeer(fronted.ws, ['sip'], { ...browser, 'x-viaduct-front': 'the-front' }));
    const app = keep(await fronted.app());
    const answered = new Promise<AppDialog>((resolve) => {
      app.invite((request, response) => void app.createUAS(request, response, { localSdp: offerSdp() }).then(resolve));
    });
    await app.settled();
    const call = { callId: unique('call'), tag: unique('ft'), contact: browserContact() };
    peer.request('INVITE', { ...call, body: offerSdp(), via: via() });
    const ok = await peer.wait(isResponse(200));
    const dialog = await answered;
    const acked = new Promise((resolve) => dialog.on('ack', resolve));
    peer.request('ACK', { ...call, to: ok.header('To'), uri: uriOf(ok.header('Contact')), via: via() });
    await acked;
    const ended = dialog.destroy();
    const bye = await peer.wait(isRequest('BYE'));
    expect(bye.uri).toBe(uriOf(call.contact));
    peer.reply(bye, 200);
    await ended;
  });

  test('behaviour 44: a stranger who claims to be a front is not believed', async () => {
    const fronted = keep(await startTestEngine({ frontSecret: 'the-front' }));
    const app = keep(await fronted.rawApp('options'));
    for (const claim of ['wrong', '']) {
      const peer = keep(await openWsPeer(fronted.ws, ['sip'], { ...browser, 'x-viaduct-front': claim }));
      peer.request('OPTIONS');
      const { fields } = await app.wait(brings('OPTIONS'));
      expect(fields.slice(4, 6)).toEqual(['ws', '127.0.0.1']);
    }
  });
});

describe('connection reuse', () => {
  test.each(['MESSAGE', 'OPTIONS', 'NOTIFY', 'INVITE'])(
    'behaviour 43: %s to a registered TCP contact goes down its connection',
    async (method) => {
      const peer = keep(await openTcpPeer(suite.engine.tcp));
      await registrar();
      const contact = `<sip:${unique('u')}@192.0.2.44:5060;transport=tcp>`;
      await register(peer, contact);
      const app = keep(await suite.engine.rawApp());
      app.send(`sip||\n${method} ${uriOf(contact)} SIP/2.0\nContent-Type: application/sdp\n\n${offerSdp()}`);
      peer.reply(await peer.wait(isRequest(method)), 486);
      expect((await app.wait(brings('SIP/2.0 486'))).fields[5]).toBe('127.0.0.1');
    },
  );

  test('behaviour 43: the latest registration counts, and Expires 0 ends it', async () => {
    const first = keep(await openWsPeer(suite.engine.ws));
    const second = keep(await openWsPeer(suite.engine.ws));
    await registrar();
    const contact = browserContact();
    await register(first, contact);
    await register(second, contact);
    const app = keep(await suite.engine.rawApp());
    app.send(`sip||\nOPTIONS ${uriOf(contact)} SIP/2.0\n\n`);
    second.reply(await second.wait(isRequest('OPTIONS')), 200);
    await app.wait(brings('SIP/2.0 200'));
    await register(second, contact, 0);
    app.send(`sip||\nOPTIONS ${uriOf(contact)} SIP/2.0\n\n`);
    await app.wait(brings('SIP/2.0 503'));
    expect([first.count(isRequest('OPTIONS')), second.count(isRequest('OPTIONS'))]).toEqual([0, 1]);
  });

  test('behaviour 43: a contact whose connection closed is not reachable', async () => {
    const peer = keep(await openWsPeer(suite.engine.ws));
    await registrar();
    const contact = browserContact();
    await register(peer, contact);
    await peer.close();
    const app = keep(await suite.engine.rawApp());
    await new Promise((resolve) => setTimeout(resolve, 50));
    app.send(`sip||\nOPTIONS ${uriOf(contact)} SIP/2.0\n\n`);
    const { message } = await app.wait((frame) => frame.fields[1] === 'sip');
    expect(message).toMatch(/^SIP\/2\.0 (410|503) /);
  });

  test('behaviour 37 and 43: BYE to a peer whose connection closed is answered 410', async () => {
    const peer = keep(await openWsPeer(suite.engine.ws));
    const app = await registrar();
    const contact = browserContact();
    await register(peer, contact);
    const call = app.createUAC(uriOf(contact), { localSdp: offerSdp() });
    peer.reply(await peer.wait(isRequest('INVITE')), 200, { contact, body: offerSdp() });
    const dialog = await call;
    await peer.wait(isRequest('ACK'));
    await peer.close();
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (dialog.connected) await dialog.destroy();
    await expect.poll(() => app.findDialogById(dialog.id)).toBeUndefined();
  });

  test('behaviour 08 and 43: messages split and joined on a TCP stream are understood', async () => {
    const peer = keep(await openTcpPeer(suite.engine.tcp));
    const app = keep(await suite.engine.rawApp('message'));
    const one = peer.compose('MESSAGE', { body: 'ünë', contentType: 'text/plain' });
    const two = peer.compose('MESSAGE', { body: 'two', contentType: 'text/plain' });
    const bytes = Buffer.from(one + two);
    for (const cut of [0, 40, 333]) {
      const end = cut === 333 ? bytes.length : cut === 40 ? 333 : 40;
      peer.sendRaw(bytes.subarray(cut, end).toString());
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect((await app.wait(brings('MESSAGE'))).message.endsWith('ünë')).toBe(true);
    expect((await app.wait(brings('MESSAGE'))).message.endsWith('two')).toBe(true);
  });

  test('behaviour 07: one application serves UDP, TCP and WebSocket alike', async () => {
    const app = keep(await suite.engine.rawApp('options'));
    for (const peer of [
      keep(await openUdpPeer(suite.engine.udp)),
      keep(await openTcpPeer(suite.engine.tcp)),
      keep(await openWsPeer(suite.engine.ws)),
    ]) {
      peer.request('OPTIONS');
      const { fields } = await app.wait(brings('OPTIONS'));
      expect(fields[4]).toBe(hasRealFaults && peer.transport === 'ws' ? 'tcp' : peer.transport);
      await app.command(`sip|${fields[8]}|\nSIP/2.0 200 OK\n\n`);
      await peer.wait(isResponse(200));
    }
  });
});
