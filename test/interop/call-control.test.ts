/** Calls controlled from outside, on the whole gateway: begun and ended by HTTP, told by webhooks that others can verify. */
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Gateway } from '../support/gateway.ts';
import { type HookServer, startHookServer } from '../support/http-server.ts';
import { RtpPeer } from '../support/rtp-peer.ts';
import { audioSdp, SipPhone } from '../support/sip-phone.ts';
import { until } from '../support/until.ts';

const BASE = 27_300;
const PCMU = ['0 PCMU/8000', '101 telephone-event/8000'];
const SECRET = `whsec_${Buffer.from('another secret of thirty-two byte').toString('base64')}`;

let gateway: Gateway;
let hook: HookServer;
const phones: SipPhone[] = [];
const ears: RtpPeer[] = [];

async function phone(user: string): Promise<{ phone: SipPhone; rtp: RtpPeer }> {
  const { password } = gateway.credentials(user);
  const opened = await SipPhone.open({ user, password, domain: gateway.domain, gatewayPort: gateway.sipPort });
  const rtp = await RtpPeer.open();
  phones.push(opened);
  ears.push(rtp);
  await opened.register();
  return { phone: opened, rtp };
}

beforeAll(async () => {
  hook = await startHookServer();
  process.env['TEST_WEBHOOK_KEY'] = SECRET;
  gateway = await Gateway.start({
    base: BASE,
    settings: { webhooks: [{ url: hook.url, secretEnv: 'TEST_WEBHOOK_KEY', allowPrivate: true }] },
  });
});
afterAll(async () => {
  await Promise.all([...phones.map((each) => each.close()), ...ears.map((each) => each.close())]);
  await gateway?.stop();
  await hook?.close();
});

interface News {
  readonly type: string;
  readonly data: { readonly callId: string; readonly news?: string; readonly record?: { readonly metadata?: object } };
}

/** In the order that they came in; each is verified. */
function news(): News[] {
  const verifier = new Webhook(SECRET);
  return hook.asked.map(({ body, headers }) => verifier.verify(body, headers as Record<string, string>) as News);
}

describe('a call', () => {
  test('is begun for a user, told of in order, held, and ended with a cause', async () => {
    const [carol, bob] = [await phone('carol'), await phone('bob')];
    const answers = Promise.all([
      carol.phone.answer(() => audioSdp(carol.rtp.port, PCMU)),
      bob.phone.answer(() => audioSdp(bob.rtp.port, PCMU)),
    ]);
    const begun = await gateway.change('/calls', { to: 'bob', user: 'carol', metadata: { order: '42' } });
    expect(begun).toMatchObject({ status: 201, body: { callId: expect.any(String) } });
    const dialogs = await answers;
    const running = await until(
      async () => {
        const calls = await gateway.calls();
        return calls.length === 2
          ? calls.find(({ from, answeredAt }) => from.startsWith('sip:carol@') && answeredAt)
          : undefined;
      },
      { within: 5_000, what: 'the two to be connected' },
    );
    expect(running).toMatchObject({ metadata: { order: '42' }, from: `sip:carol@${gateway.domain}` });
    const { callId } = running;
    expect((await gateway.change(`/calls/${callId}/hold`, { party: 'callee' })).status).toBe(200);
    expect((await gateway.change(`/calls/${callId}/resume`, { party: 'callee' })).status).toBe(200);
    expect(await gateway.change(`/calls/${callId}/play`, { sound: { file: 'none.wav' } })).toMatchObject({
      status: 422,
      body: { error: 'VERB_INVALID' },
    });
    const byes = Promise.all(dialogs.map((dialog) => dialog.awaitBye()));
    expect((await gateway.change(`/calls/${callId}/hangup`, { cause: 16 })).status).toBe(200);
    await byes;
    await until(() => news().filter(({ type }) => type === 'call.ended').length === 2, {
      within: 5_000,
      what: 'the end of both calls to be told',
    });
    const of = (id: string): string[] => news().flatMap(({ type, data }) => (data.callId === id ? [type] : []));
    expect(of(callId)).toEqual(['call.started', 'call.ringing', 'call.answered', 'call.ended']);
    const first = news().find(({ data }) => data.callId !== callId)?.data.callId ?? '';
    expect(of(first)).toEqual(['call.started', 'call.ringing', 'call.answered', 'call.transferred', 'call.ended']);
    expect(news().at(-1)?.data.record?.metadata).toEqual({ order: '42' });
    expect(await gateway.metric('viaduct_webhooks_total{result="delivered"}')).toBe(9);
  });

  test('is transferred after a consultation, step by step', async () => {
    const [alice, bob, carol] = [await phone('alice'), await phone('bob'), await phone('carol')];
    const [first, caller] = await Promise.all([
      bob.phone.answer(() => audioSdp(bob.rtp.port, PCMU)),
      alice.phone.call('bob', audioSdp(alice.rtp.port, PCMU)),
    ]);
    const { callId } = await until(
      async () => (await gateway.calls()).find(({ answeredAt, endedAt }) => answeredAt && endedAt === undefined),
      { within: 5_000, what: 'the call to be answered' },
    );
    const none = { status: 409, body: { error: 'NO_CONSULTATION' } };
    expect(await gateway.change(`/calls/${callId}/consult/complete`, {})).toMatchObject(none);
    const asking = { party: 'callee', target: 'carol' };
    const [target, asked] = await Promise.all([
      carol.phone.answer(() => audioSdp(carol.rtp.port, PCMU)),
      gateway.change(`/calls/${callId}/consult`, asking),
    ]);
    expect(asked).toMatchObject({ status: 200, body: { status: 'done' } });
    expect(await gateway.change(`/calls/${callId}/consult`, asking)).toMatchObject({
      status: 409,
      body: { error: 'VERB_BUSY' },
    });
    const gone = caller.awaitBye();
    expect((await gateway.change(`/calls/${callId}/consult/complete`, {})).status).toBe(200);
    await gone;
    const ended = target.awaitBye();
    expect(await first.bye()).toBe(200);
    await ended;
    const told = () => news().filter(({ data }) => data.callId === callId);
    await until(() => told().at(-1)?.type === 'call.ended', { within: 5_000, what: 'the end to be told' });
    expect(told().flatMap(({ type, data }) => (type === 'call.consultation' ? [data.news] : []))).toEqual([
      'started',
      'answered',
      'completed',
    ]);
    expect(told().at(-1)?.data.record).toMatchObject({ endReason: 'transferred' });
    expect(await gateway.change(`/calls/${callId}/consult/cancel`, {})).toMatchObject({ status: 404 });
  });

  test('T36: keys and tokens are nowhere to be read', async () => {
    const metrics = [...(await gateway.metrics()).keys()].join();
    const shown = gateway.output + metrics + JSON.stringify(await gateway.calls());
    expect(shown).not.toContain(SECRET);
    expect(shown).not.toContain('token-of-the-test-gateway');
    expect(shown).not.toContain('secret-of-carol');
  });

  test('is described: every view there is answers as the description says', async () => {
    const { paths } = (await gateway.api('/api/openapi.json')) as { paths: Record<string, object> };
    const callId = (await gateway.calls())[0]?.callId ?? '';
    for (const [path, operations] of Object.entries(paths)) {
      if (!('get' in operations)) continue;
      expect(await gateway.api(path.replace('{callId}', callId))).toBeTypeOf('object');
    }
  });
});
