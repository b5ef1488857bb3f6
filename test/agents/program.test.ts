import { describe, expect, it } from 'vitest';
import { runProgram, type Source, type StreamOutcome, type VerbDoers } from '../../src/agents/twilio/program.ts';
import { parseTwiml, type Verb } from '../../src/agents/twilio/twiml.ts';

const BASE = 'https://app.example/voice';
const twiml = (inner: string): readonly Verb[] => parseTwiml(`<Response>${inner}</Response>`, BASE);
const STREAM = '<Connect><Stream url="wss://app.example/s"/></Connect>';
const lost = new Error('lost');

interface Scene {
  readonly pages?: Readonly<Record<string, string>>;
  readonly streams?: readonly (Error | undefined)[];
  readonly dialed?: 'there' | 'busy';
  readonly signal?: AbortSignal;
  readonly onPause?: () => void;
}

/** Runs a document; what was done, and how it ended. */
async function play(
  inner: string | Source,
  { pages = {}, streams = [], dialed = 'busy', signal, onPause }: Scene = {},
) {
  const done: string[] = [];
  const outcomes = [...streams];
  const doers: VerbDoers = {
    fetch: async ({ url, method }, fields) => {
      done.push(`${method} ${url} ${JSON.stringify(fields)}`);
      return twiml(pages[url] ?? '');
    },
    connect: async ({ url }): Promise<StreamOutcome> => {
      done.push(`connect ${url}`);
      return { error: outcomes.shift(), fields: { StreamSid: 'MZ1' } };
    },
    pause: async (ms) => {
      done.push(`pause ${ms}`);
      onPause?.();
    },
    dial: async (targets) => {
      done.push(`dial ${targets.join()}`);
      return dialed === 'there' ? undefined : { DialCallStatus: 'busy' };
    },
    pressDigits: async (digits) => void done.push(`digits ${digits}`),
    answer: () => void done.push('answer'),
    skipped: (verb) => void done.push(`skip ${verb}`),
  };
  const first: Source = typeof inner === 'string' ? { kind: 'verbs', verbs: twiml(inner) } : inner;
  const end = await runProgram(first, doers, signal ?? new AbortController().signal);
  return { done, end };
}

describe('a program of TwiML', () => {
  it('goes on with the next verb when a stream has ended, and hangs up after the last', async () => {
    expect(await play(`<Say>hi</Say>${STREAM}<Pause length="2"/>${STREAM}`)).toEqual({
      done: ['skip Say', 'connect wss://app.example/s', 'pause 2000', 'connect wss://app.example/s'],
      end: { kind: 'hang-up', error: undefined },
    });
  });

  it('tells of the stream that broke off last, and of no other', async () => {
    expect((await play(STREAM, { streams: [lost] })).end).toEqual({ kind: 'hang-up', error: lost });
    expect((await play(`${STREAM}<Dial>1</Dial>`, { streams: [lost] })).end).toMatchObject({ error: undefined });
  });

  it('asks the action of Connect, with what became of the stream', async () => {
    const { done } = await play('<Connect action="/after"><Stream url="wss://app.example/s"/></Connect><Pause/>');
    expect(done).toEqual(['connect wss://app.example/s', 'POST https://app.example/after {"StreamSid":"MZ1"}']);
  });

  it('leaves with the caller when somebody answers a Dial, and goes on when nobody does', async () => {
    expect(await play('<Dial>123</Dial><Pause/>', { dialed: 'there' })).toEqual({
      done: ['answer', 'dial 123'],
      end: { kind: 'left' },
    });
    expect((await play('<Dial>123</Dial><Pause/>')).done).toEqual(['answer', 'dial 123', 'pause 1000']);
    const { done } = await play('<Dial action="/d" method="GET">123</Dial><Pause/>');
    expect(done).toContain('GET https://app.example/d {"DialCallStatus":"busy"}');
    expect(done).not.toContain('pause 1000');
  });

  it('rejects before the answer, as does a Hangup; after it both hang up', async () => {
    expect((await play('<Reject reason="busy"/>')).end).toEqual({ kind: 'reject', sipStatus: 486 });
    expect((await play('<Hangup/>')).end).toEqual({ kind: 'reject', sipStatus: 603 });
    expect((await play('')).end).toEqual({ kind: 'reject', sipStatus: 603 });
    expect((await play('<Pause/><Reject/>')).end).toEqual({ kind: 'reject', sipStatus: 603 });
    expect((await play(`${STREAM}<Reject/>`)).end).toMatchObject({ kind: 'hang-up' });
  });

  it('follows redirections, and what comes behind one is not done', async () => {
    const pages = { 'https://app.example/next': STREAM };
    const { done } = await play('<Redirect>next</Redirect><Hangup/>', { pages });
    expect(done).toEqual(['POST https://app.example/next {}', 'connect wss://app.example/s']);
  });

  it('may wait in a loop for as long as it likes, but not turn in one', async () => {
    let pauses = 0;
    const abort = new AbortController();
    const onPause = () => {
      if (++pauses === 50) abort.abort();
    };
    const pages = { [BASE]: '<Pause length="10"/><Redirect>voice</Redirect>' };
    const first: Source = { kind: 'url', request: { url: BASE, method: 'POST' }, fields: {} };
    expect((await play(first, { pages, signal: abort.signal, onPause })).end).toEqual({ kind: 'left' });
    const turning = { [BASE]: '<Pause length="0"/><Redirect>voice</Redirect>' };
    await expect(play(first, { pages: turning })).rejects.toMatchObject({ code: 'AGENT_TWIML_LOOP' });
  });

  it('that is given up does nothing more', async () => {
    const abort = new AbortController();
    const { done, end } = await play(`<Pause/>${STREAM}`, { signal: abort.signal, onPause: () => abort.abort() });
    expect(done).toEqual(['pause 1000']);
    expect(end).toEqual({ kind: 'left' });
  });
});
