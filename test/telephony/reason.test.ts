import { describe, expect, it } from 'vitest';
import { canonicalReason } from '../../src/telephony/reason.ts';

describe('Reason headers in canonical form', () => {
  it.each([
    [undefined, undefined],
    ['', undefined],
    ['Q.850;cause=16', 'Q.850;cause=16'],
    [
      'SIP ;cause=486 ;text="Busy Here", q.850;cause=17;text="User busy"',
      'Q.850;cause=17;text="User busy", SIP;cause=486;text="Busy Here"',
    ],
    ['Q.850;cause=0', undefined],
    ['Q.850;cause=128', undefined],
    ['SIP;cause=99999999999', undefined],
    ['SIP', undefined],
    ['preemption;cause=1;text="UA Preemption"', undefined],
    ['X.int;reasoncode=0x00000000;add-info=0725, Q.850;cause=31', 'Q.850;cause=31'],
    ['SIP;cause=200;text="a\\"; SIP;cause=600, b\u0007"', 'SIP;cause=200;text="a SIPcause600 b"'],
    ['SIP;cause=200;text="unterminated', undefined],
    [`SIP;cause=480;text="${'x'.repeat(500)}"`, `SIP;cause=480;text="${'x'.repeat(64)}"`],
    ['Q.850;cause=1, Q.850;cause=2', 'Q.850;cause=1'],
  ])('%j becomes %j', (value, canonical) => {
    expect(canonicalReason(value)).toBe(canonical);
  });

  it('is stable', () => {
    const once = canonicalReason('SIP;text="Call: gone (no)";cause=0486');
    expect(canonicalReason(once)).toBe(once);
  });
});
