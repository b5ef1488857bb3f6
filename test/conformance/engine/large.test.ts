/** Requests larger than 1300 bytes on real sockets: RFC 3261 §18.1.1. */
import { expect, test } from 'vitest';
import { useEngine } from '../../support/engine-suite.ts';
import { isRequest, openTcpListenerPeer, openUdpPeer } from '../../support/sip-peer.ts';
import { realEngine } from '../../support/test-engine.ts';

const suite = useEngine();
const { keep } = suite;
const body = 'x'.repeat(1400);
const message = (address: string, text: string): string =>
  `sip||\nMESSAGE sip:bob@${address} SIP/2.0\nContent-Type: text/plain\n\n${text}`;

test.skipIf(realEngine !== undefined)('go by TCP, whole, and small ones to the same place do not', async () => {
  const peer = keep(await openTcpListenerPeer());
  const app = keep(await suite.engine.rawApp());
  const sent = await app.commandFrame(message(peer.address, body));
  const request = await peer.wait(isRequest('MESSAGE'));
  expect(request.header('Via')).toMatch(/^SIP\/2\.0\/TCP /);
  expect(request.body).toBe(body);
  peer.reply(request, 200);
  const answer = await app.wait((frame) => frame.fields[1] === 'sip' && frame.fields[8] === sent.fields[10]);
  expect(answer.message).toMatch(/^SIP\/2\.0 200 /);
  await app.commandFrame(message(peer.address, 'small'));
  await peer.expectNone(isRequest('MESSAGE'), 100);
});

test.skipIf(realEngine !== undefined)('go by UDP at once where TCP is refused', async () => {
  const peer = keep(await openUdpPeer(suite.engine.udp));
  const app = keep(await suite.engine.rawApp());
  const sent = await app.commandFrame(message(peer.address, body));
  const request = await peer.wait(isRequest('MESSAGE'));
  expect(request.header('Via')).toMatch(/^SIP\/2\.0\/UDP /);
  expect(request.body).toBe(body);
  peer.reply(request, 202);
  const answer = await app.wait((frame) => frame.fields[1] === 'sip' && frame.fields[8] === sent.fields[10]);
  expect(answer.message).toMatch(/^SIP\/2\.0 202 /);
});
