/** Many users that register over UDP from one socket, and many WebSockets that say one thing and stay. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { token } from './sdp.ts';

/** Requests under way at a time. */
const WINDOW = 50;
const GIVE_UP_MS = 120_000;

function request(method: string, user: string, via: string, contact: string): string {
  return [
    `${method} sip:viaduct.bench SIP/2.0`,
    `Via: SIP/2.0/${via};rport;branch=z9hG4bK${token(16)}`,
    'Max-Forwards: 70',
    `From: <sip:${user}@viaduct.bench>;tag=${token(8)}`,
    `To: <sip:${user}@viaduct.bench>`,
    `Call-ID: ${token(24)}`,
    `CSeq: 1 ${method}`,
    `Contact: <${contact}>`,
    'Expires: 3600',
    'User-Agent: bench phone 1.0',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

/** Registers every user; rejects when one is refused or they take too long. */
export async function registerUsers(users: readonly string[], port: number): Promise<void> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const own = socket.address().port;
  let [next, answered] = [0, 0];
  const sendNext = (): void => {
    const user = users[next++];
    if (user === undefined) return;
    const contact = `sip:${user}@127.0.0.1:${own};ob`;
    socket.send(request('REGISTER', user, `UDP 127.0.0.1:${own}`, contact), port, '127.0.0.1');
  };
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`only ${answered} registrations were answered`)), GIVE_UP_MS);
      socket.on('message', (bytes) => {
        const answer = bytes.toString('latin1');
        if (!answer.startsWith('SIP/2.0 200')) return reject(new Error(`refused: ${answer.slice(0, 200)}`));
        answered += 1;
        sendNext();
        if (answered < users.length) return;
        clearTimeout(timer);
        resolve();
      });
      for (let index = 0; index < WINDOW; index += 1) sendNext();
    });
  } finally {
    socket.close();
  }
}

/** Opens `count` WebSockets; each asks OPTIONS once and waits for the answer. The result closes them. */
export async function openWebSockets(count: number, port: number): Promise<() => void> {
  const sockets: WebSocket[] = [];
  const openOne = async (): Promise<void> => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, 'sip', { perMessageDeflate: false });
    sockets.push(socket);
    await once(socket, 'open');
    socket.send(request('OPTIONS', 'web', 'WS bench.invalid', 'sip:web@bench.invalid;transport=ws'));
    await once(socket, 'message');
  };
  for (let index = 0; index < count; index += WINDOW)
    await Promise.all(Array.from({ length: Math.min(WINDOW, count - index) }, openOne));
  return () => sockets.forEach((socket) => socket.terminate());
}
