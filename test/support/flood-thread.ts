/** A thread that sends a mix of requests over UDP as fast as it is told: started by `flood.ts`. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import type { FloodOrder } from './flood.ts';

const METHODS = ['REGISTER', 'SUBSCRIBE', 'INVITE', 'OPTIONS'];
const SLICE_MS = 5;

const { target, port, sources, perSec, seconds } = workerData as FloodOrder;
let serial = 0;

function message(source: string, at: number): Buffer {
  const method = METHODS[serial % METHODS.length] ?? 'OPTIONS';
  serial += 1;
  return Buffer.from(
    `${method} sip:flood@${target} SIP/2.0\r\nVia: SIP/2.0/UDP ${source}:${at};branch=z9hG4bKfl${serial}\r\n` +
      `Max-Forwards: 70\r\nFrom: <sip:x${serial}@${source}>;tag=${serial}\r\nTo: <sip:flood@${target}>\r\n` +
      `Call-ID: fl${serial}@${source}\r\nCSeq: 1 ${method}\r\nContact: <sip:x@${source}:${at}>\r\nEvent: presence\r\n` +
      'Content-Length: 0\r\n\r\n',
  );
}

async function open(source: string): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', lookup: (host, _options, done) => done(null, host, 4) });
  socket.on('message', () => {});
  socket.on('error', () => {});
  // Asked for first: with this lookup the socket may be bound before bind() returns.
  const listening = once(socket, 'listening');
  socket.bind(0, source);
  await listening;
  return socket;
}

const sockets = await Promise.all(sources.map(open));
const startedAt = performance.now();
let sent = 0;
await new Promise<void>((resolve) => {
  const timer = setInterval(() => {
    const elapsed = performance.now() - startedAt;
    if (elapsed >= seconds * 1000) {
      clearInterval(timer);
      resolve();
      return;
    }
    // What the machine gave no time for is not made up for: that would be a burst nobody asked for.
    const due = Math.min((elapsed / 1000) * perSec - sent, perSec / 20);
    for (let n = 0; n < due; n++) {
      const at = sent % sockets.length;
      sockets[at]?.send(message(sources[at] ?? '', sockets[at].address().port), port, target);
      sent += 1;
    }
  }, SLICE_MS);
});
for (const socket of sockets) socket.close();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
parentPort?.postMessage({ sent, seconds: (performance.now() - startedAt) / 1000 });
