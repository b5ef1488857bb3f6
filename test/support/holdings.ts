/** What a gateway holds that a call could leave behind. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { expect } from 'vitest';
import type { Gateway } from './gateway.ts';
import { until } from './until.ts';

export interface Holdings {
  readonly sockets: number;
  readonly threads: number;
  readonly ports: number;
  readonly calls: number;
}

export async function holdings(gateway: Gateway): Promise<Holdings> {
  const threads = Number(/^Threads:\s+(\d+)/m.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))?.[1]);
  const open = await gateway.metric('viaduct_media_ports_open');
  const quarantined = await gateway.metric('viaduct_media_ports_quarantined');
  const calls = await gateway.metric('viaduct_calls_active');
  return { sockets: openFiles(gateway), threads, ports: open + quarantined, calls };
}

/** Waits until it holds no more than `before`. */
export async function areBack(gateway: Gateway, before: Holdings, within = 10_000): Promise<void> {
  const isBack = async (): Promise<boolean> => {
    const now = await holdings(gateway);
    return (Object.keys(before) as (keyof Holdings)[]).every((key) => now[key] <= before[key]);
  };
  await until(isBack, { within, every: 100, what: `no more than ${JSON.stringify(before)}` }).catch(
    async (error: unknown) =>
      expect(`${String(error)}: ${JSON.stringify(await holdings(gateway))}`).toBe('nothing left'),
  );
}

/** Without our own connections to its API, which are kept for the next question. */
function openFiles(gateway: Gateway): number {
  const own = gateway.httpPort.toString(16).toUpperCase().padStart(4, '0');
  const lines = readFileSync(`/proc/${gateway.pid}/net/tcp`, 'utf8').split('\n').slice(1);
  const ours = lines.flatMap((line) => {
    const [, local = '', remote = '', , , , , , , inode = ''] = line.trim().split(/\s+/);
    return local.endsWith(`:${own}`) && !remote.endsWith(':0000') ? [`socket:[${inode}]`] : [];
  });
  const folder = `/proc/${gateway.pid}/fd`;
  const open = readdirSync(folder).flatMap((fd) => {
    const link = readLink(`${folder}/${fd}`);
    return link === undefined || ours.includes(link) ? [] : [link];
  });
  return open.length;
}

/** Undefined: closed since we looked. */
function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
