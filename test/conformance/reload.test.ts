import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { Gateway } from '../support/gateway.ts';
import { RtpPeer } from '../support/rtp-peer.ts';
import { isResponse, openUdpPeer, unique } from '../support/sip-peer.ts';
import { audioSdp, CallRefused, SipPhone } from '../support/sip-phone.ts';
import { until } from '../support/until.ts';

const PCMU = ['0 PCMU/8000'];
const rules = (name: string, status: number) => ({
  rules: [
    { name: 'echo', why: 'a test', when: { to: 'echo' }, route: { agent: 'echo' } },
    { name, why: 'a test', route: { reject: { status, reason: 'Test' } } },
  ],
});

let gateway: Gateway;
let phone: SipPhone;
let rtp: RtpPeer;

beforeAll(async () => {
  gateway = await Gateway.start({
    base: 28_200,
    dialplan: rules('first', 480),
    limits: { flood: { requestsPerSec: 1, burstSec: 1, knownFactor: 1 } },
  });
  rtp = await RtpPeer.open();
  phone = await SipPhone.open({ ...gateway.credentials('alice'), gatewayPort: gateway.sipPort });
  await phone.register();
});
afterAll(async () => {
  await phone?.close();
  await rtp?.close();
  await gateway?.stop();
});

const dialplanFile = (): string => join(gateway.folder, 'dialplan.yaml');
const configFile = (): string => join(gateway.folder, 'viaduct.yaml');

/** What a call to somebody is answered with. */
async function statusNow(): Promise<number> {
  try {
    await phone.call('somebody', audioSdp(rtp.port, PCMU));
    return 200;
  } catch (error) {
    if (error instanceof CallRefused) return error.status;
    throw error;
  }
}

async function statusBecomes(status: number): Promise<void> {
  await until(async () => (await statusNow()) === status, { within: 10_000, every: 200, what: `status ${status}` });
}

const reloads = (result: string): Promise<number> => gateway.metric(`viaduct_config_reloads_total{result="${result}"}`);

async function changeConfig(change: (config: Record<string, unknown>) => void): Promise<void> {
  const config = parse(await readFile(configFile(), 'utf8')) as Record<string, unknown>;
  change(config);
  await writeFile(configFile(), stringify(config));
}

describe('without a restart', () => {
  it('a changed dialplan is noticed, and a running call goes on', async () => {
    const call = await phone.call('echo', audioSdp(rtp.port, PCMU));
    expect(await statusNow()).toBe(480);
    await writeFile(dialplanFile(), stringify(rules('second', 404)));
    await statusBecomes(404);
    expect(await reloads('done')).toBe(1);
    expect(await gateway.metric('viaduct_calls_active')).toBe(1);
    await call.bye();
  });

  it('a broken dialplan leaves the old one in force, and POST /reload says what is wrong', async () => {
    const before = await reloads('done');
    await writeFile(dialplanFile(), stringify({ rules: [{ name: 'x', why: 'y', route: { usr: 'bob' } }] }));
    expect(await gateway.post('/reload')).toMatchObject({
      status: 422,
      body: {
        error: 'DIALPLAN_INVALID',
        errors: expect.arrayContaining([expect.stringMatching(/dialplan\.yaml: rules\[0\]\.route: unknown key "usr"/)]),
      },
    });
    expect(await statusNow()).toBe(404);
    expect(await reloads('refused')).toBeGreaterThanOrEqual(1);
    expect(await reloads('done')).toBe(before);
    await expect
      .poll(() => gateway.output, { timeout: 5_000 })
      .toContain('configuration not reloaded: the old one stays in force');
  });

  it('SIGHUP puts new users in force, and what only a restart can change is named', async () => {
    await writeFile(dialplanFile(), stringify(rules('third', 486)));
    await changeConfig((config) => {
      config['users'] = [...(config['users'] as object[]), { name: 'dora', password: 'secret-of-dora' }];
    });
    process.kill(gateway.pid, 'SIGHUP');
    await statusBecomes(486);
    const dora = await SipPhone.open({ ...gateway.credentials('dora'), gatewayPort: gateway.sipPort });
    await dora.register();
    await dora.close();
    await changeConfig((config) => {
      (config['http'] as Record<string, unknown>)['port'] = 1;
    });
    expect(await gateway.post('/reload')).toEqual({
      status: 200,
      body: { status: 'reloaded', needRestart: ['http.port'] },
    });
  });

  it('a new trunk has no budget to spend, wherever its name leads', async () => {
    const trunk = await openUdpPeer({ port: gateway.sipPort });
    const shed = (): Promise<number> => gateway.metric('viaduct_sip_shed');
    const flood = (): void => {
      for (let n = 0; n < 50; n++) trunk.request('OPTIONS', { callId: unique('flood') });
    };
    flood();
    await until(async () => (await shed()) > 20, { within: 5_000, what: 'the flood of a stranger to be shed' });
    await changeConfig((config) => {
      config['trunks'] = [{ name: 'pbx', addresses: ['localhost'], target: trunk.address, health: { intervalSec: 0 } }];
      (config['http'] as Record<string, unknown>)['port'] = gateway.httpPort;
    });
    expect(await gateway.post('/reload')).toMatchObject({ status: 200, body: { needRestart: [] } });
    const answered = (): number => trunk.count(isResponse(200, 'OPTIONS'));
    await until(
      async () => {
        const [before, had] = [await shed(), answered()];
        flood();
        await until(() => answered() - had === 50, { within: 1_000, what: 'answers' }).catch(() => {});
        return answered() - had === 50 && (await shed()) === before;
      },
      { within: 8_000, what: 'the trunk to be let in as it pleases' },
    );
    await trunk.close();
  });

  it('nobody reloads without the token', async () => {
    expect((await gateway.post('/reload', 'wrong')).status).toBe(401);
  });
});
