import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Chromium, type SoftphonePage } from '../support/chromium.ts';
import { Gateway } from '../support/gateway.ts';
import { RtpPeer } from '../support/rtp-peer.ts';
import { isRequest } from '../support/sip-peer.ts';
import { audioSdp, CallRefused, SipPhone } from '../support/sip-phone.ts';

const PCMU = ['0 PCMU/8000'];
/** Registered over UDP; with alice, bob and the browser carol they are twenty. */
const names = Array.from({ length: 17 }, (_, i) => `phone${i + 1}`);

let gateway: Gateway;
let chromium: Chromium;
let alice: SoftphonePage;
let bob: SoftphonePage;
let carol: SoftphonePage;
let rtp: RtpPeer;
const phones = new Map<string, SipPhone>();

const phone = (name: string): SipPhone => {
  const found = phones.get(name);
  if (found === undefined) throw new Error(`no phone ${name}`);
  return found;
};

beforeAll(async () => {
  [gateway, chromium] = await Promise.all([Gateway.start({ base: 28_700, users: names }), Chromium.launch()]);
  rtp = await RtpPeer.open();
  for (const name of names) {
    const opened = await SipPhone.open({ ...gateway.credentials(name), gatewayPort: gateway.sipPort });
    phones.set(name, opened);
    await opened.register();
  }
  const open = async (name: string): Promise<SoftphonePage> => {
    const page = await chromium.softphone(gateway.origin);
    await page.register(gateway.credentials(name));
    await page.answerAll();
    return page;
  };
  alice = await open('alice');
  bob = await open('bob');
  carol = await open('carol');
});

afterAll(async () => {
  for (const opened of phones.values()) await opened.close();
  await rtp?.close();
  await chromium?.close();
  await gateway?.stop();
});

describe('kill -9 during 20 registrations and 5 calls', () => {
  test('the calls are up, then the process dies and starts again', async () => {
    expect(await gateway.registrations()).toHaveLength(20);
    for (const name of names.slice(0, 3)) await phone(name).call('echo', audioSdp(rtp.port, PCMU));
    await alice.call('echo');
    await alice.callIs('active');
    await bob.call('echo');
    await bob.callIs('active');
    expect(await gateway.metric('viaduct_calls_active')).toBe(5);
    // A page that is closed for good while the gateway is away: its binding has lost its flow for ever.
    await gateway.kill();
    await carol.close();
    await gateway.restart();
  });

  test('all registrations are there; only those over WebSocket have lost their flow', async () => {
    const registrations = await gateway.registrations();
    expect(registrations.length).toBe(20);
    expect(registrations.filter((one) => one.transport === 'udp' && one.isFlowLost)).toEqual([]);
    expect(registrations.find((one) => one.aor.includes('carol'))).toMatchObject({ transport: 'ws', isFlowLost: true });
  });

  test('the softphone comes back by itself within two seconds, and is called', async () => {
    const since = performance.now();
    await alice.lineIs('online', 4_000);
    expect(performance.now() - since).toBeLessThanOrEqual(2_000);
    await alice.hangUp();
    const dialog = await phone('phone4').call('alice', audioSdp(rtp.port, PCMU));
    await alice.callIs('active');
    expect(await dialog.bye()).toBe(200);
  });

  test('a binding over UDP is called at once', async () => {
    const since = performance.now();
    const answered = phone('phone5').peer.wait(isRequest('INVITE'), 2_000);
    const call = phone('phone6').call('phone5', audioSdp(rtp.port, PCMU));
    const invite = await answered;
    expect(performance.now() - since).toBeLessThanOrEqual(500);
    phone('phone5').peer.reply(invite, 486);
    await expect(call).rejects.toMatchObject({ status: 486 });
  });

  test('a call to a lost flow waits up to ten seconds, then 480', async () => {
    const since = performance.now();
    const refused = await phone('phone7')
      .call('carol', audioSdp(rtp.port, PCMU))
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(CallRefused);
    expect(refused).toMatchObject({ status: 480 });
    // The ten seconds may count from the restart as well as from the call.
    expect(performance.now() - since).toBeLessThanOrEqual(11_500);
  });

  test('the records show five interrupted calls', async () => {
    const interrupted = (await gateway.calls()).filter((record) => record.endReason === 'gateway-restart');
    expect(interrupted).toHaveLength(5);
    for (const record of interrupted) expect(record.endedAt).toBeGreaterThan(0);
  });
});

describe('Ctrl-C', () => {
  test('ends calls politely and leaves with code 0', async () => {
    const dialog = await phone('phone8').call('echo', audioSdp(rtp.port, PCMU));
    const bye = dialog.awaitBye();
    const code = gateway.interrupt();
    await bye;
    expect(await code).toBe(0);
  });
});
