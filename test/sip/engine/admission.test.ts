/** Overload: who is let in, who is not, and how it ends. */
import { describe, expect, it } from 'vitest';
import { Admission } from '../../../src/sip/engine/admission.ts';
import { DEFAULT_OPTIONS } from '../../../src/sip/engine/options.ts';
import { header } from '../../../src/sip/message/index.ts';
import type { AppDouble, Told } from '../../support/sip-app-double.ts';
import { Bench, incomingCall, SDP } from './engine-rig.ts';

const LATE = { lagMs: 1500, sinceMs: 20, isMemoryShort: false };
const EASY = { ...LATE, lagMs: 0 };

const drain = (app: AppDouble): Told[] => Array.from({ length: app.waiting }, () => app.next());

/** An engine so late that nearly nobody is let in, with a call that came in before. */
function overloaded() {
  const bench = new Bench({ emergencyNumbers: ['112'] });
  const app = bench.app('invite', 'register', 'options');
  const peer = bench.net.peer('udp', 6000);
  const call = incomingCall(peer, app);
  const crowd = bench.net.peer('udp', 6001);
  for (let n = 0; n < 25; n++) crowd.request('INVITE', { callId: `crowd-${n}`, body: SDP });
  crowd.drain();
  for (let n = 0; n < 200; n++) bench.engine.loadSampled(LATE);
  // The few that come in whatever the load.
  for (let n = 0; n < 5; n++) crowd.request('INVITE', { callId: `few-${n}`, body: SDP });
  drain(app);
  return { bench, app, peer, call };
}

describe('overload', () => {
  it('lets calls to other numbers in from the moment they are emergency numbers', () => {
    const { bench, peer } = overloaded();
    const isLetIn = (user: string): boolean => {
      const before = bench.engine.pressure.turnedAway;
      for (let n = 0; n < 20; n++) peer.request('INVITE', { callId: `${user}-${n}`, uri: `sip:${user}@gw`, body: SDP });
      return bench.engine.pressure.turnedAway === before;
    };
    expect([isLetIn('112'), isLetIn('999')]).toEqual([true, false]);
    bench.engine.replaceEmergencyNumbers(['999']);
    expect([isLetIn('999'), isLetIn('112')]).toEqual([true, false]);
  });

  it('turns new calls away with 503 and Retry-After, and keeps nothing of them', () => {
    const { bench, app, peer } = overloaded();
    const before = { ...bench.engine.load, ...bench.engine.pressure };
    let refused = 0;
    for (let n = 0; n < 200; n++) {
      peer.request('INVITE', { callId: `new-${n}`, body: SDP });
      const { message } = peer.next();
      if (message.kind !== 'response' || message.status !== 503) continue;
      refused++;
      expect(header(message, 'Retry-After')).toBe('5');
    }
    expect(refused).toBeGreaterThanOrEqual(190);
    expect(bench.engine.load.serverTransactions - before.serverTransactions).toBe(200 - refused);
    expect(bench.engine.pressure.turnedAway - before.turnedAway).toBe(refused);
    expect(drain(app)).toHaveLength(200 - refused);
  });

  it('answers each copy of a request with the same tag', () => {
    const { peer } = overloaded();
    const text = peer.request('INVITE', { callId: 'twice', body: SDP });
    peer.sendText(text);
    const [one, two] = [peer.nextResponse(503), peer.nextResponse(503)];
    expect(header(one, 'To')).toBe(header(two, 'To'));
  });

  it('leaves calls that are in alone: re-INVITE and BYE reach the application', () => {
    const { app, peer, call } = overloaded();
    const to = `<sip:service@example.com>;tag=${call.localTag}`;
    peer.request('INVITE', { to, cseq: 2, body: SDP });
    peer.nextResponse(100);
    expect(String(app.nextSip().message)).toContain('INVITE');
    peer.request('BYE', { to, cseq: 3, contact: '' });
    expect(drain(app).length).toBeGreaterThan(0);
  });

  it('lets emergency calls in, and registrations', () => {
    const { app, peer } = overloaded();
    peer.request('INVITE', { callId: 'help', uri: 'sip:112@127.0.0.1', body: SDP });
    peer.nextResponse(100);
    expect(String(app.nextSip().message)).toContain('INVITE sip:112@');
    peer.request('REGISTER', { callId: 'reg' });
    expect(String(app.nextSip().message)).toContain('REGISTER');
  });

  it('is over within five seconds after the load', () => {
    const { bench, app, peer } = overloaded();
    for (let n = 0; n < 5 * 50; n++) bench.engine.loadSampled(EASY);
    expect(bench.engine.pressure.admittedShare).toBe(1);
    for (let n = 0; n < 100; n++) peer.request('INVITE', { callId: `again-${n}`, body: SDP });
    expect(drain(app)).toHaveLength(100);
  });

  it('is not seen in a late thread with hardly any calls', () => {
    const bench = new Bench();
    for (let n = 0; n < 100; n++) bench.engine.loadSampled(LATE);
    expect(bench.engine.pressure.admittedShare).toBe(1);
  });
});

describe('the rate of calls that are let in', () => {
  /** A thousand calls a second come in; the application takes up so many of them a second, and lags with the rest. */
  function storm(seconds: number, capacity: number, isStranger: (call: number) => boolean = () => false) {
    const admission = new Admission({ ...DEFAULT_OPTIONS, overloadLagMs: 200 });
    let [unanswered, admitted, strangers, worstLagMs, credit] = [0, 0, 0, 0, 0];
    for (let tick = 0; tick < seconds * 50; tick++) {
      for (let call = 0; call < 20; call++) {
        if (!admission.admits({ isCall: true, isStranger: isStranger(call) }, { size: 0, unanswered })) continue;
        unanswered++;
        if (tick < 100) continue;
        admitted++;
        if (isStranger(call)) strangers++;
      }
      credit += capacity / 50;
      const served = Math.min(unanswered, Math.floor(credit));
      credit -= Math.floor(credit);
      unanswered -= served;
      const lagMs = (unanswered / capacity) * 1000;
      if (tick >= 100) worstLagMs = Math.max(worstLagMs, lagMs);
      admission.observe({ lagMs, sinceMs: 20, isMemoryShort: false }, { size: 0, unanswered });
    }
    return { admittedPerSec: admitted / (seconds - 2), strangersPerSec: strangers / (seconds - 2), worstLagMs };
  }

  it.each([100, 300, 600])('is about what is served, of %i a second, and nobody waits long', (capacity) => {
    const { admittedPerSec, worstLagMs } = storm(20, capacity);
    expect(admittedPerSec).toBeGreaterThan(capacity * 0.85);
    expect(admittedPerSec).toBeLessThan(capacity * 1.02);
    expect(worstLagMs).toBeLessThan(500);
  });

  it('is no matter while there is room for all', () => {
    expect(storm(20, 1200)).toMatchObject({ admittedPerSec: 1000, worstLagMs: 0 });
  });

  it.each([200, 600])('is not limited by a standstill of 300 ms among %i calls a second', (offered) => {
    expect(standstill(300, offered, 1000)).toBe(0);
  });

  it('turns hardly anybody away after a standstill of a second', () => {
    expect(standstill(1000, 200, 700)).toBeLessThan(150);
  });

  it('is spent on trunks and those who have registered before strangers', () => {
    expect(storm(20, 300, (call) => call % 2 === 0).strangersPerSec).toBeLessThan(3);
    const few = storm(20, 300, (call) => call > 0);
    expect(few.strangersPerSec).toBeGreaterThan(150);
    // The fifty that are not strangers come in all.
    expect(few.admittedPerSec - few.strangersPerSec).toBeGreaterThan(45);
  });
});

/** A second of calls, then nobody is served for so long, then `capacity` a second are. Returns how many were turned away. */
function standstill(ms: number, offered: number, capacity: number): number {
  const admission = new Admission({ ...DEFAULT_OPTIONS, overloadLagMs: 200 });
  let [unanswered, refused, arrived] = [0, 0, 0];
  for (let tick = 0; tick < 500; tick++) {
    for (arrived += offered / 50; arrived >= 1; arrived--) {
      if (admission.admits({ isCall: true, isStranger: false }, { size: 0, unanswered })) unanswered++;
      else refused++;
    }
    const stoodMs = (tick - 50) * 20;
    const isStanding = stoodMs > 0 && stoodMs <= ms;
    if (!isStanding) unanswered = Math.max(0, unanswered - capacity / 50);
    const lagMs = isStanding ? stoodMs : (unanswered / capacity) * 1000;
    admission.observe({ lagMs, sinceMs: 20, isMemoryShort: false }, { size: 0, unanswered });
  }
  return refused;
}

describe('limits', () => {
  it('remembers no more requests than it may, and those of its dialogs at twice as many', () => {
    const bench = new Bench({ maxServerTransactions: 10 });
    bench.app('options', 'invite');
    const peer = bench.net.peer('udp', 6000);
    for (let n = 0; n < 100; n++) peer.request('OPTIONS', { callId: `o-${n}` });
    expect(bench.engine.load.serverTransactions).toBe(10);
    expect(peer.drain().filter((told) => told === '503 OPTIONS')).toHaveLength(90);
    for (let n = 0; n < 100; n++) peer.request('BYE', { callId: `b-${n}`, to: '<sip:a@b>;tag=1' });
    expect(bench.engine.load.serverTransactions).toBe(20);
  });

  it('takes no more calls than may wait unanswered', () => {
    const bench = new Bench({ maxUnansweredCalls: 5 });
    bench.app('invite');
    const peer = bench.net.peer('udp', 6000);
    for (let n = 0; n < 10; n++) peer.request('INVITE', { callId: `c-${n}`, body: SDP });
    expect(bench.engine.pressure.unansweredCalls).toBe(5);
    expect(peer.drain().filter((told) => told === '503 INVITE')).toHaveLength(5);
  });

  it('takes nobody new when memory is short', () => {
    const bench = new Bench();
    bench.app('options');
    const peer = bench.net.peer('udp', 6000);
    bench.engine.loadSampled({ ...EASY, isMemoryShort: true });
    peer.request('OPTIONS');
    peer.nextResponse(503);
  });
});

describe('a refusal of the sockets', () => {
  it('does not end a request that is being served: it was only sent again', () => {
    const bench = new Bench();
    const app = bench.app('invite');
    const peer = bench.net.peer('udp', 6000);
    peer.request('INVITE', { branch: 'z9hG4bKsame', body: SDP });
    peer.nextResponse(100);
    expect(String(app.nextSip().message)).toContain('INVITE');
    const { flow } = peer;
    const again = bench.net.sent.length;
    peer.request('INVITE', { branch: 'z9hG4bKother', callId: 'other', body: SDP });
    peer.nextResponse(100);
    const request = {
      kind: 'request' as const,
      method: 'INVITE',
      uri: 'sip:service@127.0.0.1:5060',
      headers: [
        { name: 'Via', value: `SIP/2.0/UDP ${peer.hostPort};branch=z9hG4bKsame;rport` },
        { name: 'From', value: '<sip:alice@example.com>;tag=alice1' },
        { name: 'To', value: '<sip:service@example.com>' },
        { name: 'Call-ID', value: 'call-1' },
        { name: 'CSeq', value: '1 INVITE' },
      ],
      body: Buffer.alloc(0),
    };
    bench.engine.refused({ flow, status: 503, reason: '', retryAfterSec: 10, request });
    peer.nextResponse(100);
    expect(bench.net.sent.length).toBe(again + 2);
  });
});

describe('vouching', () => {
  it('is for the source of a registration that was accepted', () => {
    const bench = new Bench();
    const app = bench.app('register');
    const peer = bench.net.peer('udp', 6000, '192.0.2.7');
    peer.request('REGISTER');
    app.answer(app.nextSip(), 401);
    peer.nextResponse(401);
    expect(bench.net.vouched).toEqual([]);
    peer.request('REGISTER', { cseq: 2 });
    app.answer(app.nextSip(), 200);
    expect(bench.net.vouched).toEqual(['192.0.2.7']);
  });
});
