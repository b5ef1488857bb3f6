/** How drachtio-srf's commands go to the engine, and when they are there, which it tells nobody. */
import type { Socket } from 'node:net';
import { telephonyErrors } from './errors.ts';
import type { SrfApp } from './srf-types.ts';

/**
 * Resolves once the engine has taken the commands sent so far: it answers in order, and drachtio-srf says `connect`
 * when it has only sent for which requests it wants. Rejects with TELEPHONY_ENGINE_UNREACHABLE when the connection ends.
 */
export async function commandsTaken(srf: SrfApp, place: string): Promise<void> {
  const { wp, mapServer } = srf.app.client;
  const [socket] = mapServer.keys();
  if (socket === undefined) throw telephonyErrors.TELEPHONY_ENGINE_UNREACHABLE([place]);
  const id = wp.send(socket, 'ping');
  await new Promise<void>((resolve, reject) => {
    const done = (): void => {
      wp.off('msg', heard);
      socket.off('close', lost);
    };
    const heard = (_socket: Socket, text: string): void => {
      if (!text.includes(`|response|${id}|`)) return;
      done();
      resolve();
    };
    const lost = (): void => {
      done();
      reject(telephonyErrors.TELEPHONY_ENGINE_UNREACHABLE([place]));
    };
    wp.on('msg', heard);
    socket.on('close', lost);
  });
}

const joined = new WeakSet<Socket>();

/**
 * What drachtio-srf sends in answer to one piece of input leaves in one write, not one for each message (measured at
 * 250 calls/s: a tenth of the control thread's time).
 */
export function joinWrites(socket: Socket): void {
  if (joined.has(socket)) return;
  joined.add(socket);
  socket.prependListener('data', () => {
    if (socket.writableCorked > 0) return;
    socket.cork();
    setImmediate(() => socket.uncork());
  });
}
