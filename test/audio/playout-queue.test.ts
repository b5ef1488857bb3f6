import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PlayoutEvent, PlayoutQueue } from '../../src/audio/index.ts';

const SILENCE = 0xff;

function queueOf(options: { prebufferMs?: number; maxMs?: number } = {}) {
  const events: PlayoutEvent[] = [];
  const queue = new PlayoutQueue(
    {
      bytesPerMs: 8,
      frameMs: 20,
      silence: SILENCE,
      prebufferMs: options.prebufferMs ?? 40,
      maxMs: options.maxMs ?? 600_000,
      fadeOut: (frame) => frame.fill(SILENCE, frame.length / 2),
      isQuiet: (audio) => audio.every((byte) => byte === SILENCE),
    },
    (event) => events.push(event),
  );
  let nowMs = 0;
  const tick = (): Uint8Array | undefined => {
    nowMs += 20;
    const frame = new Uint8Array(160);
    return queue.take(frame, nowMs) ? frame : undefined;
  };
  const say = (ms: number, utterance = 'a', value = 1): number =>
    queue.push(new Uint8Array(ms * 8).fill(value), utterance, nowMs);
  return { queue, events, tick, say, wait: (ms: number) => (nowMs += ms) };
}

describe('PlayoutQueue', () => {
  it('gathers the prebuffer, then plays frame by frame whatever the chunks were', () => {
    const { tick, say, events } = queueOf();
    say(15);
    expect(tick()).toBeUndefined();
    say(30);
    const frames = [tick(), tick(), tick(), tick()];
    expect(frames.map((frame) => frame?.filter((byte) => byte === 1).length)).toEqual([160, 160, 40, undefined]);
    say(40, 'b');
    expect([tick(), tick()].map((frame) => frame?.[0])).toEqual([1, 1]);
    expect(events).toEqual([
      { kind: 'started', utterance: 'a' },
      { kind: 'over', utterance: 'a', receivedMs: 45, playedMs: 45, flushedMs: 0, skippedMs: 0 },
      { kind: 'started', utterance: 'b' },
    ]);
  });

  it('plays what is shorter than the prebuffer when that time is over', () => {
    const { tick, say } = queueOf();
    say(10);
    expect([tick(), tick()].map((frame) => frame?.[0])).toEqual([undefined, 1]);
  });

  it('bridges a short pause at once and gathers again after a long one', () => {
    const { tick, say, wait } = queueOf();
    say(40);
    tick();
    tick();
    expect(tick()).toBeUndefined();
    say(20);
    expect(tick()?.[0]).toBe(1);
    wait(100);
    say(20);
    expect(tick()).toBeUndefined();
    expect(tick()?.[0]).toBe(1);
  });

  it('tells a mark when all before it has been played, and at once when nothing waits', () => {
    const { queue, tick, say, events } = queueOf();
    queue.mark('first');
    say(40);
    queue.mark('second');
    say(20, 'b');
    queue.mark('third');
    const names = (): string[] => events.flatMap((event) => (event.kind === 'mark' ? [event.name] : []));
    expect(names()).toEqual(['first']);
    tick();
    tick();
    expect(names()).toEqual(['first']);
    tick();
    expect(names()).toEqual(['first', 'second', 'third']);
  });

  it('is silent one frame after a flush, fades, clears the marks and knows what was heard', () => {
    const { queue, tick, say, events } = queueOf();
    say(500);
    queue.mark('end');
    tick();
    tick();
    const heard = queue.flush();
    expect(heard).toEqual([{ utterance: 'a', receivedMs: 500, playedMs: 50, flushedMs: 450, skippedMs: 0 }]);
    expect(events).toContainEqual({ kind: 'mark', name: 'end', isCleared: true });
    const fade = tick();
    expect([fade?.[0], fade?.at(-1)]).toEqual([1, SILENCE]);
    expect(tick()).toBeUndefined();
  });

  it('counts an utterance on through a pause of its supply', () => {
    const { queue, tick, say, wait } = queueOf();
    say(40);
    for (let i = 0; i < 4; i++) tick();
    wait(500);
    say(100);
    for (let i = 0; i < 3; i++) tick();
    const [heard] = queue.flush();
    expect(heard).toMatchObject({ receivedMs: 140, playedMs: 110, flushedMs: 30 });
  });

  it('a flush before the first frame leaves nothing to hear', () => {
    const { queue, tick, say } = queueOf();
    say(500);
    expect(queue.flush()).toEqual([{ utterance: 'a', receivedMs: 500, playedMs: 0, flushedMs: 500, skippedMs: 0 }]);
    expect(tick()).toBeUndefined();
  });

  it('takes no more than its bound, and says how much it dropped', () => {
    const { say, queue } = queueOf({ maxMs: 100 });
    expect(say(80)).toBe(0);
    expect(say(80)).toBe(60);
    expect(queue.depthMs).toBe(100);
  });

  it('loses and invents nothing: played and flushed add up to received, and the bytes keep their order', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('say' as const), ms: fc.integer({ min: 1, max: 90 }) }),
      fc.record({ kind: fc.constant('tick' as const), ms: fc.integer({ min: 1, max: 8 }) }),
      fc.record({ kind: fc.constant('flush' as const), ms: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { queue, tick, say, events } = queueOf();
        let [said, flushed] = [0, 0];
        for (const { kind, ms } of steps) {
          if (kind === 'say') {
            say(ms, `u${said % 7}`, 1);
            said += ms;
          } else if (kind === 'flush') flushed += queue.flush().reduce((sum, each) => sum + each.flushedMs, 0);
          else for (let i = 0; i < ms; i++) tick();
        }
        for (let i = 0; i < 400 && queue.depthMs > 0; i++) tick();
        flushed += queue.flush().reduce((sum, each) => sum + each.flushedMs, 0);
        const over = events.flatMap((event) => (event.kind === 'over' ? [event] : []));
        const total = (key: 'receivedMs' | 'playedMs' | 'flushedMs'): number =>
          over.reduce((sum, event) => sum + event[key], 0);
        expect(total('receivedMs')).toBeCloseTo(said, 6);
        expect(total('playedMs') + total('flushedMs')).toBeCloseTo(said, 6);
        expect(total('flushedMs')).toBeCloseTo(flushed, 6);
      }),
    );
  });
});
