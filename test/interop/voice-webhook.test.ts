/** A voice application that answers with TwiML, written with the platform's own library, called by a phone. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import twilio from 'twilio';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Gateway } from '../support/gateway.ts';
import { MediaStreamAgent, type Stream } from '../support/media-stream-agent.ts';
import { RtpPeer } from '../support/rtp-peer.ts';
import { audioSdp, CallRefused, type PhoneDialog, rtpPortOf, SipPhone } from '../support/sip-phone.ts';
import { until } from '../support/until.ts';
import { type Page, restClient, VoiceApp } from '../support/voice-app.ts';

const { VoiceResponse } = twilio.twiml;
const BASE = 26_700;
const PCMU = ['0 PCMU/8000', '101 telephone-event/8000'];
const SILENCE = 0xff;
const ACCOUNT = { sid: `AC${'a'.repeat(32)}`, token: 'token-of-the-application' };
const OTHER = { sid: `AC${'b'.repeat(32)}`, token: 'token-of-another-one' };

/** A user part that tries to be more: lines, fields, terminal commands, formats. */
const EVIL = `ev%0D%0AX-Evil%3A%20yes%1B%5B31m&CallStatus=completed%00%25s${'A'.repeat(400)}`;

let gateway: Gateway;
let app: VoiceApp;
let agent: MediaStreamAgent;
let rtp: RtpPeer;
/** A trunk, whose callers may be anybody. */
let stranger: SipPhone;
const phones = new Map<string, SipPhone>();
let streams = 0;

const phoneOf = async (user: string): Promise<SipPhone> => {
  const { password } = gateway.credentials(user);
  const phone = await SipPhone.open({ user, password, domain: gateway.domain, gatewayPort: gateway.sipPort });
  await phone.register();
  phones.set(user, phone);
  return phone;
};

beforeAll(async () => {
  Object.assign(process.env, {
    TEST_TWILIO_SID: ACCOUNT.sid,
    TEST_TWILIO_TOKEN: ACCOUNT.token,
    TEST_OTHER_SID: OTHER.sid,
    TEST_OTHER_TOKEN: OTHER.token,
  });
  [app, agent] = [await VoiceApp.start(ACCOUNT.token), await MediaStreamAgent.start()];
  stranger = await SipPhone.open({ user: EVIL, domain: '127.0.0.1', gatewayPort: BASE + 2 });
  gateway = await Gateway.start({
    base: BASE,
    trunks: [{ name: 'carrier', address: stranger.peer.address }],
    dialplan: {
      rules: [
        {
          name: 'assistant',
          why: 'For everybody.',
          when: { source: ['user', 'trunk'], to: 'assistant' },
          route: { agent: 'assistant' },
        },
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the configuration's own placeholders
        { name: 'user', why: 'Among themselves.', when: { source: 'user' }, route: { user: '${0}' } },
      ],
    },
    settings: {
      agents: [
        {
          name: 'assistant',
          protocol: 'twilio',
          // biome-ignore lint/suspicious/noTemplateCurlyInString: the configuration's own placeholders
          url: `${app.url}/voice?caller=\${from}`,
          headers: { 'x-of-the-operator': 'hush' },
          // biome-ignore lint/suspicious/noTemplateCurlyInString: the configuration's own placeholders
          parameters: { caller: '${from}' },
          accountSidEnv: 'TEST_TWILIO_SID',
          authTokenEnv: 'TEST_TWILIO_TOKEN',
          connectTimeoutSec: 1,
          warmUpSec: 0,
          retry: { attempts: 1, waitSec: 0.05 },
        },
        {
          name: 'streamer',
          protocol: 'twilio',
          url: agent.url,
          accountSidEnv: 'TEST_OTHER_SID',
          authTokenEnv: 'TEST_OTHER_TOKEN',
          warmUpSec: 0,
        },
      ],
    },
  });
  rtp = await RtpPeer.open();
  await phoneOf('carol');
});
afterAll(async () => {
  await rtp?.close();
  for (const phone of phones.values()) await phone.close();
  await stranger?.close();
  await gateway?.stop();
  await app?.stop();
  await agent?.stop();
});
beforeEach(() => {
  app.pages.clear();
  app.asked.length = 0;
  rtp.heard.length = 0;
});

const call = async (target = 'assistant', giveUp?: Promise<void>): Promise<PhoneDialog> =>
  phones.get('carol')!.call(target, audioSdp(rtp.port, PCMU), giveUp);
const nextStream = async (): Promise<Stream> => agent.stream(streams++);
const speech = (): number[] => rtp.heard.map(({ payload }) => payload[0] ?? -1).filter((value) => value !== SILENCE);
const sidOf = (stream: Stream): string => stream.of('start')[0]?.start?.callSid ?? '';
const connect = (options: object = {}): InstanceType<typeof VoiceResponse> => {
  const response = new VoiceResponse();
  response.connect().stream({ url: agent.url, ...options });
  return response;
};
const streamTo = (url: string): string => `<Response><Connect><Stream url="${url}"/></Connect></Response>`;
const lastRecord = async () => (await gateway.calls())[0];
/** The record of the last call, once it is over. */
const ended = async () =>
  until(
    async () => {
      const last = await lastRecord();
      return last?.endedAt === undefined ? undefined : last;
    },
    { within: 3_000, what: 'the record' },
  );

describe('a voice application', () => {
  test('is told of the call, signed, and its stream follows with its parameters and status', async () => {
    const answer = new VoiceResponse();
    answer.say('Nobody reads this out');
    const noun = answer.connect().stream({ url: agent.url, name: 'talk', statusCallback: '/status' });
    noun.parameter({ name: 'from_number', value: '+15550100 & more' });
    app.pages.set('/voice', answer.toString()).set('/status', '');
    const dialog = await call();
    const stream = await nextStream();
    const [asked] = app.of('/voice');
    expect(asked).toMatchObject({ method: 'POST', path: '/voice?caller=carol', isSigned: true });
    expect(asked?.form).toEqual({
      CallSid: sidOf(stream),
      AccountSid: ACCOUNT.sid,
      From: 'carol',
      To: 'assistant',
      Caller: 'carol',
      Called: 'assistant',
      Direction: 'inbound',
      CallStatus: 'ringing',
      ApiVersion: '2010-04-01',
    });
    expect(asked?.headers['x-of-the-operator']).toBe('hush');
    expect(stream.of('start')[0]).toMatchObject({
      start: { accountSid: ACCOUNT.sid, customParameters: { from_number: '+15550100 & more' } },
    });
    const signature = String(stream.request.headers['x-twilio-signature']);
    expect(twilio.validateRequest(ACCOUNT.token, signature, agent.url, {})).toBe(true);
    expect(stream.request.headers['x-of-the-operator']).toBeUndefined();
    const started = await app.waitFor('/status');
    expect(started).toMatchObject({ isSigned: true, form: { StreamEvent: 'stream-started', StreamName: 'talk' } });
    expect(await dialog.bye()).toBe(200);
    const stopped = await app.waitFor('/status', 2);
    expect(stopped.form).toMatchObject({ StreamEvent: 'stream-stopped', StreamSid: stream.of('start')[0]?.streamSid });
    await expect.poll(() => gateway.output, { timeout: 5_000 }).toContain('TwiML verb skipped');
  });

  test('goes on with the next verb when its stream ends: another document, another stream, the end', async () => {
    const first = connect();
    first.redirect('/next');
    app.pages.set('/voice', first.toString()).set('/next', connect().toString());
    const dialog = await call();
    const one = await nextStream();
    one.say(Buffer.alloc(8000, 1));
    await until(() => speech().length > 3, { within: 3_000, what: 'its words' });
    one.mark('never played');
    one.close();
    const two = await nextStream();
    expect(sidOf(two)).toBe(sidOf(one));
    expect(two.of('start')[0]?.streamSid).not.toBe(one.of('start')[0]?.streamSid);
    expect(app.of('/next')[0]?.form).toMatchObject({ CallStatus: 'in-progress', CallSid: sidOf(one) });
    // What the first one had still to say is gone, and its marks are not those of the second.
    two.say(Buffer.alloc(800, 2));
    await until(() => speech().includes(2), { within: 3_000, what: 'the words of the second' });
    expect(speech().filter((byte) => byte === 1).length).toBeLessThan(45);
    await until(() => two.of('media').length > 5, { within: 3_000, what: 'the caller' });
    expect(two.of('mark')).toEqual([]);
    const bye = dialog.awaitBye();
    two.close();
    await bye;
  });

  test('rejects as busy, or altogether, or waits and then hangs up', async () => {
    const reject = new VoiceResponse();
    reject.reject({ reason: 'busy' });
    app.pages.set('/voice', reject.toString());
    await expect(call()).rejects.toEqual(new CallRefused(486));
    app.pages.set('/voice', '<Response><Reject/></Response>');
    await expect(call()).rejects.toEqual(new CallRefused(603));
    app.pages.set('/voice', '<Response><Hangup/></Response>');
    await expect(call()).rejects.toEqual(new CallRefused(603));
    const before = performance.now();
    app.pages.set('/voice', '<Response><Pause length="1"/></Response>');
    await expect(call()).rejects.toEqual(new CallRefused(603));
    expect(performance.now() - before).toBeGreaterThan(990);
  });

  const endless: { end: () => void }[] = [];
  test.each<[string, string | Parameters<VoiceApp['pages']['set']>[1], string]>([
    ['answers an error', (_asked, response) => void response.writeHead(500).end(), 'AGENT_VOICE_STATUS'],
    [
      'sends us elsewhere',
      (_asked, response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      'AGENT_VOICE_STATUS',
    ],
    ['does not answer', (_asked, response) => void endless.push(response), 'HTTP_TIMEOUT'],
    ['hangs up on us', (_asked, response) => void response.destroy(), 'HTTP_UNREACHABLE'],
    [
      'does not end',
      (_asked, response) => {
        const timer = setInterval(() => response.write(' '.repeat(4000)), 1);
        response.on('close', () => clearInterval(timer));
        return undefined;
      },
      'HTTP_TOO_LARGE',
    ],
    ['answers a page', '<html><body>hello</body></html>', 'AGENT_TWIML'],
    ['answers a bomb', '<!DOCTYPE r [<!ENTITY a "&b;&b;"><!ENTITY b "boom">]><Response>&a;</Response>', 'AGENT_TWIML'],
    ['goes round in circles', '<Response><Redirect>/voice</Redirect></Response>', 'AGENT_TWIML_LOOP'],
    ['leads into a private network', '<Response><Redirect>http://127.0.0.2:9/</Redirect></Response>', 'HTTP_PRIVATE'],
    ['leads there by name', '<Response><Redirect>http://localhost:9/</Redirect></Response>', 'HTTP_PRIVATE'],
    ['streams into one', streamTo('ws://10.0.0.1/'), 'HTTP_PRIVATE'],
    ['streams there by name', streamTo('ws://localhost:9/'), 'localhost is a private address'],
    [
      'has a stream that is not there',
      '<Response><Connect><Stream url="ws://127.0.0.1:9"/></Connect></Response>',
      'AGENT_UNREACHABLE',
    ],
  ])('that %s is one that is not there', async (_what, page, code) => {
    app.pages.set('/voice', page);
    const before = gateway.output.length;
    await expect(call()).rejects.toEqual(new CallRefused(480));
    expect(await ended()).toMatchObject({ endReason: 'unavailable', sipStatus: 480 });
    // What is logged comes by a pipe, and may come later than the record by HTTP.
    await expect.poll(() => gateway.output.slice(before), { timeout: 5_000 }).toContain(code);
    // What another attempt cannot change is not tried again.
    if (/TWIML$|PRIVATE|LARGE/.test(code)) expect(app.of('/voice')).toHaveLength(1);
    else if (!/LOOP|TIMEOUT/.test(code)) expect(app.of('/voice')).toHaveLength(2);
  });

  test('hands the caller on to a user, who hears it; and goes on when nobody answers', async () => {
    const bob = await phoneOf('bob');
    const theirs = await RtpPeer.open();
    const response = new VoiceResponse();
    response.dial({ action: '/dialed' }).client('nobody');
    app.pages.set('/voice', response.toString());
    app.pages.set('/dialed', '<Response><Dial><Client>bob</Client></Dial></Response>');
    const answering = bob.answer(() => audioSdp(theirs.port, PCMU));
    const dialog = await call();
    const there = await answering;
    expect(app.of('/dialed')[0]?.form['DialCallStatus']).toMatch(/failed|no-answer/);
    rtp.play([Buffer.alloc(160, 7), ...Array.from({ length: 100 }, () => Buffer.alloc(160, 7))], {
      port: rtpPortOf(dialog.remoteSdp),
      payloadType: 0,
      ssrc: 9,
      step: 160,
    });
    await until(() => theirs.heard.some(({ payload }) => payload[0] === 7), { within: 5_000, what: 'the caller' });
    rtp.pause();
    const bye = there.awaitBye();
    await dialog.bye();
    await bye;
    await theirs.close();
  });
});

describe('a caller', () => {
  const never: Page = () => undefined;

  test.each<[string, Page | string]>([
    ['the application thinks about it', never],
    ['it is to wait', '<Response><Pause length="60"/></Response>'],
    ['the stream is being opened', '<Response><Connect><Stream url="ws://127.0.0.1:BUSY"/></Connect></Response>'],
  ])('may give up while %s', async (_what, page) => {
    const busy = createServer(() => {});
    await new Promise<void>((resolve) => void busy.listen(0, '127.0.0.1', resolve));
    const { port } = busy.address() as AddressInfo;
    app.pages.set('/voice', typeof page === 'string' ? page.replace('BUSY', String(port)) : page);
    const asked = app.waitFor('/voice').then(async () => sleep(100));
    await expect(call('assistant', asked)).rejects.toEqual(new CallRefused(487));
    expect(await ended()).toMatchObject({ endReason: 'cancelled', sipStatus: 487 });
    const sid = app.of('/voice')[0]?.form['CallSid'] ?? '';
    expect((await restClient(ACCOUNT, gateway.origin).calls(sid).fetch()).status).toBe('completed');
    busy.closeAllConnections();
    await new Promise<void>((resolve) => void busy.close(() => resolve()));
  });

  test('T15: is data: what it says of itself becomes no header, no field, no line of a log', async () => {
    app.pages.set('/voice', connect().toString());
    const dialog = await stranger.call(`sip:assistant@${gateway.domain}`, audioSdp(rtp.port, PCMU));
    const stream = await nextStream();
    const [asked] = app.of('/voice');
    const from = asked?.form['From'] ?? '';
    expect(from).toMatch(/^ev/);
    expect(from.length).toBeLessThanOrEqual(256);
    expect(from).not.toMatch(/\p{C}/u);
    expect(asked).toMatchObject({ isSigned: true, form: { CallStatus: 'ringing', To: 'assistant' } });
    expect(Object.keys(asked?.form ?? {})).toHaveLength(9);
    for (const headers of [asked?.headers, stream.request.headers])
      expect(Object.keys(headers ?? {}).filter((name) => name.includes('evil'))).toEqual([]);
    expect(asked?.path.startsWith('/voice?caller=ev')).toBe(true);
    expect(stream.of('start')[0]?.start?.customParameters).toEqual({ caller: from });
    await dialog.bye();
    const lines = gateway.output
      .trim()
      .split('\n')
      .filter((line) => line.includes('CallStatus=completed'));
    for (const line of lines) expect(() => JSON.parse(line) as unknown).not.toThrow();
    expect(gateway.output).not.toContain('\u001b[31m&');
  });
});

test('T36: no token, account or signature of an application is in a log, a record or a metric', async () => {
  const signatures = app.asked.map(({ headers }) => String(headers['x-twilio-signature']));
  const secrets = [ACCOUNT.token, OTHER.token, 'hush', ...signatures];
  const texts = [
    gateway.output,
    await gateway.apiText('/calls?limit=1000', 'application/json'),
    await (await fetch(`${gateway.origin}/metrics`)).text(),
  ];
  for (const text of texts) for (const secret of secrets) expect(text.includes(secret)).toBe(false);
});

describe('the REST API', () => {
  test('shows a call to the client of the platform, gives it other TwiML, and hangs it up', async () => {
    app.pages.set('/voice', connect().toString()).set('/other', connect().toString());
    const client = restClient(ACCOUNT, gateway.origin);
    const dialog = await call();
    const one = await nextStream();
    const sid = sidOf(one);
    expect(await client.calls(sid).fetch()).toMatchObject({
      sid,
      accountSid: ACCOUNT.sid,
      status: 'in-progress',
      direction: 'inbound',
      from: 'carol',
      to: 'assistant',
      duration: null,
    });
    await client.calls(sid).update({ twiml: connect().toString() });
    const two = await nextStream();
    await until(() => one.closeCode === 1000, { within: 3_000, what: 'the end of the first stream' });
    expect(one.messages.at(-1)?.event).toBe('stop');
    await client.calls(sid).update({ url: `${app.url}/other`, method: 'GET' });
    const three = await nextStream();
    expect(two.messages.at(-1)?.event).toBe('stop');
    expect(app.of('/other')[0]).toMatchObject({ method: 'GET', isSigned: true });
    expect(sidOf(three)).toBe(sid);
    await expect(client.calls(sid).update({ twiml: '<Response' })).rejects.toMatchObject({ status: 400, code: 12100 });
    await expect(client.calls(sid).update({ url: 'ftp://a' })).rejects.toMatchObject({ status: 400, code: 21205 });
    await expect(client.calls(sid).update({})).rejects.toMatchObject({ status: 400, code: 20001 });
    const bye = dialog.awaitBye();
    await client.calls(sid).update({ status: 'completed' });
    await bye;
    const after = await client.calls(sid).fetch();
    expect(after).toMatchObject({ status: 'completed' });
    expect(Number(after.duration)).toBeLessThan(30);
    expect(after.endTime).toBeInstanceOf(Date);
    await expect(client.calls(sid).update({ status: 'completed' })).rejects.toMatchObject({ status: 404, code: 20404 });
    await until(async () => (await lastRecord())?.endReason === 'hangup-callee', { within: 3_000, what: 'the record' });
  });

  test('reaches no call of another agent, and none without the right account and token', async () => {
    const dialog = await call('streamer');
    const stream = await nextStream();
    const sid = sidOf(stream);
    await expect(restClient(ACCOUNT, gateway.origin).calls(sid).fetch()).rejects.toMatchObject({
      status: 404,
      code: 20404,
    });
    for (const wrong of [
      { ...OTHER, token: ACCOUNT.token },
      { ...OTHER, token: '' },
      { sid: ACCOUNT.sid, token: OTHER.token },
    ]) {
      const path = `${gateway.origin}/2010-04-01/Accounts/${OTHER.sid}/Calls/${sid}.json`;
      const authorization = `Basic ${Buffer.from(`${wrong.sid}:${wrong.token}`).toString('base64')}`;
      const response = await fetch(path, { headers: { authorization } });
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe('Basic realm="Twilio API"');
      expect(await response.json()).toEqual({
        code: 20003,
        message: 'Authenticate',
        more_info: 'https://www.twilio.com/docs/errors/20003',
        status: 401,
      });
    }
    // A stream that has no webhook before it can be given TwiML all the same.
    const client = restClient(OTHER, gateway.origin);
    expect((await client.calls(sid).fetch()).status).toBe('in-progress');
    await expect(client.calls(`CA${'0'.repeat(32)}`).fetch()).rejects.toMatchObject({ status: 404, code: 20404 });
    await client.calls(sid).update({ twiml: connect().toString() });
    const next = await nextStream();
    const bye = dialog.awaitBye();
    next.close();
    await bye;
  });
});
