import { describe, expect, it } from 'vitest';
import { callRecordOf } from '../../src/calls/index.ts';
import type { LegId } from '../../src/kernel/index.ts';
import { Driven, words } from './fixtures.ts';

const A = 'a' as LegId;
const B = 'b' as LegId;

describe('a call', () => {
  it('rings every branch at once, the first answer wins, the others are cancelled with a Reason', () => {
    const driven = new Driven();
    expect(words(driven.route('b', 'c', 'd'))).toEqual(['open-port a', 'set-timer', 'ring b', 'ring c', 'ring d']);
    expect(words(driven.ring('c'))).toEqual(['progress 180']);
    expect(words(driven.ring('b'))).toEqual([]);
    const outputs = driven.answer('b');
    expect(words(outputs)).toEqual([
      'clear-timer',
      'answer-caller b',
      'cancel c',
      'close-port c',
      'cancel d',
      'close-port d',
    ]);
    expect(outputs.find((output) => output.kind === 'cancel')).toMatchObject({
      reason: 'SIP;cause=200;text="Call completed elsewhere"',
    });
    expect(words(driven.feed({ kind: 'caller-answered', codec: 'PCMU' }))).toEqual([]);
    expect(driven.call.state).toMatchObject({ kind: 'talking', winner: 'b', codec: 'PCMU' });
  });

  it.each([
    [A, ['clear-timer', 'hang-up b', 'close-port b', 'close-port a', 'ended hangup-caller']],
    [B, ['clear-timer', 'hang-up a', 'close-port b', 'close-port a', 'ended hangup-callee']],
  ])('a BYE from %s ends the other side', (who, expected) => {
    const driven = new Driven();
    driven.route('b');
    driven.talk('b');
    expect(words(driven.feed({ kind: 'hangup', legId: who }))).toEqual(expected);
    expect(driven.feed({ kind: 'hangup', legId: who === A ? B : A })).toEqual([]);
  });

  it('the caller gives up: branches are cancelled with its Reason and the engine has answered the INVITE', () => {
    const driven = new Driven();
    driven.route('b', 'c');
    driven.ring('b');
    const outputs = driven.feed({ kind: 'caller-cancelled', reason: 'SIP;cause=600;text="Busy Everywhere"' });
    expect(words(outputs)).toEqual([
      'clear-timer',
      'cancel b',
      'close-port b',
      'cancel c',
      'close-port c',
      'close-port a',
      'ended cancelled',
    ]);
    expect(outputs).toContainEqual({ kind: 'cancel', legId: 'b', reason: 'SIP;cause=600;text="Busy Everywhere"' });
  });

  it('a 200 that crosses the CANCEL is hung up once, even after the end', () => {
    const driven = new Driven();
    driven.route('b');
    driven.feed({ kind: 'caller-cancelled', reason: undefined });
    expect(words(driven.answer('b'))).toEqual(['hang-up b']);
    expect(driven.answer('b')).toEqual([]);
  });

  it('the caller is gone while the callee answers: the callee is hung up', () => {
    const driven = new Driven();
    driven.route('b');
    driven.answer('b');
    const outputs = driven.feed({ kind: 'caller-cancelled', reason: undefined });
    expect(words(outputs)).toEqual(['clear-timer', 'hang-up b', 'close-port b', 'close-port a', 'ended cancelled']);
  });

  it('nobody answers in time', () => {
    const driven = new Driven();
    driven.route('b');
    driven.ring('b');
    expect(words(driven.feed({ kind: 'no-answer' }))).toEqual([
      'cancel b',
      'close-port b',
      'clear-timer',
      'refuse-caller 480',
      'close-port a',
      'ended no-answer',
    ]);
  });

  it.each([
    [[486, 480], 486, 'busy'],
    [[408, 486], 486, 'busy'],
    [[480, 408], 480, 'unavailable'],
    [[404], 404, 'not-found'],
    [[408], 408, 'no-answer'],
    [[487], 487, 'cancelled'],
    [[500, 486], 486, 'busy'],
    [[503], 500, 'error'],
    [[302], 480, 'unavailable'],
    [[401], 403, 'forbidden'],
    [[488, 404], 488, 'not-acceptable'],
    [[503, 480], 480, 'unavailable'],
    [[499, 408], 499, 'error'],
  ])('branches failing with %j give the caller %i', (statuses, status, reason) => {
    const driven = new Driven();
    const names = statuses.map((_, index) => `b${index}`);
    driven.route(...names);
    statuses.forEach((failed, index) => driven.fail(names[index] ?? '', failed));
    expect(words(driven.outputs)).toContain(`refuse-caller ${status}`);
    expect(driven.call.state).toMatchObject({ kind: 'ended', sipStatus: status, reason });
  });

  it('603 speaks for the person: the other phones stop ringing at once', () => {
    const driven = new Driven();
    driven.route('b', 'c');
    expect(words(driven.fail('b', 603))).toEqual([
      'close-port b',
      'cancel c',
      'close-port c',
      'clear-timer',
      'refuse-caller 603',
      'close-port a',
      'ended declined',
    ]);
  });

  it('a busy phone does not stop the others', () => {
    const driven = new Driven();
    driven.route('b', 'c');
    expect(words(driven.fail('b', 486))).toEqual(['close-port b']);
    expect(words(driven.answer('c'))).toEqual(['clear-timer', 'answer-caller c']);
  });

  it('early media is told after ringing, and a 180 without SDP after it', () => {
    const one = new Driven();
    one.route('b');
    expect(words(one.ring('b', 183))).toEqual(['progress 183']);
    expect(words(one.ring('b', 183, true))).toEqual(['progress 183 early b']);
    expect(words(one.ring('b', 180))).toEqual(['progress 180']);
    expect(words(one.ring('b', 180))).toEqual([]);
    expect(words(one.ring('b', 180, true))).toEqual(['progress 180 early b']);
  });

  it('of several branches the first with early media is heard, until it fails', () => {
    const two = new Driven();
    two.route('b', 'c');
    expect(words(two.ring('c', 183, true))).toEqual(['progress 183 early c']);
    expect(words(two.ring('b', 183, true))).toEqual([]);
    expect(words(two.ring('b', 180, true))).toEqual(['progress 180']);
    two.fail('c', 480);
    expect(words(two.ring('b', 183, true))).toEqual(['progress 183 early b']);
  });

  it('181 and 182 of the only target are passed on, 199 never', () => {
    const one = new Driven();
    one.route('b');
    expect(words(one.ring('b', 180))).toEqual(['progress 180']);
    expect(words(one.ring('b', 181))).toEqual(['progress 181']);
    expect(words(one.ring('b', 182))).toEqual(['progress 182']);
    expect(words(one.ring('b', 199))).toEqual([]);
    const two = new Driven();
    two.route('b', 'c');
    expect(words(two.ring('b', 181))).toEqual(['progress 183']);
    expect(words(two.ring('c', 199))).toEqual([]);
  });

  it('the Reason of the branch whose status the caller gets goes with it, and says so when the status is another', () => {
    const driven = new Driven();
    driven.route('b', 'c');
    driven.feed({ kind: 'branch-failed', legId: B, sipStatus: 486, reason: 'Q.850;cause=17' });
    const outputs = driven.feed({
      kind: 'branch-failed',
      legId: 'c' as LegId,
      sipStatus: 480,
      reason: 'Q.850;cause=20',
    });
    expect(outputs).toContainEqual({ kind: 'refuse-caller', sipStatus: 486, reason: 'Q.850;cause=17' });
    const { legs, q850 } = callRecordOf(driven.call);
    expect([q850, ...legs.map((each) => each.q850)]).toEqual([17, 17, 17, 20]);
    const mapped = new Driven();
    mapped.route('b');
    expect(mapped.feed({ kind: 'branch-failed', legId: B, sipStatus: 503, reason: 'Q.850;cause=34' })).toContainEqual({
      kind: 'refuse-caller',
      sipStatus: 500,
      reason: 'Q.850;cause=34, SIP;cause=503',
    });
  });

  it('a hang-up passes its Reason on; a peer that fell silent ends the call as a timeout', () => {
    const driven = new Driven();
    driven.route('b');
    driven.talk('b');
    const reason = 'Q.850;cause=31';
    expect(driven.feed({ kind: 'hangup', legId: B, reason })).toContainEqual({
      kind: 'hang-up',
      legId: A,
      sipStatus: 480,
      reason,
    });
    expect(callRecordOf(driven.call)).toMatchObject({ endReason: 'hangup-callee', q850: 31 });
    const lost = new Driven();
    lost.route('b');
    lost.talk('b');
    lost.feed({ kind: 'hangup', legId: A, isLost: true });
    expect(callRecordOf(lost.call)).toMatchObject({ endReason: 'timeout', q850: 16 });
  });

  it('a refusal before routing opens nothing', () => {
    const driven = new Driven();
    expect(words(driven.feed({ kind: 'refused', sipStatus: 488 }))).toEqual([
      'clear-timer',
      'refuse-caller 488',
      'ended not-acceptable',
    ]);
  });

  it('bypassed media opens and closes no port', () => {
    const driven = new Driven();
    driven.feed({ kind: 'routed', route: 'out', media: 'bypass', stages: [], fallbacks: [] });
    driven.feed({ kind: 'hangup', legId: A });
    expect(words(driven.outputs).filter((word) => word.includes('port'))).toEqual([]);
  });

  it('a BYE in the early dialog still answers the INVITE', () => {
    const driven = new Driven();
    driven.route('b');
    expect(words(driven.feed({ kind: 'hangup', legId: A }))).toContain('refuse-caller 487');
  });

  it('lost media ends both sides', () => {
    const driven = new Driven();
    driven.route('b');
    driven.talk('b');
    expect(words(driven.feed({ kind: 'media-failed', legId: B }))).toEqual([
      'clear-timer',
      'hang-up a',
      'hang-up b',
      'close-port b',
      'close-port a',
      'ended media-failed',
    ]);
  });

  it('a party that has been silent for too long since the answer is dead: both sides are told why', () => {
    const driven = new Driven();
    driven.route('b');
    const timeout = { kind: 'media-timeout', legId: B, silentMs: 15, wasHeard: true } as const;
    expect(driven.feed(timeout)).toEqual([]);
    driven.talk('b');
    // Some of that time it did not have to send.
    expect(driven.feed(timeout)).toEqual([]);
    const outputs = driven.feed(timeout);
    expect(words(outputs)).toEqual([
      'clear-timer',
      'hang-up a',
      'hang-up b',
      'close-port b',
      'close-port a',
      'ended media-timeout',
    ]);
    for (const output of outputs)
      if (output.kind === 'hang-up') expect(output.reason).toBe('Q.850;cause=102;text="Media timeout"');
    expect(driven.call.state).toMatchObject({ kind: 'ended', q850: 102 });
  });

  it('a party that has never been heard is told of once, and its call goes on', () => {
    const driven = new Driven();
    driven.route('b');
    driven.talk('b');
    const missing = { kind: 'media-timeout', legId: A, silentMs: 10, wasHeard: false } as const;
    const event = { kind: 'media-missing', callId: driven.call.callId, legId: A };
    expect(driven.feed(missing)).toEqual([{ kind: 'event', event }]);
    expect(driven.feed(missing)).toEqual([]);
    expect(driven.call.state.kind).toBe('talking');
  });

  it('a branch that loses its media while ringing fails alone', () => {
    const driven = new Driven();
    driven.route('b', 'c');
    expect(words(driven.feed({ kind: 'media-failed', legId: B }))).toEqual(['cancel b', 'close-port b']);
    expect(words(driven.answer('b'))).toEqual(['hang-up b']);
  });

  it('a shutdown hangs up politely', () => {
    const driven = new Driven();
    driven.route('b');
    driven.talk('b');
    expect(words(driven.feed({ kind: 'shutdown' }))).toContain('ended gateway-shutdown');
  });

  it('its record tells who, when, how long and why', () => {
    const driven = new Driven();
    driven.route('b', 'c');
    driven.feed({ kind: 'branch-invited', legId: B, sipCallId: 'sip-x', server: 'udp:192.0.2.7:5060' });
    driven.feed({ kind: 'branch-invited', legId: B, sipCallId: 'sip-b', server: 'udp:192.0.2.8:5060' });
    driven.ring('b');
    driven.talk('b');
    driven.feed({ kind: 'hangup', legId: B });
    expect(callRecordOf(driven.call)).toEqual({
      callId: 'call-1',
      from: 'sip:a@example.net',
      to: 'sip:b@example.net',
      trunk: undefined,
      tenant: 'default',
      user: undefined,
      source: 'udp:192.0.2.1:5060',
      route: 'users',
      startedAt: 1_000,
      ringingAt: 1_040,
      answeredAt: 1_060,
      answeredBy: 'b',
      endedAt: 1_070,
      endReason: 'hangup-callee',
      sipStatus: undefined,
      q850: 16,
      legs: [
        {
          legId: 'a',
          kind: 'sip',
          direction: 'inbound',
          stage: undefined,
          party: 'sip:a@example.net',
          trunk: undefined,
          sipCallId: 'sip-1',
          tries: [],
          ringingAt: 1_040,
          answeredAt: 1_060,
          endedAt: 1_070,
          sipStatus: 200,
          q850: undefined,
          codec: 'PCMU',
          media: undefined,
        },
        {
          legId: 'b',
          kind: 'sip',
          direction: 'outbound',
          stage: 0,
          party: 'sip:b@example.net',
          trunk: undefined,
          sipCallId: 'sip-b',
          tries: [
            { at: 1_020, sipCallId: 'sip-x', server: 'udp:192.0.2.7:5060' },
            { at: 1_030, sipCallId: 'sip-b', server: 'udp:192.0.2.8:5060' },
          ],
          ringingAt: 1_040,
          answeredAt: 1_050,
          endedAt: 1_070,
          sipStatus: 200,
          q850: undefined,
          codec: 'PCMU',
          media: undefined,
        },
        {
          legId: 'c',
          kind: 'sip',
          direction: 'outbound',
          stage: 0,
          party: 'sip:c@example.net',
          trunk: undefined,
          sipCallId: undefined,
          tries: [],
          ringingAt: undefined,
          answeredAt: undefined,
          endedAt: 1_050,
          sipStatus: 487,
          q850: undefined,
          codec: undefined,
          media: undefined,
        },
      ],
    });
  });
});
