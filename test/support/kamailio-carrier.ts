/** Kamailio as a carrier that wants to be registered with: test/data/kamailio-carrier.cfg. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensurePeer } from './install.ts';
import { until } from './until.ts';

const config = new URL('../data/kamailio-carrier.cfg', import.meta.url).pathname;

export interface CarrierOptions {
  readonly port: number;
  readonly algorithm: 'MD5' | 'SHA-256';
  /** Port on loopback where its phones are. */
  readonly phones: number;
}

export interface Carrier {
  readonly output: string;
  /** At once, as in a crash. */
  kill(): Promise<void>;
}

export async function startCarrier({ port, algorithm, phones }: CarrierOptions): Promise<Carrier> {
  const program = await ensurePeer('kamailio');
  const folder = await mkdtemp(join(tmpdir(), 'viaduct-carrier-'));
  const define = ['-A', `CARRIER_ALGORITHM="${algorithm}"`, '-A', `CARRIER_PHONES="sip:127.0.0.1:${phones}"`];
  const listen = ['-l', `udp:127.0.0.1:${port}`, '-w', folder, '-Y', folder, '-P', join(folder, 'pid')];
  const child: ChildProcess = spawn(program, ['-DD', '-E', '-f', config, ...define, ...listen], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-100_000);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  await until(async () => child.exitCode !== null || answers(port), {
    within: 10_000,
    what: `Kamailio to answer: ${output}`,
  });
  if (child.exitCode !== null) throw new Error(`Kamailio left:\n${output}`);
  return {
    get output() {
      return output;
    },
    kill: async () => {
      if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
        const exited = once(child, 'exit');
        // Its processes are one group, and none of them may answer any more.
        process.kill(-child.pid, 'SIGKILL');
        await exited;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Whether somebody answers an OPTIONS. */
async function answers(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  try {
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const own = `127.0.0.1:${socket.address().port}`;
    const lines = [
      `OPTIONS sip:127.0.0.1:${port} SIP/2.0`,
      `Via: SIP/2.0/UDP ${own};branch=z9hG4bK-up`,
      `From: <sip:test@${own}>;tag=up`,
      `To: <sip:127.0.0.1:${port}>`,
      `Call-ID: up-${own}`,
      'CSeq: 1 OPTIONS',
      'Max-Forwards: 70',
      'Content-Length: 0',
    ];
    const heard = once(socket, 'message', { signal: AbortSignal.timeout(300) });
    socket.send(`${lines.join('\r\n')}\r\n\r\n`, port, '127.0.0.1');
    await heard;
    return true;
  } catch {
    return false;
  } finally {
    socket.close();
  }
}
