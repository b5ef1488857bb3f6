/** Real peers over every transport: baresip over TLS and IPv6, Chromium over the engine's own WSS listener. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BARESIP_HZ, Baresip } from '../support/baresip.ts';
import { Chromium, MICROPHONE_HZ } from '../support/chromium.ts';
import { Gateway } from '../support/gateway.ts';
import { amplitudeOf, durationSec, excerpt, type Sound } from '../support/sound.ts';
import { until } from '../support/until.ts';

let gateway: Gateway;
let overTls: Baresip;

beforeAll(async () => {
  gateway = await Gateway.start({ base: 28_700, hasAllTransports: true });
  overTls = await Baresip.start({
    ...gateway.credentials('bob'),
    proxy: `127.0.0.1:${gateway.tlsPort}`,
    transport: 'tls',
    caFile: gateway.certificateFile,
    base: 28_800,
  });
});

afterAll(async () => {
  await overTls?.stop();
  await gateway?.stop();
});

/** Of the registration that was made last. */
const transportOf = async (user: string): Promise<string | undefined> =>
  (await gateway.registrations()).findLast(({ aor }) => aor.startsWith(`sip:${user}@`))?.transport;

function expectTone(sound: Sound, hz: number): void {
  expect(durationSec(sound)).toBeGreaterThan(1.5);
  expect(amplitudeOf(excerpt(sound, 0.8, 1.4), hz)).toBeGreaterThan(0.05);
}

test.each([
  { transport: 'udp', caller: 'carol' },
  { transport: 'tcp', caller: 'bob' },
  { transport: 'tls', caller: 'carol' },
] as const)('phones over IPv6/$transport and IPv4/TLS hear each other when $caller calls', async (row) => {
  const { transport, caller } = row;
  const overSix = await Baresip.start({
    ...gateway.credentials('carol'),
    proxy: `[::1]:${transport === 'tls' ? gateway.tlsPort : gateway.sipPort}`,
    address: '::1',
    transport,
    caFile: gateway.certificateFile,
    base: 28_900,
  });
  try {
    expect(await transportOf('bob')).toBe('tls');
    expect(await transportOf('carol')).toBe(transport);
    expect((await gateway.registrations()).some(({ contact }) => contact.includes('@[::1]:'))).toBe(true);
    const since = performance.now();
    if (caller === 'carol') overSix.dial(`sip:bob@${gateway.domain}`);
    else overTls.dial(`sip:carol@${gateway.domain}`);
    await Promise.all([overSix, overTls].map((phone) => phone.waitFor('CALL_ESTABLISHED', { since })));
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    overSix.command('hangup');
    await Promise.all([overSix, overTls].map((phone) => phone.waitFor('CALL_CLOSED', { since })));
    expectTone(await overTls.heard(), BARESIP_HZ);
    expectTone(await overSix.heard(), BARESIP_HZ);
  } finally {
    await overSix.stop();
  }
});

test('Chromium over the WSS listener itself calls the phone over TLS', async () => {
  const chromium = await Chromium.launch();
  try {
    const alice = await chromium.softphone(gateway.origin);
    await alice.register({ ...gateway.credentials('alice'), server: `wss://127.0.0.1:${gateway.wssPort}/` });
    expect(await transportOf('alice')).toBe('wss');
    const since = performance.now();
    await alice.call('bob');
    await alice.callIs('active');
    await until(async () => ((await alice.quality())?.packetsReceived ?? 0) > 10, { within: 5_000, what: 'media' });
    const heard = await alice.hear(2);
    await alice.hangUp();
    await overTls.waitFor('CALL_CLOSED', { since });
    expectTone(heard, BARESIP_HZ);
    expectTone(await overTls.heard(), MICROPHONE_HZ);
    expect(alice.errors).toEqual([]);
  } finally {
    await chromium.close();
  }
});
