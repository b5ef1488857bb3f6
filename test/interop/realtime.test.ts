/** An agent that speaks OpenAI Realtime, called by a phone: what the model hears, and what the caller hears of it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeG711, encodeG711, measureTone, ToneGenerator } from '../../src/audio/index.ts';
import { Gateway } from '../support/gateway.ts';
import { type HookServer, startHookServer } from '../support/http-server.ts';
import { RealtimeServer, type RealtimeSession } from '../support/realtime-server.ts';
import { RtpPeer } from '../support/rtp-peer.ts';
import { audioSdp, type PhoneDialog, rtpPortOf, SipPhone } from '../support/sip-phone.ts';
import { until } from '../support/until.ts';

const BASE = 26_900;
const PCMU = ['0 PCMU/8000', '101 telephone-event/8000'];
const SILENCE = 0xff;

let gateway: Gateway;
let server: RealtimeServer;
let phone: SipPhone;
let hook: HookServer;
let rtp: RtpPeer;

beforeAll(async () => {
  server = await RealtimeServer.start();
  hook = await startHookServer();
  process.env['TEST_TOOL_KEY'] = 'key-of-the-tool';
  process.env['TEST_REALTIME_KEY'] = 'sk-of-the-test';
  gateway = await Gateway.start({
    base: BASE,
    settings: {
      agents: [
        {
          name: 'assistant',
          protocol: 'openai',
          url: server.url,
          apiKeyEnv: 'TEST_REALTIME_KEY',
          // biome-ignore lint/suspicious/noTemplateCurlyInString: the configuration's own placeholders
          instructions: 'Somebody calls from ${from}.',
          greeting: '',
          session: { audio: { output: { voice: 'marin' } } },
          tools: [
            {
              name: 'opening_hours',
              description: 'Says when somebody is there.',
              parameters: {
                type: 'object',
                properties: { day: { type: 'string', maxLength: 10 } },
                required: ['day'],
                additionalProperties: false,
              },
              url: hook.url,
              headersEnv: { 'x-key': 'TEST_TOOL_KEY' },
              allowPrivate: true,
            },
            { name: 'inside', description: 'Leads inside.', url: hook.url.replace('http:', 'https:') },
          ],
        },
        { name: 'linear', protocol: 'openai', url: server.url, encoding: 'L16', greeting: '' },
      ],
    },
  });
  rtp = await RtpPeer.open();
  phone = await SipPhone.open({
    user: 'carol',
    password: gateway.credentials('carol').password,
    domain: gateway.domain,
    gatewayPort: gateway.sipPort,
  });
  await phone.register();
});
afterAll(async () => {
  await rtp?.close();
  await phone?.peer.close();
  await gateway?.stop();
  await server?.stop();
  await hook?.close();
});

/** 20 ms each, each of another byte. */
const numbered = (count: number): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, index) => Buffer.alloc(160, index % 200)));

/** Of the session to come. */
const nextIndex = (): number => server.sessions.length;

async function talk(
  index: number,
  greeting: Buffer,
  name = 'assistant',
): Promise<{ session: RealtimeSession; dialog: PhoneDialog }> {
  rtp.heard.length = 0;
  const starting = server.session(index).then(async (session) => {
    await until(() => session.of('response.create').length > 0, { within: 3_000, what: 'the wish for a greeting' });
    session.respond('resp_1', 'item_1', greeting);
    return session;
  });
  const dialog = await phone.call(name, audioSdp(rtp.port, PCMU));
  return { session: await starting, dialog };
}

const spoken = (): number[] => rtp.heard.map(({ payload }) => payload[0] ?? -1).filter((value) => value !== SILENCE);

describe('an agent that speaks OpenAI Realtime', () => {
  test('is set up with the format of the call, greets, and hears the caller untranscoded', async () => {
    const { session, dialog } = await talk(nextIndex(), numbered(25));
    expect(session.request.headers.authorization).toBe('Bearer sk-of-the-test');
    expect(session.events[0]).toMatchObject({
      type: 'session.update',
      session: {
        type: 'realtime',
        instructions: 'Somebody calls from carol.',
        audio: {
          input: { format: { type: 'audio/pcmu' }, turn_detection: { type: 'server_vad' } },
          output: { format: { type: 'audio/pcmu' }, voice: 'marin' },
        },
        tools: ['hang_up', 'transfer', 'send_dtmf', 'hold', 'opening_hours', 'inside'].map((name) => ({ name })),
      },
    });
    session.done('resp_1');
    rtp.play([Buffer.alloc(160, 3), Buffer.alloc(160, 4)], {
      port: rtpPortOf(dialog.remoteSdp),
      payloadType: 0,
      ssrc: 5,
      step: 160,
    });
    await until(() => spoken().length >= 25, { within: 5_000, what: 'the greeting' });
    expect(spoken()).toEqual(Array.from({ length: 25 }, (_, i) => i));
    await until(() => session.heard.includes(Buffer.concat([Buffer.alloc(160, 3), Buffer.alloc(160, 4)])), {
      within: 5_000,
      what: 'the caller',
    });
    rtp.pause();
    await dialog.bye();
    await until(() => session.isClosed, { within: 3_000, what: 'the end of the session' });
    expect(gateway.output).not.toContain('sk-of-the-test');
  });

  test('that is talked over falls silent, and learns how much of its words was heard', async () => {
    const { session, dialog } = await talk(nextIndex(), numbered(180));
    await until(() => spoken().length >= 20, { within: 5_000, what: 'its words' });
    session.send({ type: 'input_audio_buffer.speech_started', audio_start_ms: 300, item_id: 'item_u' });
    session.delta('resp_1', 'item_1', numbered(10));
    const [truncated] = await until(
      () => {
        const all = session.of('conversation.item.truncate');
        return all.length > 0 ? all : undefined;
      },
      { within: 3_000, what: 'the truncation' },
    );
    const settled = performance.now() + 200;
    await until(() => (rtp.heard.at(-1)?.at ?? 0) > settled, { within: 3_000, what: 'what follows' });
    const heardMs = spoken().length * 20;
    expect(truncated?.item_id).toBe('item_1');
    expect(Math.abs((truncated?.audio_end_ms ?? 0) - heardMs)).toBeLessThanOrEqual(20);
    expect(heardMs).toBeLessThan(3600);
    session.done('resp_1', 'cancelled');
    session.respond('resp_2', 'item_2', Buffer.alloc(1600, 201));
    await until(() => spoken().includes(201), { within: 3_000, what: 'its next words' });
    await dialog.bye();
  });

  test('uses its tools, and learns what came of them', async () => {
    hook.answer = () => ({ status: 200, body: '{"open":"9 to 5"}' });
    const { session, dialog } = await talk(nextIndex(), numbered(5));
    session.done('resp_1');
    session.callFunction('resp_2', 'opening_hours', 'call_h', { day: 'monday' });
    session.callFunction('resp_2', 'opening_hours', 'call_i', { day: 5 });
    session.callFunction('resp_2', 'inside', 'call_p');
    session.callFunction('resp_2', 'send_dtmf', 'call_d', { digits: '5' });
    session.callFunction('resp_2', 'transfer', 'call_t', { target: 'nobody' });
    session.callFunction('resp_2', 'hold', 'call_o', { is_held: true });
    session.done('resp_2');
    const outputs = await until(
      () => {
        const items = session.of('conversation.item.create').map(({ item }) => item);
        return items.length === 6 ? items : undefined;
      },
      { within: 5_000, what: 'the outputs' },
    );
    const of = (id: string): unknown => JSON.parse(outputs.find((item) => item?.call_id === id)?.output ?? '{}');
    expect(of('call_h')).toEqual({ result: { open: '9 to 5' } });
    expect(hook.asked[0]?.headers['x-key']).toBe('key-of-the-tool');
    expect(JSON.parse(hook.asked[0]?.body ?? '')).toMatchObject({
      tool: 'opening_hours',
      arguments: { day: 'monday' },
      call: { from: 'carol', to: 'assistant' },
    });
    expect(of('call_i')).toMatchObject({ error: expect.stringContaining('day') });
    expect(of('call_p')).toEqual({ error: 'no answer' });
    expect(of('call_d')).toEqual({ ok: true });
    expect(of('call_t')).toMatchObject({ code: 'TARGET_FAILED', sipStatus: 404 });
    expect(of('call_o')).toEqual({ ok: true });
    // T36: the key is nobody's business but the server's.
    expect(gateway.output).not.toContain('key-of-the-tool');
    await expect.poll(() => gateway.output, { timeout: 5_000 }).toContain('HTTP_PRIVATE');
    await dialog.bye();
  });

  test('that breaks off is taken over by a session that knows what was said', async () => {
    const index = nextIndex();
    const { session, dialog } = await talk(index, numbered(10));
    session.send({ type: 'response.output_audio_transcript.done', response_id: 'resp_1', transcript: 'Good day!' });
    session.done('resp_1');
    await until(() => spoken().length >= 9, { within: 3_000, what: 'the greeting' });
    const again = server.session(index + 1);
    session.kill();
    const second = await again;
    await until(() => second.of('response.create').length > 0, { within: 3_000, what: 'the wish to go on' });
    const [said, told] = second.of('conversation.item.create').map(({ item }) => item);
    expect(said).toMatchObject({ role: 'assistant', content: [{ type: 'output_text', text: 'Good day!' }] });
    expect(told?.content?.[0]?.text).toContain('interrupted');
    second.respond('resp_2', 'item_2', Buffer.alloc(1600, 77));
    await until(() => spoken().includes(77), { within: 3_000, what: 'the new words' });
    await dialog.bye();
  });

  test('hangs up when its last words have been heard', async () => {
    const { session, dialog } = await talk(nextIndex(), numbered(30));
    const bye = dialog.awaitBye();
    session.callFunction('resp_1', 'dance', 'call_0');
    session.callFunction('resp_1', 'hang_up', 'call_1');
    session.done('resp_1');
    await bye;
    expect(spoken().length).toBe(30);
    const outputs = session.of('conversation.item.create').map(({ item }) => item);
    expect(outputs.toSorted((a, b) => (a?.call_id ?? '').localeCompare(b?.call_id ?? ''))).toMatchObject([
      { type: 'function_call_output', call_id: 'call_0', output: '{"error":"there is no function dance"}' },
      { type: 'function_call_output', call_id: 'call_1', output: '{"ok":true}' },
    ]);
    const record = await until(
      async () => {
        const [newest] = await gateway.calls();
        return newest?.endReason === undefined ? undefined : newest;
      },
      { within: 3_000, what: 'the record' },
    );
    expect(record).toMatchObject({ endReason: 'hangup-callee' });
  });

  test('has 16-bit samples at 24 kHz where it wants them', async () => {
    const tone = new ToneGenerator(500, 24_000, -12).next(24_000 * 3);
    const bytes = Buffer.alloc(2 * tone.length);
    for (const [at, sample] of tone.entries()) bytes.writeInt16LE(sample, 2 * at);
    const { session, dialog } = await talk(nextIndex(), bytes, 'linear');
    const format = { type: 'audio/pcm', rate: 24_000 };
    expect(session.events[0]).toMatchObject({ session: { audio: { input: { format }, output: { format } } } });
    rtp.play([Buffer.from(encodeG711('PCMU', new ToneGenerator(400, 8000, -12).next(160)))], {
      port: rtpPortOf(dialog.remoteSdp),
      payloadType: 0,
      ssrc: 6,
      step: 160,
    });
    await until(() => rtp.heard.length > 60 && session.heard.length > 48 * 1200, { within: 8_000, what: 'both' });
    const back = decodeG711('PCMU', Buffer.concat(rtp.heard.slice(-40).map(({ payload }) => payload)));
    expect(measureTone(back, 8000, 500).levelDbfs).toBeCloseTo(-12, 0);
    const heard = Int16Array.from({ length: 12_000 }, (_, at) => session.heard.readInt16LE(48 * 600 + 2 * at));
    expect(measureTone(heard, 24_000, 400).levelDbfs).toBeCloseTo(-12, 0);
    rtp.pause();
    await dialog.bye();
    session.done('resp_1');
  });
});
