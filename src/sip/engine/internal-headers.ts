/**
 * `X-Viaduct-…` headers are said among our own parts only. What the network sends under such a name is taken out before
 * an application sees it (T11); by then the parser has refused every name that is no token and trimmed the others, so
 * that no spelling slips through.
 */
import type { SipHeader, SipMessage } from '../message/index.ts';

const PREFIX = 'x-viaduct-';
const X = 0x78;
const V = 0x76;
const LOWER = 0x20;

/** The message itself when there is nothing to take out, which is the rule. */
export function withoutInternalHeaders<Message extends SipMessage>(message: Message): Message {
  return message.headers.some(isInternal)
    ? { ...message, headers: message.headers.filter((line) => !isInternal(line)) }
    : message;
}

function isInternal({ name }: SipHeader): boolean {
  // Two characters tell nearly always.
  if ((name.charCodeAt(0) | LOWER) !== X || (name.charCodeAt(2) | LOWER) !== V) return false;
  return name.toLowerCase().startsWith(PREFIX);
}
