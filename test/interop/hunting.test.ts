/** B13: trunks whose servers fail in different ways, found by SRV in a real name server, with SIPp as what is there. */
import { createSocket, type Socket } from 'node:dgram';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Dnsmasq, startDnsmasq } from '../support/dnsmasq.ts';
import { Gateway } from '../support/gateway.ts';
import { audioSdp, CallRefused, SipPhone } from '../support/sip-phone.ts';
import { type SippServer, startSippServer } from '../support/sipp.ts';
import { until } from '../support/until.ts';

const BASE = 29_100;
const DNS = BASE + 90;
/** Nobody listens there. */
const REFUSED = BASE + 81;
/** Somebody listens and says nothing. */
const SILENT = BASE + 82;
const UNAVAILABLE = BASE + 83;
const DECLINES = BASE + 84;
const ANSWERS = BASE + 85;
const SPARE = BASE + 86;
const FAILS_RINGING = BASE + 87;
const TCP_ANSWERS = BASE + 88;

const srv = (service: string, ...ports: readonly number[]): readonly string[] =>
  ports.map((port, index) => `srv-host=${service},loop.test,${port},${(index + 1) * 10},1`);
const ZONE = [
  'local-ttl=60',
  'host-record=loop.test,127.0.0.1',
  ...srv('_sip._udp.declined.test', REFUSED, SILENT, UNAVAILABLE, DECLINES, SPARE),
  ...srv('_sip._udp.answered.test', REFUSED, SILENT, UNAVAILABLE, ANSWERS, SPARE),
  ...srv('_sip._udp.broken.test', UNAVAILABLE, FAILS_RINGING, SPARE),
  ...srv('_sip._udp.dead.test', REFUSED, UNAVAILABLE),
  ...srv('_sip._tcp.tcp.test', REFUSED, TCP_ANSWERS),
];

const TRUNKS = ['declined', 'answered', 'broken', 'dead', 'tcp'];
const prefixOf = (name: string): string => `${TRUNKS.indexOf(name) + 1}`;
const rule = (trunk: string, prefix: string): object => ({
  name: `to-${trunk}`,
  why: 'the first digit names the trunk',
  when: { source: 'user', to: `${prefix}(#*)` },
  route: { trunk, number: '${1}' },
});

let dns: Dnsmasq;
let silent: Socket;
let gateway: Gateway;
let alice: SipPhone;
let servers: ReadonlyMap<string, SippServer>;

const serverList = async (): Promise<ReadonlyMap<string, SippServer>> =>
  new Map([
    ['unavailable', await startSippServer({ scenario: 'uas-unavailable', port: UNAVAILABLE })],
    ['declines', await startSippServer({ scenario: 'uas-declines', port: DECLINES })],
    ['answers', await startSippServer({ scenario: 'uas-answers', port: ANSWERS })],
    ['spare', await startSippServer({ scenario: 'uas-answers', port: SPARE })],
    ['fails-ringing', await startSippServer({ scenario: 'uas-fails-ringing', port: FAILS_RINGING })],
    ['tcp', await startSippServer({ scenario: 'uas-answers', port: TCP_ANSWERS, transport: 'tcp' })],
  ]);

/** Whom the calls of a test have reached: name → INVITEs. */
const reached = async (): Promise<Record<string, number>> => {
  const counts = await Promise.all([...servers].map(async ([name, server]) => [name, await server.calls()] as const));
  return Object.fromEntries(counts.filter(([, calls]) => calls > 0));
};

const refusal = async (dialed: string): Promise<number> => {
  const error = await alice.call(dialed, audioSdp(40_000, ['0 PCMU/8000'])).then(
    () => new Error('answered'),
    (cause: unknown) => cause,
  );
  if (!(error instanceof CallRefused)) throw error;
  return error.status;
};

beforeAll(async () => {
  dns = await startDnsmasq(DNS, ZONE);
  silent = createSocket('udp4');
  await new Promise<void>((resolve) => silent.bind(SILENT, '127.0.0.1', resolve));
  gateway = await Gateway.start({
    base: BASE,
    dialplan: { numbers: {}, rules: [...TRUNKS.map((name) => rule(name, prefixOf(name))), rule('group', '9')] },
    settings: {
      sip: { dnsServers: [dns.server] },
      trunks: TRUNKS.map((name) => ({
        name,
        // Everybody here calls from 127.0.0.1: no trunk does.
        addresses: ['192.0.2.1'],
        target: name === 'tcp' ? 'sip:tcp.test;transport=tcp' : `${name}.test`,
        // Nothing is known of any server but what calls find out, and every test begins anew.
        health: { intervalSec: 0, suspectSec: 0 },
        hunt: { tryTimeoutSec: 0.5 },
      })),
      trunkGroups: [
        {
          name: 'group',
          members: [
            { trunk: 'dead', priority: 1 },
            { trunk: 'declined', priority: 2 },
            { trunk: 'answered', priority: 3 },
          ],
        },
      ],
    },
  });
  alice = await SipPhone.open({ ...gateway.credentials('alice'), gatewayPort: gateway.sipPort });
  await alice.register();
});
beforeEach(async () => {
  servers = await serverList();
});
afterEach(async () => {
  for (const server of servers.values()) await server.stop();
});
afterAll(async () => {
  await alice?.close();
  await gateway?.stop();
  silent?.close();
  await dns?.stop();
});

describe('B13 hunting through the servers of a trunk', () => {
  test('a port that is closed, one that is silent, a 503, and a phone that declines: one phone rings, and no other', async () => {
    expect(await refusal(`${prefixOf('declined')}555`)).toBe(603);
    expect(await reached()).toEqual({ unavailable: 1, declines: 1 });
    const [call] = await gateway.calls();
    expect([call?.endReason, call?.sipStatus]).toEqual(['declined', 603]);
    // Where it went is in the record, and every try in the ladder.
    const leg = call?.legs.find(({ direction }) => direction === 'outbound');
    expect(leg?.trunk).toBe('declined');
    expect(new Set(leg?.tries.map(({ server }) => server)).size).toBe(4);
    expect(new Set(leg?.tries.map(({ sipCallId }) => sipCallId)).size).toBe(4);
  });

  test('the first three the same, then a phone that answers: the call goes through, and no other phone rings', async () => {
    const dialog = await alice.call(`${prefixOf('answered')}555`, audioSdp(40_000, ['0 PCMU/8000']));
    expect(dialog.remoteSdp).toContain('m=audio');
    expect(await dialog.bye()).toBe(200);
    expect(await reached()).toEqual({ unavailable: 1, answers: 1 });
  });

  test('a server that fails when its phone rings already is the last one tried', async () => {
    expect(await refusal(`${prefixOf('broken')}555`)).toBe(500);
    expect(await reached()).toEqual({ unavailable: 1, 'fails-ringing': 1 });
  });

  test('over TCP, a refused connection leads to the next server at once', async () => {
    const dialog = await alice.call(`${prefixOf('tcp')}555`, audioSdp(40_000, ['0 PCMU/8000']));
    expect(await dialog.bye()).toBe(200);
    expect(await reached()).toEqual({ tcp: 1 });
  });

  test('a group goes to the next trunk when one has nobody, and not when a phone has declined', async () => {
    expect(await refusal('9555')).toBe(603);
    expect(await reached()).toEqual({ unavailable: 2, declines: 1 });
    const [call] = await gateway.calls();
    expect(call?.legs.map(({ stage, sipStatus }) => [stage, sipStatus])).toEqual([
      [undefined, 603],
      [0, 503],
      [1, 603],
    ]);
  });

  test('GET /trunks and the metrics show the servers that were found', async () => {
    const { trunks } = (await gateway.api('/trunks')) as {
      trunks: readonly { name: string; servers: readonly { port: number; priority: number; transport: string }[] }[];
    };
    const declined = trunks.find(({ name }) => name === 'declined');
    expect(declined?.servers.map(({ port, priority }) => [port, priority])).toEqual([
      [REFUSED, 10],
      [SILENT, 20],
      [UNAVAILABLE, 30],
      [DECLINES, 40],
      [SPARE, 50],
    ]);
    await until(
      async () => (await gateway.metric('viaduct_trunk_calls_active{trunk="answered",direction="outbound"}')) === 0,
      {
        within: 2_000,
        what: 'every place given back',
      },
    );
    expect(await gateway.metric(`viaduct_trunk_server_up{trunk="tcp",server="tcp:127.0.0.1:${TCP_ANSWERS}"}`)).toBe(1);
  });
});
