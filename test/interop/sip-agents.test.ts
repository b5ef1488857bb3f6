/** Agents reached by SIP: one behind a URI, which may send its caller on, and one that registers like any phone. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeG711, measureTone } from '../../src/audio/index.ts';
import { BARESIP_HZ, Baresip } from '../support/baresip.ts';
import { createAuthority } from '../support/certificates.ts';
import { Gateway } from '../support/gateway.ts';
import { RtpPeer } from '../support/rtp-peer.ts';
import { isRequest, openTcpListenerPeer, openUdpPeer, type SipPeer } from '../support/sip-peer.ts';
import { audioSdp, CallRefused, rtpPortOf, SipPhone } from '../support/sip-phone.ts';
import { until } from '../support/until.ts';

const BASE = 27_200;
const AGENT_BASE = 27_300;
const PCMU = ['0 PCMU/8000', '101 telephone-event/8000'];

const folder = mkdtempSync(join(tmpdir(), 'viaduct-sip-agents-'));
let gateway: Gateway;
let phone: SipPhone;
let agent: Baresip;
let scripted: SipPeer;
let secure: SipPeer;

beforeAll(async () => {
  const authority = await createAuthority();
  const { certificate, key } = await authority.issue({ ip: ['127.0.0.1'] });
  const ca = join(folder, 'authority.pem');
  writeFileSync(ca, authority.ca);
  scripted = await openUdpPeer({ port: BASE + 2 });
  secure = await openTcpListenerPeer({ cert: certificate, key });
  process.env['TEST_SIP_AGENT_PASSWORD'] = 'password-of-the-agent';
  const portOf = (peer: SipPeer): string => peer.address.slice(peer.address.lastIndexOf(':') + 1);
  gateway = await Gateway.start({
    base: BASE,
    hasAllTransports: true,
    settings: {
      agents: [
        { name: 'behind', protocol: 'sip', uri: `sip:bob@127.0.0.1:${AGENT_BASE}` },
        {
          name: 'scripted',
          protocol: 'sip',
          uri: `sip:proj_1@127.0.0.1:${portOf(scripted)}`,
          // biome-ignore lint/suspicious/noTemplateCurlyInString: the configuration's own placeholders
          headers: { 'X-From': '${from}', 'X-To': '${to}', 'X-Tenant': 'acme' },
          username: 'gateway',
          passwordEnv: 'TEST_SIP_AGENT_PASSWORD',
        },
        { name: 'secure', protocol: 'sip', uri: `sip:agent@127.0.0.1:${portOf(secure)};transport=tls`, tls: { ca } },
        { name: 'nobody', protocol: 'sip', uri: 'sip:agent@127.0.0.1:9', connectTimeoutSec: 0.3 },
      ],
    },
  });
  agent = await Baresip.start({
    user: 'bob',
    password: gateway.credentials('bob').password,
    domain: gateway.domain,
    proxy: gateway.sipAddress,
    base: AGENT_BASE,
    codecs: ['PCMU'],
    answers: true,
  });
  phone = await SipPhone.open({
    user: 'carol',
    password: gateway.credentials('carol').password,
    domain: gateway.domain,
    gatewayPort: gateway.sipPort,
  });
  await phone.register();
});
afterAll(async () => {
  await phone?.peer.close();
  await agent?.stop();
  await gateway?.stop();
  await Promise.all([scripted?.close(), secure?.close()]);
  rmSync(folder, { recursive: true });
});

async function hearsAgent(rtp: RtpPeer): Promise<void> {
  for (let attempt = 0; attempt < 8; attempt++) {
    const enough = rtp.heard.length + 30;
    await until(() => rtp.heard.length >= enough, { within: 5_000, what: 'audio' });
    const pcm = decodeG711('PCMU', Buffer.concat(rtp.heard.slice(-20).map(({ payload }) => payload)));
    if (measureTone(pcm, 8000, BARESIP_HZ).snrDb > 20) return;
  }
  throw new Error('the agent is not heard');
}

describe('an agent reached by SIP', () => {
  test.each([
    ['behind', 'behind a URI'],
    ['bob', 'that has registered'],
  ])('(%s: %s) is called by its name, heard, and hangs up', async (name) => {
    const rtp = await RtpPeer.open();
    const dialog = await phone.call(name, audioSdp(rtp.port, PCMU));
    rtp.play([Buffer.alloc(160, 0xd0)], { port: rtpPortOf(dialog.remoteSdp), payloadType: 0, ssrc: 5, step: 160 });
    await hearsAgent(rtp);
    const bye = dialog.awaitBye();
    await agent.ask('hangup');
    await bye;
    await rtp.close();
  });

  test('sends its caller on to somebody else by REFER', async () => {
    const dave = await SipPhone.open({
      user: 'alice',
      password: gateway.credentials('alice').password,
      domain: gateway.domain,
      gatewayPort: gateway.sipPort,
    });
    await dave.register();
    const [rtp, other] = [await RtpPeer.open(), await RtpPeer.open()];
    const dialog = await phone.call('behind', audioSdp(rtp.port, PCMU));
    rtp.play([Buffer.alloc(160, 0xd0)], { port: rtpPortOf(dialog.remoteSdp), payloadType: 0, ssrc: 5, step: 160 });
    await hearsAgent(rtp);
    const answered = dave.answer(() => audioSdp(other.port, PCMU));
    await agent.ask(`transfer sip:alice@${gateway.domain}`);
    const theirs = await answered;
    other.play([Buffer.alloc(160, 0x21)], { port: rtpPortOf(theirs.remoteSdp), payloadType: 0, ssrc: 6, step: 160 });
    await until(() => rtp.heard.at(-1)?.payload[0] === 0x21, { within: 5_000, what: 'the other party' });
    await dialog.bye();
    await Promise.all([rtp.close(), other.close(), dave.peer.close()]);
  });

  test('is shown what the operator wants it to know, and our credentials when it asks', async () => {
    const calling = phone.call('scripted', audioSdp(9, PCMU)).catch((error: unknown) => error);
    const first = await scripted.wait(isRequest('INVITE'));
    expect(first.uri).toMatch(/^sip:proj_1@127\.0\.0\.1/);
    expect(['X-From', 'X-To', 'X-Tenant'].map((name) => first.header(name))).toEqual(['carol', 'scripted', 'acme']);
    scripted.reply(first, 401, {
      headers: ['WWW-Authenticate: Digest realm="agents", nonce="n", algorithm=MD5, qop="auth"'],
    });
    const second = await scripted.wait(
      (message) => isRequest('INVITE')(message) && message.header('Authorization') !== '',
    );
    expect(second.header('Authorization')).toContain('username="gateway"');
    expect(second.header('X-Tenant')).toBe('acme');
    scripted.reply(second, 486);
    expect(await calling).toEqual(new CallRefused(486));
    expect(gateway.output).not.toContain('password-of-the-agent');
  });

  test('is reached by TLS, and one that is not there is absent', async () => {
    const calling = phone.call('secure', audioSdp(9, PCMU)).catch((error: unknown) => error);
    const invite = await secure.wait(isRequest('INVITE'), 5_000);
    expect(invite.via).toBe('tls');
    secure.reply(invite, 486);
    expect(await calling).toEqual(new CallRefused(486));
    await expect(phone.call('nobody', audioSdp(9, PCMU))).rejects.toBeInstanceOf(CallRefused);
  });
});
