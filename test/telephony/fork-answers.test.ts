import { describe, expect, it } from 'vitest';
import { ForkAnswers } from '../../src/telephony/fork-answers.ts';
import type { SipReply } from '../../src/telephony/sip-ports.ts';

const reply = (status: number, tag: string, body = ''): SipReply => ({
  status,
  body,
  header: (name) => (name === 'To' ? `"Bob" <sip:bob@example.net>;tag=${tag}` : undefined),
});

describe('the forks of one INVITE', () => {
  it('the first with SDP is heard, and again when it changes; others are not', () => {
    const forks = new ForkAnswers();
    expect(forks.onProvisional(reply(180, 'a'))).toBe('');
    expect(forks.onProvisional(reply(183, 'b', 'B1'))).toBe('B1');
    expect(forks.onProvisional(reply(183, 'a', 'A1'))).toBe('');
    expect(forks.onProvisional(reply(183, 'b', 'B2'))).toBe('B2');
  });

  it('199 of the one that is heard lets the next be heard', () => {
    const forks = new ForkAnswers();
    forks.onProvisional(reply(183, 'a', 'A1'));
    expect(forks.onProvisional(reply(199, 'b'))).toBe('');
    expect(forks.onProvisional(reply(183, 'c', 'C1'))).toBe('');
    forks.onProvisional(reply(199, 'a'));
    expect(forks.onProvisional(reply(183, 'c', 'C1'))).toBe('C1');
  });

  it('a 200 without SDP means what its own fork has said, and nothing for any other', () => {
    const forks = new ForkAnswers();
    forks.onProvisional(reply(183, 'a', 'A1'));
    forks.onProvisional(reply(183, 'b', 'B1'));
    expect(forks.onAnswered(reply(200, 'b'))).toBe('B1');
    expect(forks.onAnswered(reply(200, 'c'))).toBe('');
    expect(forks.onAnswered(reply(200, 'a', 'A2'))).toBe('A2');
  });

  it('remembers a bounded number of forks', () => {
    const forks = new ForkAnswers();
    for (let fork = 0; fork < 100; fork += 1) forks.onProvisional(reply(183, `t${fork}`, `S${fork}`));
    expect(forks.onAnswered(reply(200, 't15'))).toBe('S15');
    expect(forks.onAnswered(reply(200, 't16'))).toBe('');
  });
});
