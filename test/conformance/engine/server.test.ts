/** The embedded engine as a part of the gateway: its thread, its ports, its end. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';
import type { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { type LogFields, type Logger, silentLogger } from '../../../src/kernel/index.ts';
import { DEFAULT_FLOOD_LIMITS } from '../../../src/sip/net/flood-limits.ts';
import { startSipServer } from '../../../src/sip/server/index.ts';
import {
  isRequest,
  isResponse,
  offerSdp,
  openUdpPeer,
  type RequestParts,
  type SipPeer,
  unique,
} from '../../support/sip-peer.ts';
import { realEngine, startTestEngine, testOptions } from '../../support/test-engine.ts';
import { until } from '../../support/until.ts';

/** Calls, and acknowledges the final response unless told not to. */
async function callApp(peer: SipPeer, user: string, acknowledges = true): Promise<RequestParts> {
  const call = { uri: `sip:${user}@127.0.0.1`, callId: unique('call'), tag: unique('ft'), branch: unique('z9hG4bK') };
  peer.request('INVITE', { ...call, body: offerSdp() });
  const final = await peer.wait((message) => message.status >= 200 && message.header('Call-ID') === call.callId);
  const branch = final.status === 200 ? unique('z9hG4bK') : call.branch;
  if (acknowledges) peer.request('ACK', { ...call, branch, to: final.header('To') });
  return { ...call, branch: unique('z9hG4bK'), to: final.header('To') };
}

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

  test('an end that nobody asked for: who waits for counters is told, and a new engine stands where the old one did', async () => {
    const errors: string[] = [];
    const logger: Logger = { ...silentLogger, error: (_fields, message) => void errors.push(message) };
    const started = once(process, 'worker') as Promise<[Worker]>;
    const server = await startSipServer(testOptions, logger);
    const { wire, listeners } = server;
    const [thread] = await started;
    const asked = server.counters();
    asked.catch(() => {});
    await thread.terminate();
    await expect(asked.catch((error: unknown) => error)).resolves.toBeDefined();
    await until(async () => (await server.counters().catch(() => undefined))?.restarts === 1, {
      within: 5_000,
      what: 'the new engine',
    });
    expect(server.wire).toEqual(wire);
    expect(server.listeners).toEqual(listeners);
    expect(errors).toEqual(['SIP engine ended unexpectedly']);
    await server.close();
    await expect(server.counters()).rejects.toMatchObject({ code: 'SIP_ENGINE_CRASHED' });
  });

  test('who is exempt from the limits may change, and a new engine knows it too', async () => {
    const started = once(process, 'worker') as Promise<[Worker]>;
    const flood = { ...DEFAULT_FLOOD_LIMITS, requestsPerSec: 1, burstSec: 1 };
    const server = await startSipServer({ ...testOptions, limits: { flood } }, silentLogger);
    const [thread] = await started;
    const udp = server.listeners.find(({ transport }) => transport === 'udp');
    const shedOf = async (count: number): Promise<number> => {
      const peer = await openUdpPeer({ port: udp?.port ?? 0 });
      const before = (await server.counters()).net;
      for (let n = 0; n < count; n++) peer.request('OPTIONS', { callId: unique('flood') });
      const seen = async (): Promise<number> => {
        const { messagesIn, shed } = (await server.counters()).net;
        return messagesIn + shed - before.messagesIn - before.shed;
      };
      await until(async () => (await seen()) >= count, { within: 5_000, what: 'every request to be judged' });
      await peer.close();
      return (await server.counters()).net.shed - before.shed;
    };
    expect(await shedOf(20)).toBeGreaterThan(10);
    server.exempt({ trustedNetworks: ['127.0.0.0/8'] });
    expect(await shedOf(20)).toBe(0);
    await thread.terminate();
    await until(async () => (await server.counters().catch(() => undefined))?.restarts === 1, {
      within: 5_000,
      what: 'the new engine',
    });
    expect(await shedOf(20)).toBe(0);
    server.exempt({ trustedNetworks: [] });
    expect(await shedOf(20)).toBeGreaterThan(10);
    await server.close();
  });

  test('an engine that keeps dying is given up, and that is told', async () => {
    const kill = (worker: Worker): void => {
      worker.once('online', () => void worker.terminate());
    };
    const started = once(process, 'worker') as Promise<[Worker]>;
    const server = await startSipServer(testOptions, silentLogger);
    const given = new Promise((resolve) => server.onExit(resolve));
    process.on('worker', kill);
    try {
      const [thread] = await started;
      await thread.terminate();
      expect(await given).toMatchObject({ code: 'SIP_ENGINE_FAILED' });
    } finally {
      process.off('worker', kill);
      await server.close();
    }
  });

  test('after calls that were answered, refused, cancelled and abandoned nothing is left', async () => {
    const engine = await startTestEngine();
    const peer = await openUdpPeer(engine.udp);
    const app = await engine.app((srf) =>
      srf.invite((request, response) => {
        if (request.uri.includes('busy')) response.send(486);
        else if (request.uri.includes('ring')) response.send(180);
        else srf.createUAS(request, response, { localSdp: offerSdp() }).catch(() => {});
      }),
    );
    const answered = await callApp(peer, 'answered');
    peer.request('BYE', { ...answered, cseq: 2 });
    await peer.wait(isResponse(200, 'BYE'));
    await callApp(peer, 'unacknowledged', false);
    peer.reply(await peer.wait(isRequest('BYE'), 5_000), 200);
    await callApp(peer, 'busy');
    const ringing = { uri: 'sip:ring@127.0.0.1', callId: unique('call'), tag: unique('ft'), branch: unique('z9hG4bK') };
    peer.request('INVITE', { ...ringing, body: offerSdp() });
    await peer.wait(isResponse(180));
    peer.request('CANCEL', ringing);
    const terminated = await peer.wait(isResponse(487));
    peer.request('ACK', { ...ringing, to: terminated.header('To') });
    const outgoing = app.createUAC(`sip:bob@${peer.address}`, { localSdp: offerSdp() });
    peer.reply(await peer.wait(isRequest('INVITE')), 200, { body: offerSdp() });
    const dialog = await outgoing;
    await peer.wait(isRequest('ACK'));
    const ended = dialog.destroy();
    peer.reply(await peer.wait(isRequest('BYE')), 200);
    await ended;
    await expect(app.createUAC('sip:bob@127.0.0.1:9', { localSdp: offerSdp() })).rejects.toBeDefined();
    const left = async (): Promise<unknown> => (await engine.server?.counters())?.engine;
    await expect
      .poll(left, { timeout: 10_000, interval: 200 })
      .toEqual({ serverTransactions: 0, clientTransactions: 0, dialogs: 0, timers: 0 });
    await app.close();
    await peer.close();
    await engine.close();
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
