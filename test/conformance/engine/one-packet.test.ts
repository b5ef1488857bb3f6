/** T8: single packets of the kind that have ended other servers. Each is followed by a plain request that must be answered. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/kernel/index.ts';
import { type SipServer, startSipServer } from '../../../src/sip/server/index.ts';
import { AnsweringApp } from '../../fuzz/answering-app.ts';
import { isResponse, openUdpPeer, type SipPeer } from '../../support/sip-peer.ts';
import { testOptions } from '../../support/test-engine.ts';

let server: SipServer;
let app: AnsweringApp;
let peer: SipPeer;
let socket: Socket;
const errors: string[] = [];

beforeAll(async () => {
  server = await startSipServer(testOptions, {
    ...silentLogger,
    error: (_fields, message) => void errors.push(message),
  });
  app = await AnsweringApp.connect(server.wire);
  const port = server.listeners.find(({ transport }) => transport === 'udp')?.port ?? 0;
  peer = await openUdpPeer({ port });
  socket = createSocket('udp4');
  const listening = once(socket, 'listening');
  socket.bind(0, '127.0.0.1');
  await listening;
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
});
afterAll(async () => {
  socket?.close();
  await peer?.close();
  app?.close();
  await server?.close();
});

const head = (start: string, via: string, method: string, more: readonly string[] = []): string =>
  [
    start,
    `Via: ${via}`,
    'From: <sip:a@127.0.0.1>;tag=1',
    'To: <sip:b@127.0.0.1>;tag=2',
    `Call-ID: one-${via.length}-${start.length}`,
    `CSeq: 1 ${method}`,
    ...more,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
const request = (method: string, via: string, more: readonly string[] = []): string =>
  head(`${method} sip:b@127.0.0.1 SIP/2.0`, via, method, more).replace(';tag=2', '');
const response = (via: string): string => head('SIP/2.0 200 OK', via, 'INVITE');

const PACKETS: readonly (readonly [what: string, packet: string])[] = [
  ['nothing', ''],
  ['one byte', '\0'],
  ['line breaks', '\r\n'.repeat(500)],
  ['a start line alone', 'INVITE sip:a@b SIP/2.0'],
  ['a response to nothing', response('SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKnobody')],
  ['a response whose Via has no transport', response('SIP/2.0 127.0.0.1:9;branch=z9hG4bKx')],
  ['a response whose Via has an empty transport', response('SIP/2.0/ 127.0.0.1:9;branch=z9hG4bKx')],
  ['a response whose Via has an unknown transport', response('SIP/2.0/XYZ 127.0.0.1:9;branch=z9hG4bKx')],
  ['a response without Via', response('SIP/2.0/UDP x').replace(/Via:.*\r\n/, '')],
  ['a response of status 699', response('SIP/2.0/UDP 127.0.0.1').replace('200 OK', '699 x')],
  ['a request from an unreachable Via', request('OPTIONS', 'SIP/2.0/UDP 240.0.0.1:5060;branch=z9hG4bKa')],
  ['a request from the broadcast address', request('OPTIONS', 'SIP/2.0/UDP 255.255.255.255;branch=z9hG4bKb')],
  ['a request from port 0', request('OPTIONS', 'SIP/2.0/UDP 127.0.0.1:0;branch=z9hG4bKc')],
  ['a request with maddr and ttl', request('OPTIONS', 'SIP/2.0/UDP a;maddr=224.0.0.1;ttl=256;branch=z9hG4bKd')],
  ['a request with received of its own', request('OPTIONS', 'SIP/2.0/UDP a;received=::;rport=99999;branch=z9hG4bKe')],
  ['a request whose Via says TLS', request('OPTIONS', 'SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bKf')],
  [
    'a request whose Via says WS',
    request('INVITE', 'SIP/2.0/WS x.invalid;branch=z9hG4bKg', ['Contact: <sip:a@x.invalid;transport=ws>']),
  ],
  [
    'a call whose Contact leads nowhere',
    request('INVITE', 'SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKh', ['Contact: <sip:a@240.0.0.1:0;transport=tcp>']),
  ],
  [
    'a call whose Record-Route leads to us',
    request('INVITE', 'SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKi', [
      'Contact: <sip:a@127.0.0.1:9>',
      'Record-Route: <sip:127.0.0.1;lr>',
    ]),
  ],
  ['an ACK to nothing', request('ACK', 'SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKj')],
  ['a CANCEL of nothing', request('CANCEL', 'SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKk')],
  ['a PRACK of nothing', request('PRACK', 'SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKl', ['RAck: 1 1 INVITE'])],
  ['a REFER with nothing to refer to', request('REFER', 'SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKm', ['Refer-To:'])],
];

describe('T8: one packet', () => {
  it.each(PACKETS)('%s', async (_what, packet) => {
    socket.send(packet);
    peer.request('OPTIONS');
    await peer.wait(isResponse(200, 'OPTIONS'));
    expect(errors).toEqual([]);
  });

  it('after all of them it is the same engine', async () => {
    expect(await server.counters()).toMatchObject({ restarts: 0, applications: 1 });
  });
});
