/** A session with time that passes when the test says so, and an agent and a port that fail when it says so. */
import { describe, expect, it } from 'vitest';
import { type AgentManners, AgentSession } from '../../src/agents/agent-session.ts';
import type { AgentLink, AgentVoice } from '../../src/agents/link.ts';
import { encodeG711, ToneGenerator } from '../../src/audio/index.ts';
import type {
  AgentCallEvents,
  AgentCallVerbs,
  AgentEar,
  HeardSpeech,
  TurnRecord,
  UtteranceRecord,
  VerbResult,
} from '../../src/calls/index.ts';
import { type CallId, type LegId, type PortId, silentLogger } from '../../src/kernel/index.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const CALM: AgentManners = {
  warmUpMs: 2000,
  patienceMs: 5000,
  bargeIn: { isLocal: false, duckDb: 0, confirmMs: 200 },
  retry: { attempts: 2, waitMs: 300 },
  isComforting: true,
  lateMs: 0,
  fallback: undefined,
  farewell: async () => new Uint8Array(800).fill(7),
};

const SPEECH = encodeG711('PCMU', new ToneGenerator(300, 8000, -12).next(160));
const QUIET = new Uint8Array(160).fill(0xff);

interface Opened {
  readonly voice: AgentVoice;
  readonly link: AgentLink;
  readonly told: string[];
  readonly earlier: AgentLink | undefined;
}

class Scene {
  readonly clock = new VirtualClock();
  readonly links: Opened[] = [];
  /** What the port was told, and what the call. */
  readonly port: string[] = [];
  readonly events: string[] = [];
  readonly turns: TurnRecord[] = [];
  readonly utterances: UtteranceRecord[] = [];
  ear: AgentEar | undefined;
  heard: readonly HeardSpeech[] = [];
  transferred: VerbResult = { isDone: true };
  readonly session: AgentSession;

  constructor(manners: Partial<AgentManners> = {}) {
    this.session = new AgentSession({
      call: {
        agent: 'anna',
        callId: 'call' as CallId,
        legId: 'leg' as LegId,
        portId: 'port' as PortId,
        from: 'alice',
        to: 'anna',
      },
      encoding: 'PCMU',
      manners: { ...CALM, ...manners },
      open: (_call, voice, earlier) => this.#open(voice, earlier),
      audio: {
        listen: (_port, ear) => {
          this.ear = ear;
        },
        speak: (_port, { utterance, audio }) => this.port.push(`speak ${utterance} ${audio.length / 8}`),
        mark: (_port, name) => this.port.push(`mark ${name}`),
        flush: async () => {
          this.port.push('flush');
          return this.heard;
        },
        duck: (_port, db) => this.port.push(`duck ${db}`),
      },
      events: this.#events(),
      verbs: this.#verbs(),
      clock: this.clock,
      logger: silentLogger,
    });
  }

  get link(): Opened {
    const last = this.links.at(-1);
    if (last === undefined) throw new Error('no link was opened');
    return last;
  }

  /** What was said since the last look, without the NULs of our own names. */
  said(): string[] {
    return this.port.splice(0).map((each) => each.replaceAll('\0', '~'));
  }

  hear(frame: Uint8Array, times: number): void {
    for (let i = 0; i < times; i++) {
      this.ear?.onFrame(frame);
      this.clock.advance(20);
    }
  }

  reach(name: string): void {
    this.ear?.onPlayout({ kind: 'mark', name, isCleared: false });
  }

  #open(voice: AgentVoice, earlier: AgentLink | undefined): AgentLink {
    const told: string[] = [];
    const link: AgentLink = {
      hear: () => {},
      pressDigit: (digit) => told.push(`key ${digit}`),
      markReached: (name, isCleared) => told.push(`mark ${name} ${isCleared}`),
      callerSpeaks: (change) => told.push(change),
      interrupted: (heard) => told.push(`interrupted ${heard.map(({ playedMs }) => playedMs).join()}`),
      close: () => told.push('close'),
    };
    this.links.push({ voice, link, told, earlier });
    return link;
  }

  #events(): AgentCallEvents {
    return {
      onReady: () => this.events.push('ready'),
      onFailed: (status) => this.events.push(`failed ${status}`),
      onHangUp: () => this.events.push('hang up'),
      onUtterance: (utterance) => this.utterances.push(utterance),
      onTurn: (turn) => this.turns.push(turn),
    };
  }

  #verbs(): AgentCallVerbs {
    const done = async (): Promise<VerbResult> => ({ isDone: true });
    return {
      hangUp: done,
      transfer: async (to) => {
        this.events.push(`transfer ${to}`);
        return this.transferred;
      },
      consult: done,
      completeConsultation: done,
      cancelConsultation: done,
      sendDigits: done,
      hold: done,
      resume: done,
      mute: done,
      play: done,
      stopPlaying: done,
    };
  }
}

/** Lets promises that are settled have their say. */
const settle = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('AgentSession', () => {
  it('is ready with the first words, or when the agent has had its time to warm up', () => {
    const prompt = new Scene();
    prompt.link.voice.onOpen();
    prompt.link.voice.say('hello', new Uint8Array(160));
    expect(prompt.events).toEqual(['ready']);
    const slow = new Scene();
    slow.link.voice.onOpen();
    slow.clock.advance(1999);
    expect(slow.events).toEqual([]);
    slow.clock.advance(1);
    expect(slow.events).toEqual(['ready']);
  });

  it('calls a broken agent again, with comfort once what was said is over, and lets the new link take over', () => {
    const scene = new Scene();
    const first = scene.link;
    first.voice.onOpen();
    first.voice.say('hello', new Uint8Array(800));
    first.voice.onClose(new Error('reset'));
    expect(scene.said()).toEqual(['speak hello 100', 'mark ~comfort']);
    scene.reach('\0comfort');
    expect(scene.said()[0]).toMatch(/^speak ~comfort/);
    scene.clock.advance(300);
    expect(scene.links.length).toBe(2);
    expect(scene.link.earlier).toBe(first.link);
    first.voice.say('late', new Uint8Array(800));
    expect(scene.said()).toEqual([]);
    scene.link.voice.onOpen();
    expect(scene.said()).toEqual(['flush']);
    scene.link.voice.say('back', new Uint8Array(160));
    expect(scene.said()).toEqual(['speak back 20']);
    expect(scene.session.record).toMatchObject({ reconnects: 1, end: undefined });
    expect(scene.events).toEqual(['ready']);
  });

  it('says that there is a fault, and hangs up, when an agent stays away', async () => {
    const scene = new Scene({ isComforting: false });
    scene.link.voice.onOpen();
    scene.link.voice.say('hello', new Uint8Array(800));
    scene.said();
    for (const waitMs of [300, 600]) {
      scene.link.voice.onClose(new Error('reset'));
      scene.clock.advance(waitMs);
    }
    expect(scene.links.length).toBe(3);
    scene.link.voice.onClose(new Error('reset'));
    await settle();
    expect(scene.said()).toEqual(['speak ~words 100', 'mark ~words']);
    expect(scene.events).toEqual(['ready']);
    scene.reach('\0words');
    await settle();
    expect(scene.events).toEqual(['ready', 'hang up']);
    expect(scene.session.record).toMatchObject({ end: 'lost', cause: 'AGENT_FAILED' });
  });

  it('sends the caller on to somebody else, with words before, and with a farewell when that one is not there', async () => {
    const fallback = { words: async () => new Uint8Array(80), to: 'carol', lastWords: CALM.farewell };
    const scene = new Scene({ retry: { attempts: 0, waitMs: 1 }, fallback });
    scene.transferred = { isDone: false, code: 'TARGET_FAILED', text: 'nobody' };
    scene.link.voice.onClose(new Error('refused'));
    await settle();
    // It could not be had at all: the call is answered for the words.
    expect(scene.events).toEqual(['ready']);
    expect(scene.said()).toEqual(['speak ~words 10', 'mark ~words']);
    scene.reach('\0words');
    await settle();
    expect(scene.events).toEqual(['ready', 'transfer carol']);
    expect(scene.said()).toEqual(['speak ~words 100', 'mark ~words']);
    scene.reach('\0words');
    await settle();
    expect(scene.events.at(-1)).toBe('hang up');
  });

  it('leaves an agent that cannot be had to the route, after as many tries as there is patience for', () => {
    const scene = new Scene({ patienceMs: 500 });
    scene.link.voice.onClose(new Error('refused'));
    scene.clock.advance(300);
    scene.link.voice.onClose(new Error('refused'));
    expect(scene.events).toEqual(['failed 480']);
    expect(scene.links.length).toBe(2);
  });

  it('falls silent at once when the caller talks over the agent, and hears no more of that utterance', async () => {
    const scene = new Scene({ bargeIn: { isLocal: true, duckDb: 0, confirmMs: 200 } });
    scene.link.voice.onOpen();
    scene.link.voice.say('long', new Uint8Array(8000));
    scene.said();
    scene.heard = [{ utterance: 'long', receivedMs: 1000, playedMs: 420, flushedMs: 580, skippedMs: 0 }];
    scene.hear(SPEECH, 5);
    expect(scene.said()).toEqual(['flush']);
    await settle();
    expect(scene.link.told).toContain('interrupted 420');
    scene.link.voice.say('long', new Uint8Array(160));
    expect(scene.said()).toEqual([]);
    scene.link.voice.say('other', new Uint8Array(160));
    expect(scene.said()).toEqual(['speak other 20']);
    expect(scene.session.record.bargeIns).toBe(1);
  });

  it('ducks first, and lets a cough pass', async () => {
    const manners = { bargeIn: { isLocal: true, duckDb: 12, confirmMs: 200 } };
    const cough = new Scene(manners);
    cough.link.voice.onOpen();
    cough.hear(SPEECH, 4);
    cough.hear(QUIET, 20);
    expect(cough.said()).toEqual(['duck 12', 'duck 0']);
    const speech = new Scene(manners);
    speech.link.voice.onOpen();
    speech.hear(SPEECH, 20);
    expect(speech.said()).toEqual(['duck 12', 'flush', 'duck 0']);
  });

  it('measures a turn, and comforts who waits too long for an answer', () => {
    const scene = new Scene({ lateMs: 3000 });
    scene.link.voice.onOpen();
    scene.hear(SPEECH, 20);
    scene.hear(QUIET, 20);
    expect(scene.link.told).toEqual(['started', 'stopped']);
    scene.clock.advance(3000);
    expect(scene.said()).toEqual(['mark ~comfort']);
    scene.reach('\0comfort');
    expect(scene.said()[0]).toMatch(/^speak ~comfort/);
    scene.link.voice.say('answer', new Uint8Array(160));
    expect(scene.said()).toEqual(['flush', 'speak answer 20']);
    scene.clock.advance(40);
    scene.ear?.onPlayout({ kind: 'started', utterance: 'answer' });
    expect(scene.turns).toHaveLength(1);
    expect(scene.turns[0]?.playoutMs).toBe(40);
    expect(scene.turns[0]?.agentMs).toBe(3420);
  });

  it('keeps account after the end, of what the port tells last', () => {
    const scene = new Scene();
    scene.link.voice.onOpen();
    scene.link.voice.say('bye', new Uint8Array(1600));
    scene.ear?.onPlayout({ kind: 'started', utterance: 'bye' });
    scene.session.end();
    scene.ear?.onPlayout({
      kind: 'over',
      utterance: 'bye',
      receivedMs: 200,
      playedMs: 60,
      flushedMs: 140,
      skippedMs: 0,
    });
    expect(scene.session.record).toMatchObject({ playedMs: 60, flushedMs: 140, end: 'call-over' });
    expect(scene.utterances).toHaveLength(1);
    expect(scene.link.told).toEqual(['close']);
  });
});
