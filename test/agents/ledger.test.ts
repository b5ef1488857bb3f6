import { describe, expect, it } from 'vitest';
import { HeardLedger } from '../../src/agents/heard-ledger.ts';
import { TurnClock } from '../../src/agents/turn-clock.ts';
import { PlayoutQueue } from '../../src/audio/index.ts';
import { seededRandom } from '../support/seeded-random.ts';

function queueWith(ledger: HeardLedger): PlayoutQueue {
  return new PlayoutQueue(
    {
      bytesPerMs: 8,
      frameMs: 20,
      silence: 0xff,
      prebufferMs: 40,
      maxMs: 60_000,
      fadeOut: () => {},
      isQuiet: () => true,
    },
    (notice) => void ledger.take(notice, 1000),
  );
}

describe('HeardLedger', () => {
  it('has for each utterance what came, what was heard, what was thrown away, and its marks', () => {
    const ledger = new HeardLedger();
    const queue = queueWith(ledger);
    queue.push(new Uint8Array(800), 'one', 0);
    queue.mark('half');
    queue.push(new Uint8Array(1600), 'two', 0);
    queue.mark('end');
    const frame = new Uint8Array(160);
    for (let i = 1; i <= 10; i++) queue.take(frame, i * 20);
    queue.flush();
    expect(ledger.utterances).toEqual([
      {
        utterance: 'one',
        startedAt: 1000,
        receivedMs: 100,
        playedMs: 100,
        flushedMs: 0,
        marks: [{ name: 'half', isCleared: false }],
      },
      {
        utterance: 'two',
        startedAt: 1000,
        receivedMs: 200,
        playedMs: 110,
        flushedMs: 90,
        marks: [{ name: 'end', isCleared: true }],
      },
    ]);
    expect(ledger.sums).toEqual({ utteranceCount: 2, receivedMs: 300, playedMs: 210, flushedMs: 90 });
  });

  it('adds up whatever is said and cut off: nothing is counted twice, nothing is lost', () => {
    const random = seededRandom(3);
    const ledger = new HeardLedger();
    const queue = queueWith(ledger);
    const frame = new Uint8Array(160);
    let received = 0;
    for (let i = 0; i < 5000; i++) {
      const dice = random.uint32() % 20;
      if (dice < 3) {
        const bytes = (1 + (random.uint32() % 400)) * 8;
        received += bytes / 8;
        queue.push(new Uint8Array(bytes), `u${Math.floor(i / 50)}`, i * 20);
      }
      if (dice === 19) queue.flush();
      queue.take(frame, i * 20);
    }
    queue.flush();
    const { receivedMs, playedMs, flushedMs } = ledger.sums;
    expect(receivedMs).toBe(received);
    expect(playedMs + flushedMs).toBe(received);
    expect(ledger.utterances.length).toBe(100);
  });
});

describe('TurnClock', () => {
  it('measures from the end of speech over the first byte to the first packet', () => {
    const clock = new TurnClock();
    clock.callerSpeaks();
    clock.callerSpoke(1000);
    clock.agentSpeaks(1600, 600);
    clock.agentSpeaks(1700, 700);
    expect(clock.heard(1650, 51_650)).toEqual({ stoppedAt: 51_000, agentMs: 600, playoutMs: 50 });
    expect(clock.heard(1700, 51_700)).toBeUndefined();
  });

  it('takes an answer for one that comes before we are sure that the caller has finished', () => {
    const clock = new TurnClock();
    clock.callerSpeaks();
    clock.agentSpeaks(1300, 300);
    expect(clock.heard(1340, 1340)).toEqual({ stoppedAt: 1000, agentMs: 300, playoutMs: 40 });
  });

  it('counts no turn where the agent talks over the caller, or without a question', () => {
    const clock = new TurnClock();
    clock.agentSpeaks(100, 0);
    expect(clock.heard(140, 140)).toBeUndefined();
    clock.callerSpeaks();
    clock.agentSpeaks(300, 20);
    expect(clock.heard(340, 340)).toBeUndefined();
  });
});
