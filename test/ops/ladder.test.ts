import { describe, expect, it } from 'vitest';
import type { CallRecord } from '../../src/calls/index.ts';
import { drawLadder, type LadderMessage, summaryOf } from '../../src/ops/ladder.ts';

const record = {
  callId: 'c1',
  from: 'sip:alice@viaduct.local',
  to: 'sip:bob@viaduct.local',
  endReason: 'hangup-caller',
  legs: [
    { direction: 'inbound', sipCallId: 'in@phone' },
    { direction: 'outbound', sipCallId: 'out@gw' },
  ],
} as unknown as CallRecord;

function message(part: Partial<LadderMessage>): LadderMessage {
  return {
    at: Date.UTC(2026, 0, 1, 12, 0, 0, 125),
    direction: 'in',
    transport: 'udp',
    local: '192.0.2.1:5060',
    remote: '198.51.100.7:5060',
    sipCallId: 'in@phone',
    text: 'INVITE sip:bob@viaduct.local SIP/2.0\r\nContent-Type: application/sdp\r\n\r\nv=0',
    ...part,
  };
}

describe('the ladder of a call', () => {
  it('has the caller on the left, the called on the right, and arrows the way messages went', () => {
    const drawn = drawLadder(record, [
      message({}),
      message({ direction: 'out', text: 'SIP/2.0 100 Trying\r\nCSeq: 1 INVITE\r\n\r\n' }),
      message({ direction: 'out', sipCallId: 'out@gw', remote: '203.0.113.5:5061', transport: 'tls' }),
      message({
        sipCallId: 'out@gw',
        remote: '203.0.113.5:5061',
        transport: 'tls',
        text: 'SIP/2.0 200 OK\r\nCSeq: 2 BYE\r\n\r\n',
      }),
    ]);
    const [title, places, first, second, third, fourth] = drawn.split('\n');
    expect(title).toContain('call c1  sip:alice@viaduct.local → sip:bob@viaduct.local  hangup-caller');
    expect(places).toMatch(/udp 198\.51\.100\.7:5060 +│ +tls 203\.0\.113\.5:5061/);
    expect(first).toMatch(/^12:00:00\.125 {3}INVITE \(SDP\) ─+▶ │$/);
    expect(second).toMatch(/^12:00:00\.125 {3}◀─+ 100 Trying {1,2}│$/);
    expect(third).toMatch(/^12:00:00\.125 {46}│ INVITE \(SDP\) ─+▶ $/);
    expect(fourth).toMatch(/│ ◀─+ 200 OK for BYE $/);
  });

  it('says where to look when nothing is kept', () => {
    expect(drawLadder(record, [])).toContain('telemetry.messageLog');
  });

  it('names what a message is', () => {
    expect(summaryOf('BYE sip:x SIP/2.0\r\n\r\n')).toBe('BYE');
    expect(summaryOf('SIP/2.0 486 Busy Here\r\nCSeq: 7 INVITE\r\n\r\n')).toBe('486 Busy Here');
  });
});
