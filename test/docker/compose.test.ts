/** The files under docker/ agree with each other and with what the gateway reads. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { NODE_FLAGS } from '../../scripts/node-flags.mjs';
import { loadConfig } from '../../src/config/index.ts';

const folder = new URL('../../docker/', import.meta.url).pathname;
const text = (path: string): string => readFileSync(join(folder, path), 'utf8');

interface Service {
  readonly build?: string | { readonly context: string; readonly dockerfile: string };
  readonly volumes?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly network_mode?: string;
}
const { services } = parse(text('compose.yaml')) as { services: Record<string, Service> };

it('the image runs Node with the flags that npm start gives it', () => {
  const command: unknown = JSON.parse(/^CMD (\[.*\])$/m.exec(text('Dockerfile'))?.[1] ?? '[]');
  expect(command).toEqual(['node', ...NODE_FLAGS, 'src/main.ts', '--config', expect.any(String)]);
});

describe('compose.yaml', () => {
  it('has the whole fleet', () => {
    expect(Object.keys(services).toSorted()).toEqual(['coturn', 'drachtio', 'gateway', 'kamailio', 'redis']);
  });

  it('mounts files that are there', () => {
    const mounted = Object.values(services)
      .flatMap(({ volumes = [] }) => volumes)
      .filter((volume) => volume.startsWith('./'))
      .map((volume) => volume.split(':')[0] ?? '');
    expect(mounted.length).toBeGreaterThan(3);
    for (const path of mounted) expect(() => readFileSync(join(folder, path))).toSatisfy(isThere);
  });

  it('asks for nothing that .env.example leaves out', () => {
    const wanted = [...text('compose.yaml').matchAll(/\$\{(\w+)/g)].map(([, name]) => name);
    for (const name of wanted) expect(text('.env.example')).toContain(`${name}=`);
  });

  it('gives Kamailio every value its configuration takes from the environment', () => {
    const needed = [...text('kamailio/kamailio.cfg').matchAll(/^#!defenvs? (\w+)/gm)].map(([, name]) => name ?? '');
    const given = text('kamailio/Dockerfile') + Object.keys(services['kamailio']?.environment ?? {}).join('=');
    expect(needed.filter((name) => !given.includes(name))).toEqual([]);
  });
});

it('the gateway takes its configuration and finds the ports of its neighbours', () => {
  const environment = { VIADUCT_SIP_DOMAIN: 'sip.example.com', VIADUCT_SIP_SECRET: 'x', VIADUCT_DATA: '/data' };
  const config = loadConfig({ file: join(folder, 'viaduct/viaduct.yaml'), environment });
  const { host, port } = /^drachtio:\/\/(?<host>[^:]+):(?<port>\d+)$/.exec(config.sip.engine)?.groups ?? {};
  expect(text('drachtio/drachtio.conf.xml')).toContain(`<admin port="${port}">${host}</admin>`);
  const ws = config.profiles.flatMap(({ listeners }) => listeners).find(({ transport }) => transport === 'ws');
  expect(text('drachtio/drachtio.conf.xml')).toContain(`:${ws?.port};transport=ws`);
  expect(text('kamailio/dispatcher.list')).toContain('1 sip:127.0.0.1:5070');
  expect(text('drachtio/drachtio.conf.xml')).toContain('sip:127.0.0.1:5070;transport=udp,tcp');
});

/** A folder is there as well as a file. */
function isThere(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    return Reflect.get(Object(error), 'code') === 'EISDIR';
  }
}
