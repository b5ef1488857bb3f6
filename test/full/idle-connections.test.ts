/** T7: thousands of connections that say nothing, next to nothing, or lies; calls go through all the same. */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Gateway } from '../support/gateway.ts';
import { callEcho } from '../support/siege.ts';
import { openTcpPeer, openUdpPeer, type SipPeer } from '../support/sip-peer.ts';
import { until } from '../support/until.ts';

const SIP_PORT = 28_802;
const SOURCES = Array.from({ length: 25 }, (_, n) => `127.0.8.${n + 1}`);
/** Of TCP and of WebSocket, from each source. */
const EACH = 100;
const FIRST_MESSAGE_SEC = 8;

let gateway: Gateway;
let trunk: SipPeer;
const sockets = new Set<Socket>();

beforeAll(async () => {
  trunk = await openUdpPeer({ port: SIP_PORT });
  gateway = await Gateway.start({
    base: SIP_PORT - 2,
    trunks: [{ name: 'carrier', address: trunk.address }],
    limits: { firstMessageSec: FIRST_MESSAGE_SEC },
  });
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await trunk?.close();
  await gateway?.stop();
});

function open(port: number, localAddress: string, greeting: string): Socket {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  sockets.add(socket);
  socket.on('error', () => {});
  socket.on('close', () => sockets.delete(socket));
  socket.on('data', () => {});
  if (greeting !== '') socket.write(greeting);
  return socket;
}

const UPGRADE = [
  'GET / HTTP/1.1',
  'Host: gateway',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Protocol: sip',
  '',
  '',
].join('\r\n');

async function setUpMs(): Promise<number> {
  const call = await callEcho(trunk, gateway);
  expect(await call.bye()).toBe(200);
  return call.setUpMs;
}

describe('T7', () => {
  it('five thousand idle connections: a call is set up within a second, and the reaper closes them', async () => {
    for (const source of SOURCES) {
      for (let n = 0; n < EACH; n++) {
        open(gateway.sipPort, source, '');
        open(gateway.wsPort, source, UPGRADE);
      }
      await sleep(20);
    }
    await until(async () => (await gateway.metric('viaduct_sip_connections_open')) >= SOURCES.length * EACH * 1.9, {
      within: 30_000,
      what: 'the connections',
    });
    expect(await setUpMs()).toBeLessThan(1000);
    await until(async () => (await gateway.metric('viaduct_sip_connections_open')) < SOURCES.length * EACH * 0.1, {
      within: (FIRST_MESSAGE_SEC + 15) * 1000,
      every: 200,
      what: 'the reaper',
    });
  });

  it('one source has no more connections than it may', async () => {
    const before = await gateway.metric('viaduct_sip_connections_rejected');
    for (let n = 0; n < 300; n++) open(gateway.sipPort, '127.0.9.1', '');
    await until(async () => (await gateway.metric('viaduct_sip_connections_rejected')) >= before + 100, {
      within: 10_000,
      what: 'the limit',
    });
    expect(await setUpMs()).toBeLessThan(1000);
  });

  it('headers that dribble in and lengths that lie: cut off, and nobody else is held up', async () => {
    const invite = trunk.compose('OPTIONS', { uri: `sip:echo@${gateway.sipAddress}` }).replaceAll(/\r?\n/g, '\r\n');
    const slow = Array.from({ length: 50 }, () => open(gateway.sipPort, '127.0.9.2', ''));
    let at = 0;
    const dribble = setInterval(() => {
      for (const socket of slow) if (!socket.destroyed) socket.write(invite[at % (invite.length - 4)] ?? 'x');
      at += 1;
    }, 100);
    for (const lie of ['-1', '99999999', '4294967296', '60000', '1e3', '0x10'])
      open(gateway.sipPort, '127.0.9.3', invite.replace(/Content-Length: 0/, `Content-Length: ${lie}`));
    expect(await setUpMs()).toBeLessThan(1000);
    await until(() => slow.every((socket) => socket.destroyed), {
      within: (FIRST_MESSAGE_SEC + 15) * 1000,
      what: 'slow connections to be cut off',
    });
    clearInterval(dribble);
    expect(await setUpMs()).toBeLessThan(1000);
  });

  it('a request cut at every byte is read whole', async () => {
    const peer = await openTcpPeer({ port: gateway.sipPort });
    const request = peer.compose('OPTIONS', { uri: `sip:echo@${gateway.sipAddress}` });
    const text = request.replaceAll(/\r?\n/g, '\r\n');
    for (let cut = 1; cut < text.length; cut += 1) {
      const socket = open(gateway.sipPort, '127.0.0.1', text.slice(0, cut));
      socket.setNoDelay(true);
      const answered = new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))));
      await sleep(1);
      socket.write(text.slice(cut));
      expect(await answered).toMatch(/^SIP\/2\.0 200 /);
      socket.destroy();
    }
    await peer.close();
  });
});
