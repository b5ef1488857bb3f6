/** SDES-SRTP with baresip, which has an SRTP of its own (libre): the phones hear each other under every way to ask for it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BARESIP_HZ, Baresip, type BaresipOptions } from '../support/baresip.ts';
import { Gateway } from '../support/gateway.ts';
import { amplitudeOf, durationSec, excerpt, type Sound } from '../support/sound.ts';

const BASE = 27_300;
let gateway: Gateway;
let plain: Baresip;

beforeAll(async () => {
  gateway = await Gateway.start({ base: BASE, hasAllTransports: true });
  plain = await Baresip.start({ ...gateway.credentials('carol'), proxy: gateway.sipAddress, base: BASE + 100 });
});

afterAll(async () => {
  await plain?.stop();
  await gateway?.stop();
});

async function protectedPhone(options: Partial<BaresipOptions>): Promise<Baresip> {
  const isOverTls = options.transport !== 'udp';
  return Baresip.start({
    ...gateway.credentials('bob'),
    proxy: isOverTls ? `127.0.0.1:${gateway.tlsPort}` : gateway.sipAddress,
    transport: 'tls',
    ...(isOverTls ? { caFile: gateway.certificateFile } : {}),
    base: BASE + 200,
    ...options,
  });
}

function expectTone(sound: Sound): void {
  expect(durationSec(sound)).toBeGreaterThan(1.5);
  expect(amplitudeOf(excerpt(sound, 0.8, 1.4), BARESIP_HZ)).toBeGreaterThan(0.05);
}

async function converse(caller: Baresip, called: Baresip, user: string): Promise<void> {
  const since = performance.now();
  const failedBefore = await gateway.metric('viaduct_srtp_packets_failed_total');
  caller.dial(`sip:${user}@${gateway.domain}`);
  await Promise.all([caller, called].map((each) => each.waitFor('CALL_ESTABLISHED', { since })));
  await new Promise((resolve) => setTimeout(resolve, 2_300));
  caller.command('hangup');
  await Promise.all([caller, called].map((each) => each.waitFor('CALL_CLOSED', { since })));
  expectTone(await caller.heard());
  expectTone(await called.heard());
  // Of baresip's packets only some RTCP is not protected: its goodbye, and a packet that opens the way through NAT.
  expect((await gateway.metric('viaduct_srtp_packets_failed_total')) - failedBefore).toBeLessThan(5);
}

it.each(['srtp', 'srtp-mand', 'srtp-mandf'] as const)('a phone with mediaenc=%s calls one without', async (kind) => {
  const phone = await protectedPhone({ mediaEncryption: kind });
  try {
    await converse(phone, plain, 'carol');
  } finally {
    await phone.stop();
  }
});

it('a phone that may have SRTP is called with it', async () => {
  const phone = await protectedPhone({ mediaEncryption: 'srtp' });
  try {
    await converse(plain, phone, 'bob');
  } finally {
    await phone.stop();
  }
});

it('where SRTP is required all phones have it, over UDP when their keys may be told in clear', async () => {
  const strict = await Gateway.start({
    base: BASE + 300,
    profiles: { phones: { srtp: 'required', srtpKeysInClear: true } },
  });
  const common = { proxy: strict.sipAddress, mediaEncryption: 'srtp-mand' } as const;
  const [dave, erin] = await Promise.all([
    Baresip.start({ ...strict.credentials('alice'), ...common, base: BASE + 400 }),
    Baresip.start({ ...strict.credentials('bob'), ...common, base: BASE + 500 }),
  ]);
  const bare = await Baresip.start({ ...strict.credentials('carol'), proxy: strict.sipAddress, base: BASE + 600 });
  try {
    const since = performance.now();
    bare.dial(`sip:bob@${strict.domain}`);
    expect((await bare.waitFor('CALL_CLOSED', { since })).param).toContain('488');
    dave.dial(`sip:bob@${strict.domain}`);
    await Promise.all([dave, erin].map((each) => each.waitFor('CALL_ESTABLISHED', { since })));
    await new Promise((resolve) => setTimeout(resolve, 2_300));
    dave.command('hangup');
    await Promise.all([dave, erin].map((each) => each.waitFor('CALL_CLOSED', { since })));
    expectTone(await dave.heard());
    expectTone(await erin.heard());
  } finally {
    await Promise.all([dave.stop(), erin.stop(), bare.stop()]);
    await strict.stop();
  }
});

it('tells a phone over UDP no key, and calls it without SRTP', async () => {
  const phone = await protectedPhone({ transport: 'udp', mediaEncryption: 'srtp' });
  try {
    const since = performance.now();
    plain.dial(`sip:bob@${gateway.domain}`);
    await phone.waitFor('CALL_ESTABLISHED', { since });
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    phone.command('hangup');
    await plain.waitFor('CALL_CLOSED', { since });
    expectTone(await plain.heard());
  } finally {
    await phone.stop();
  }
});

it('refuses RTP/SAVP over UDP, where its key would be told in clear', async () => {
  const phone = await protectedPhone({ transport: 'udp', mediaEncryption: 'srtp-mand' });
  try {
    const since = performance.now();
    phone.dial(`sip:carol@${gateway.domain}`);
    expect((await phone.waitFor('CALL_CLOSED', { since })).param).toContain('488');
  } finally {
    await phone.stop();
  }
});

it('leaves no key in the log or the messages that are shown', () => {
  expect(gateway.output).not.toMatch(/inline:[\w+/]{20}/u);
});
