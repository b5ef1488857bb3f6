/** The embedded engine as a part of the gateway: its thread, its ports, its end. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';
import type { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { type LogFields, type Logger, silentLogger } from '../../../src/kernel/index.ts';
import { startSipServer } from '../../../src/sip/server/index.ts';
import { isResponse, openUdpPeer } from '../../support/sip-peer.ts';
import { realEngine, startTestEngine, testOptions } from '../../support/test-engine.ts';

describe.skipIf(realEngine !== undefined)('the engine in its thread', () => {
  test('serves until closed, then frees its ports', async () => {
    const engine = await startTestEngine();
    const peer = await openUdpPeer(engine.udp);
    peer.request('OPTIONS');
    await peer.wait(isResponse(503));
    await peer.close();
    await engine.server?.close();
    await engine.server?.close();
    const { udp, tcp } = engine;
    const again = await startSipServer(
      {
        ...testOptions,
        listeners: [
          { transport: 'udp', address: '127.0.0.1', ...udp },
          { transport: 'tcp', address: '127.0.0.1', ...tcp },
        ],
      },
      silentLogger,
    );
    expect(again.listeners.map(({ transport, port }) => ({ transport, port }))).toEqual([
      { transport: 'udp', ...udp },
      { transport: 'tcp', ...tcp },
    ]);
    await again.close();
  });

  test('a taken port is named with its transport, and nothing stays open', async () => {
    const datagrams = createSocket('udp4');
    datagrams.bind(0, '127.0.0.1');
    await once(datagrams, 'listening');
    const streams = createServer();
    streams.listen(0, '127.0.0.1');
    await once(streams, 'listening');
    const address = streams.address();
    const taken = {
      udp: datagrams.address().port,
      tcp: typeof address === 'object' && address !== null ? address.port : 0,
    };
    for (const transport of ['udp', 'tcp'] as const) {
      const listeners = [{ transport, address: '127.0.0.1', port: taken[transport] }];
      const started = startSipServer({ ...testOptions, listeners }, silentLogger);
      await expect(started).rejects.toMatchObject({
        code: 'SIP_PORT_TAKEN',
        message: expect.stringContaining(`${transport}/${taken[transport]}`) as string,
      });
    }
    datagrams.close();
    streams.close();
  });

  test('counts what passes', async () => {
    const engine = await startTestEngine();
    const app = await engine.rawApp('options');
    const peer = await openUdpPeer(engine.udp);
    peer.request('MESSAGE');
    await peer.wait(isResponse(503));
    const counters = await engine.server?.counters();
    expect(counters?.applications).toBe(1);
    expect(counters?.net).toMatchObject({ messagesIn: 1, messagesOut: 1 });
    expect(counters?.cpuMs).toBeGreaterThan(0);
    await app.close();
    await peer.close();
    await engine.close();
  });

  test('an end that nobody asked for is reported, and who waits for counters is told', async () => {
    const errors: string[] = [];
    const logger: Logger = { ...silentLogger, error: (_fields, message) => void errors.push(message) };
    const started = once(process, 'worker') as Promise<[Worker]>;
    const server = await startSipServer(testOptions, logger);
    const exited = new Promise<unknown>((resolve) => server.onExit(resolve));
    const [thread] = await started;
    const asked = server.counters();
    asked.catch(() => {});
    await thread.terminate();
    await expect(exited).resolves.toMatchObject({ code: 'SIP_ENGINE_CRASHED' });
    await expect(server.counters()).rejects.toMatchObject({ code: 'SIP_ENGINE_CRASHED' });
    await expect(asked.catch((error: unknown) => error)).resolves.toBeDefined();
    expect(errors).toEqual(['SIP engine ended unexpectedly']);
    await server.close();
  });

  test('log lines of the thread arrive as plain data, from the level asked for', async () => {
    const lines: { level: string; fields: LogFields; message: string }[] = [];
    const keep = (level: string) => (fields: LogFields, message: string) => void lines.push({ level, fields, message });
    const logger: Logger = { ...silentLogger, warn: keep('warn'), debug: keep('debug') };
    const server = await startSipServer({ ...testOptions, logLevel: 'warn' }, logger);
    const socket = createConnection(server.wire.port, server.wire.host);
    socket.on('error', () => {});
    socket.write('20#u|authenticate|wrong');
    await expect.poll(() => lines.length).toBeGreaterThan(0);
    expect(lines.every((line) => line.level === 'warn')).toBe(true);
    expect(JSON.stringify(lines)).not.toContain('|wrong');
    socket.destroy();
    await server.close();
  });
});
