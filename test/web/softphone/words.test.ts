import { describe, expect, test } from 'vitest';
import { backoffMs } from '../../../src/web/softphone/backoff.ts';
import type { CallQuality } from '../../../src/web/softphone/hook.ts';
import { sentence, troubleOfMicrophone, troubleOfStatus } from '../../../src/web/softphone/trouble.ts';
import { callWords, durationWords, lineWords, qualityLevel, qualityWords } from '../../../src/web/softphone/words.ts';

describe('plain words', () => {
  test.each([
    [486, 'Busy. Try again later.'],
    [600, 'Busy. Try again later.'],
    [404, 'Nobody has this number or name.'],
    [408, 'No answer.'],
    [603, 'The call was declined.'],
    [480, 'Not available right now.'],
    [488, 'The other side has no audio format in common with this browser.'],
    [500, 'The call did not work. Try again.'],
  ])('a final %i is told as "%s"', (status, words) => {
    expect(sentence(troubleOfStatus(status))).toBe(words);
  });

  test('the microphone: refused, missing, taken', () => {
    expect(troubleOfMicrophone('NotAllowedError')).toBe('microphone-refused');
    expect(troubleOfMicrophone('NotFoundError')).toBe('microphone-missing');
    expect(troubleOfMicrophone('NotReadableError')).toBe('microphone-busy');
  });

  test.each([
    [0, '0:00'],
    [65_900, '1:05'],
    [3_723_000, '1:02:03'],
  ])('%i ms are %s', (ms, words) => {
    expect(durationWords(ms)).toBe(words);
  });

  test('the end of a call tells its trouble, else its length', () => {
    expect(
      callWords({ kind: 'ended', remote: 'bob', durationMs: undefined, trouble: 'busy', transferredTo: undefined }),
    ).toBe('Busy. Try again later.');
    expect(
      callWords({ kind: 'ended', remote: 'bob', durationMs: 61_000, trouble: undefined, transferredTo: undefined }),
    ).toBe('Call ended after 1:01');
  });

  test('who has lost the connection is told that, whatever else there is to say of the call', () => {
    const held = {
      kind: 'active',
      remote: 'bob',
      since: 0,
      isMuted: true,
      isHeld: true,
      isHeldByOther: false,
    } as const;
    expect(callWords({ ...held, isReconnecting: true, transfer: undefined, video: undefined })).toBe(
      'Connection lost, reconnecting…',
    );
    expect(callWords({ ...held, isReconnecting: false, transfer: undefined, video: undefined })).toBe('On hold');
    expect(sentence('connection-lost')).toBe('The connection was lost and did not come back. Call again.');
  });

  test('the line shows who is signed in', () => {
    expect(lineWords({ kind: 'online' }, 'alice')).toBe('alice');
    expect(lineWords({ kind: 'reconnecting', attempt: 3 }, 'alice')).toBe('Reconnecting…');
  });
});

describe('quality', () => {
  const good: CallQuality = {
    codec: 'opus',
    packetsReceived: 100,
    packetsSent: 100,
    lossShare: 0.002,
    jitterMs: 4.4,
    roundTripMs: 31.7,
  };

  test('is one line', () => {
    expect(qualityWords(good)).toBe('opus · 0.2 % lost · jitter 4 ms · round trip 32 ms');
    expect(qualityWords({ ...good, roundTripMs: undefined })).toBe('opus · 0.2 % lost · jitter 4 ms');
    expect(qualityWords({ ...good, codec: undefined })).toBe('No sound yet');
  });

  test('has three levels, and none before sound', () => {
    expect(qualityLevel(good)).toBe(3);
    expect(qualityLevel({ ...good, lossShare: 0.02 })).toBe(2);
    expect(qualityLevel({ ...good, jitterMs: 70 })).toBe(1);
    expect(qualityLevel({ ...good, codec: undefined })).toBe(0);
  });
});

describe('coming back after a lost connection', () => {
  test('never waits longer than 1.25 s in the first half minute, so that a restarted gateway has us back within 2 s', () => {
    let waited = 0;
    for (let attempt = 0; waited < 20_000; attempt++) {
      expect(backoffMs(attempt, 1)).toBeLessThanOrEqual(1_250);
      waited += backoffMs(attempt, 0);
    }
  });

  test('grows to ten seconds, and spreads those who come back', () => {
    expect(backoffMs(1_000, 0.5)).toBe(10_000);
    expect(backoffMs(0, 0)).toBe(225);
    expect(backoffMs(0, 1)).toBe(375);
  });
});
