/** A speaker in real time who has fallen behind catches up in its pauses; nobody else loses anything. */
import { describe, expect, it } from 'vitest';
import { PlayoutQueue } from '../../src/audio/index.ts';

const SILENCE = 0xff;
const PREBUFFER_MS = 40;
const LOUD = 1;

/** A queue that is given and gives 20 ms in each step, unless it is told otherwise. */
function rig() {
  const marks: string[] = [];
  const queue = new PlayoutQueue(
    {
      bytesPerMs: 8,
      frameMs: 20,
      silence: SILENCE,
      prebufferMs: PREBUFFER_MS,
      maxMs: 600_000,
      fadeOut: () => {},
      isQuiet: (audio) => audio.every((byte) => byte === SILENCE),
    },
    (event) => {
      if (event.kind === 'mark') marks.push(event.name);
    },
  );
  let nowMs = 0;
  const played: number[] = [];
  const say = (ms: number, value = LOUD): void => void queue.push(new Uint8Array(ms * 8).fill(value), 'a', nowMs);
  const tick = (): void => {
    nowMs += 20;
    const frame = new Uint8Array(160);
    if (queue.take(frame, nowMs)) played.push(frame[0] ?? 0);
  };
  const speak = (ms: number, value = LOUD, chunkMs = 20): void => {
    for (let at = 0; at < ms; at += 20) {
      if (at % chunkMs === 0) say(chunkMs, value);
      tick();
    }
  };
  /** The clock does not tick while the speaker goes on. */
  const stall = (ms: number): void => {
    for (let at = 0; at < ms; at += 20) say(20);
  };
  const skippedMs = (): number => queue.heard('a')?.skippedMs ?? 0;
  return { queue, marks, played, say, tick, speak, stall, skippedMs };
}

describe('a lag behind a speaker in real time', () => {
  it('goes in the pauses of the speech, a frame for each that is played, until the prebuffer is left', () => {
    const { queue, played, speak, stall, skippedMs } = rig();
    stall(40);
    speak(1000);
    stall(300);
    // 340 ms wait after each frame, 360 ms before it.
    speak(2000);
    expect([queue.depthMs, skippedMs()]).toEqual([340, 0]);
    // What waits is speech; the pause comes to the front when that has been played.
    speak(340, SILENCE);
    expect([queue.depthMs, skippedMs()]).toEqual([340, 0]);
    speak(100, SILENCE);
    expect([queue.depthMs, skippedMs()]).toEqual([240, 100]);
    speak(1000, SILENCE);
    expect([queue.depthMs, skippedMs()]).toEqual([20, 320]);
    const heard = queue.heard('a');
    expect(heard).toEqual({ utterance: 'a', receivedMs: 4780, playedMs: 4440, flushedMs: 320, skippedMs: 320 });
    expect(played.filter((value) => value === LOUD).length * 20).toBe(3340);
  });

  it('is left as it is while there is no pause', () => {
    const { queue, speak, stall, skippedMs } = rig();
    stall(300);
    speak(20_000);
    expect([queue.depthMs, skippedMs()]).toEqual([300, 0]);
  });

  it('is looked for two seconds long, with no moment in them when there was none', () => {
    const { speak, stall, skippedMs, tick, say } = rig();
    stall(300);
    speak(1600, SILENCE);
    for (let i = 0; i < 15; i++) tick();
    say(300, SILENCE);
    speak(1960, SILENCE);
    expect(skippedMs()).toBe(0);
    speak(100, SILENCE);
    expect(skippedMs()).toBeGreaterThan(0);
  });

  it('of no more than 60 ms above the prebuffer is none', () => {
    const { queue, speak, stall, skippedMs } = rig();
    stall(60);
    speak(10_000, SILENCE);
    expect([queue.depthMs, skippedMs()]).toEqual([60, 0]);
    stall(20);
    speak(10_000, SILENCE);
    expect(skippedMs()).toBeGreaterThan(0);
  });

  it('goes whatever the size of the chunks, and with a mark after each', () => {
    const { queue, marks, speak, stall, say, tick, skippedMs } = rig();
    stall(400);
    speak(4000, SILENCE, 100);
    expect(skippedMs()).toBeGreaterThan(200);
    expect(queue.depthMs).toBeLessThan(PREBUFFER_MS + 60 + 100);
    const before = skippedMs();
    for (let i = 0; i < 15; i++) say(20, SILENCE);
    for (let i = 0; i < 300; i++) {
      say(20, SILENCE);
      queue.mark(`${i}`);
      tick();
    }
    expect(skippedMs()).toBeGreaterThan(before + 200);
    const told = marks.length;
    expect(marks).toEqual(Array.from({ length: told }, (_, i) => `${i}`));
    expect(told).toBeGreaterThan(290);
  });

  it('that a flush ends is forgotten', () => {
    const { queue, speak, stall, skippedMs } = rig();
    stall(300);
    speak(2100, SILENCE);
    queue.flush();
    stall(100);
    speak(1900, SILENCE);
    expect(skippedMs()).toBe(0);
  });
});

const times = (count: number, act: (at: number) => void): void => {
  for (let at = 0; at < count; at++) act(at);
};

describe('who speaks ahead of time', () => {
  it.each<[string, (speaker: ReturnType<typeof rig>) => void]>([
    ['a minute at once', ({ say, tick }) => (say(60_000, SILENCE), times(3001, tick))],
    ['a second each second', ({ speak, say }) => (say(1000, SILENCE), speak(20_000, SILENCE, 1000))],
    ['half a second each half a second', ({ speak, say }) => (say(500, SILENCE), speak(20_000, SILENCE, 500))],
    ['a minute, and then in real time', ({ speak, say }) => (say(60_000, SILENCE), speak(20_000, SILENCE))],
    [
      'a third faster than it is heard',
      ({ say, tick }) => times(500, (i) => (say(i % 3 === 0 ? 40 : 20, SILENCE), tick())),
    ],
  ])('is heard whole: %s', (_how, speakAhead) => {
    const { queue, ...rest } = rig();
    speakAhead({ queue, ...rest });
    expect(rest.skippedMs()).toBe(0);
    expect(queue.heard('a')?.flushedMs).toBe(0);
  });
});
