/** Requests inside a dialog that are no offers: what we serve, and the refusal owed for the rest. */
import type { InboundRequest } from './sip-ports.ts';

const ALLOW = 'INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, REGISTER';

export function answerInDialog(request: InboundRequest): void {
  switch (request.method) {
    case 'INFO':
      // One without a body asks whether we live; what it carries is taken notice of by the media (RFC 4733), not here.
      request.reply(200);
      return;
    case 'NOTIFY':
      // We have subscribed to nothing (RFC 6665 §4.1.3).
      request.reply(481);
      return;
    case 'SUBSCRIBE':
      request.reply(489);
      return;
    default:
      request.reply(405, { Allow: ALLOW });
  }
}
