/** Writes messages: RFC 3261 §7. */
import type { SipMessage } from './model.ts';

/** The first line, without its CRLF. */
function formatStartLine(message: SipMessage): string {
  return message.kind === 'request'
    ? `${oneLine(message.method)} ${oneLine(message.uri)} SIP/2.0`
    : `SIP/2.0 ${message.status} ${oneLine(message.reason)}`;
}

/** The whole message. Content-Length is the body's size in bytes, whatever the header said, and is added if missing. */
export function formatMessage(message: SipMessage): Buffer {
  const length = message.body.length;
  let head = `${formatStartLine(message)}\r\n`;
  let hasLength = false;
  for (const { name, value } of message.headers) {
    if (name !== 'Content-Length') head += `${name}: ${oneLine(value)}\r\n`;
    else if (!hasLength) {
      head += `Content-Length: ${length}\r\n`;
      hasLength = true;
    }
  }
  head += hasLength ? '\r\n' : `Content-Length: ${length}\r\n\r\n`;
  const headBuffer = Buffer.from(head, 'utf8');
  return length === 0 ? headBuffer : Buffer.concat([headBuffer, message.body], headBuffer.length + length);
}

/** A line break inside a value would start a header of its own, whoever put it there. */
function oneLine(text: string): string {
  return /[\r\n]/.test(text) ? text.replace(/[\r\n]+/g, ' ') : text;
}
