/**
 * What the forks of one INVITE of ours have answered (RFC 3261 §13.2.2.4): somebody beyond us may ring several phones,
 * and each of them that sends SDP early is a dialog of its own, told apart by the tag in To. The first is heard until
 * it ends or another one wins.
 */

import { parseNameAddr } from '../sip/message/index.ts';
import type { SipReply } from './sip-ports.ts';

/** More forks than this are not remembered: their early media is not heard, their 200 needs its SDP. */
const MAX_FORKS = 16;

export class ForkAnswers {
  readonly #answers = new Map<string, string>();
  #heard: string | undefined;

  /** The SDP to be heard after this provisional response, '' when it brings none or another fork is heard. */
  onProvisional(reply: SipReply): string {
    const fork = tagOf(reply);
    // RFC 6228: this fork is no more.
    if (reply.status === 199) {
      this.#answers.delete(fork);
      if (this.#heard === fork) this.#heard = undefined;
      return '';
    }
    if (reply.body === '') return '';
    if (!this.#answers.has(fork) && this.#answers.size >= MAX_FORKS) return '';
    this.#answers.set(fork, reply.body);
    this.#heard ??= fork;
    return this.#heard === fork ? reply.body : '';
  }

  /** The SDP of the fork that won: in its 200, else what it had answered before (RFC 3262 §5). '' when there is none. */
  onAnswered(reply: SipReply): string {
    return reply.body === '' ? (this.#answers.get(tagOf(reply)) ?? '') : reply.body;
  }
}

function tagOf(reply: SipReply): string {
  return parseNameAddr(reply.header('To') ?? '')?.params.get('tag') ?? '';
}
