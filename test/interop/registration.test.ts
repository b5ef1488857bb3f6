/** A1: the gateway registers with a carrier of two Kamailios found by SRV; calls both ways follow the registration. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Dnsmasq, startDnsmasq } from '../support/dnsmasq.ts';
import { Gateway } from '../support/gateway.ts';
import { type Carrier, startCarrier } from '../support/kamailio-carrier.ts';
import { audioSdp, CallRefused, SipPhone } from '../support/sip-phone.ts';
import { type SippServer, startSippServer } from '../support/sipp.ts';
import { until } from '../support/until.ts';

const BASE = 29_300;
const DNS = BASE + 90;
const FIRST = BASE + 81;
const SECOND = BASE + 82;
const PHONES = BASE + 83;
const SDP = audioSdp(40_000, ['0 PCMU/8000']);
const ZONE = [
  'local-ttl=60',
  'host-record=loop.test,127.0.0.1',
  `srv-host=_sip._udp.carrier.test,loop.test,${FIRST},10,1`,
  `srv-host=_sip._udp.carrier.test,loop.test,${SECOND},20,1`,
];

let dns: Dnsmasq;
let gateway: Gateway;
let alice: SipPhone;
let phones: SippServer;
let first: Carrier;
let second: Carrier;

interface View {
  readonly state: string;
  readonly server?: string;
  readonly lastStatus?: number;
}
const registration = async (): Promise<View> => {
  const { trunks } = (await gateway.api('/trunks')) as { trunks: readonly { registration: View }[] };
  const view = trunks[0]?.registration;
  if (view === undefined) throw new Error('no registration');
  return view;
};
const registeredAt = async (port: number): Promise<void> => {
  await until(
    async () => {
      const { state, server } = await registration();
      return state === 'registered' && server === `sip:127.0.0.1:${port}`;
    },
    { within: 30_000, every: 100, what: `registration at ${port}` },
  );
};

/** Somebody calls our number at the server; alice answers. */
const callIn = async (port: number): Promise<void> => {
  const outside = await SipPhone.open({ user: 'outside', domain: 'carrier.test', gatewayPort: port });
  try {
    const ringing = alice.answer(() => SDP);
    const [dialog, answered] = await Promise.all([outside.call('700', SDP), ringing]);
    // This phone keeps no route: it lets the other side hang up.
    const ended = dialog.awaitBye();
    expect(await answered.bye()).toBe(200);
    await ended;
  } finally {
    await outside.close();
  }
};

const callOut = async (): Promise<void> => {
  const dialog = await alice.call('9555', SDP);
  expect(await dialog.bye()).toBe(200);
};

beforeAll(async () => {
  dns = await startDnsmasq(DNS, ZONE);
  phones = await startSippServer({ scenario: 'uas-answers', port: PHONES });
  first = await startCarrier({ port: FIRST, algorithm: 'MD5', phones: PHONES });
  second = await startCarrier({ port: SECOND, algorithm: 'SHA-256', phones: PHONES });
  gateway = await Gateway.start({
    base: BASE,
    dialplan: {
      numbers: {},
      rules: [
        {
          name: 'out',
          why: 'to the carrier',
          when: { source: 'user', to: '9(#*)' },
          route: { trunk: 'carrier', number: '${1}' },
        },
        { name: 'in', why: 'our number', when: { source: 'trunk', to: '700' }, route: { user: 'alice' } },
      ],
    },
    settings: {
      sip: { dnsServers: [dns.server] },
      trunks: [
        {
          name: 'carrier',
          // Everybody here calls from 127.0.0.1: only the Contact tells the carrier from them.
          addresses: ['192.0.2.1'],
          target: 'carrier.test',
          auth: { username: 'gateway', password: 'of the gateway' },
          register: { expiresSec: 3_600, retrySec: 0.5 },
          health: { intervalSec: 1, timeoutSec: 1, suspectSec: 1 },
          hunt: { tryTimeoutSec: 1 },
        },
      ],
    },
  });
  alice = await SipPhone.open({ ...gateway.credentials('alice'), gatewayPort: gateway.sipPort });
  await alice.register();
});
afterAll(async () => {
  await alice?.close();
  await gateway?.stop();
  await phones?.stop();
  await first?.kill();
  await second?.kill();
  await dns?.stop();
});

describe('A1 a registration with a carrier', () => {
  test('lives at the first server, for as long as that grants; calls both ways go through there', async () => {
    await registeredAt(FIRST);
    const view = (await registration()) as View & { readonly expiresAt: number };
    expect(view.expiresAt - Date.now()).toBeLessThanOrEqual(60_000);
    expect(await gateway.metric('viaduct_trunk_registered{trunk="carrier"}')).toBe(1);
    await callOut();
    await callIn(FIRST);
    const [inbound] = await gateway.calls();
    expect(inbound?.legs.some(({ trunk }) => trunk === 'carrier')).toBe(true);
  });

  test('moves to the second server when the first one dies, calls with it, and comes back with it', async () => {
    await first.kill();
    await registeredAt(SECOND);
    await callOut();
    await callIn(SECOND);
    first = await startCarrier({ port: FIRST, algorithm: 'MD5', phones: PHONES });
    await registeredAt(FIRST);
    await callIn(FIRST);
    expect(gateway.output).not.toContain('of the gateway');
  });

  test('is taken back when the gateway stops: nobody calls it there any more', async () => {
    expect(await gateway.interrupt()).toBe(0);
    const outside = await SipPhone.open({ user: 'outside', domain: 'carrier.test', gatewayPort: FIRST });
    await expect(outside.call('700', SDP)).rejects.toEqual(new CallRefused(480));
    await outside.close();
  });
});
