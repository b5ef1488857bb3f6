/** The keys under which transactions are found again: RFC 3261 §17.1.3 and §17.2.3. */
import type { SipRequest } from '../message/index.ts';
import type { MessageFacts } from './message-facts.ts';

const MAGIC_COOKIE = 'z9hG4bK';

/** Of the server transaction a request belongs to; an ACK belongs to its INVITE's. */
export function serverKey(request: SipRequest, facts: MessageFacts, method = request.method): string {
  const matched = method === 'ACK' ? 'INVITE' : method;
  const { via, branch } = facts;
  const sentBy = `${via.host.toLowerCase()}:${via.port ?? ''}`;
  if (branch.startsWith(MAGIC_COOKIE)) return `${branch} ${sentBy} ${matched}`;
  // RFC 2543: To tag aside (we chose it ourselves), what identifies the request identifies the transaction.
  return `2543 ${request.uri} ${facts.fromTag} ${facts.callId} ${facts.cseq.number} ${sentBy} ${branch} ${matched}`;
}

/** Of one request whatever way it came: two transactions with the same are one forked request (RFC 3261 §8.2.2.2). */
export function mergeKey(facts: MessageFacts): string {
  return `${facts.callId} ${facts.fromTag} ${facts.cseq.number} ${facts.cseq.method}`;
}

/** Of the client transaction a response belongs to. */
export function clientKey(branch: string, method: string): string {
  return `${branch} ${method}`;
}
