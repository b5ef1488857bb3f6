/** Reading and changing the headers of a message. Names may be given in any case or compact; changes make a new message. */
import { canonicalHeaderName, isListHeader, knownHeaderName } from './header-names.ts';
import type { SipHeader, SipMessage } from './model.ts';
import { parseNameAddr } from './name-addr.ts';
import { splitOutside } from './split-values.ts';

/** Tells whether a header has the wanted name. Known names are canonical in a message, so equality will do. */
function named(name: string): (header: SipHeader) => boolean {
  const known = knownHeaderName(name);
  if (known !== undefined) return (line) => line.name === known;
  const lower = name.toLowerCase();
  return (line) => line.name.toLowerCase() === lower;
}

/** The whole value of the first header line of that name. */
export function header(message: SipMessage, name: string): string | undefined {
  return message.headers.find(named(name))?.value;
}

/** Every value of that name, in order; lines of list headers (Via, Route, Contact…) are split at their commas. */
export function headerValues(message: SipMessage, name: string): string[] {
  const lines = message.headers.filter(named(name));
  if (!isListHeader(canonicalHeaderName(name))) return lines.map((line) => line.value);
  return lines.flatMap((line) => splitOutside(line.value, ',')).filter((value) => value !== '');
}

/** One line of that name: in the place of the first one there was (the others go), else at the end. */
export function withHeader<M extends SipMessage>(message: M, name: string, value: string): M {
  const isWanted = named(name);
  const at = message.headers.findIndex(isWanted);
  if (at < 0) return appendHeader(message, name, value);
  const headers = message.headers.filter((line, index) => index === at || !isWanted(line));
  headers[at] = { name: canonicalHeaderName(name), value };
  return { ...message, headers };
}

/** No line of that name. */
export function withoutHeader<M extends SipMessage>(message: M, name: string): M {
  const isWanted = named(name);
  return { ...message, headers: message.headers.filter((line) => !isWanted(line)) };
}

/** One more line, before all others. */
export function prependHeader<M extends SipMessage>(message: M, name: string, value: string): M {
  return { ...message, headers: [{ name: canonicalHeaderName(name), value }, ...message.headers] };
}

/** One more line, after all others. */
export function appendHeader<M extends SipMessage>(message: M, name: string, value: string): M {
  return { ...message, headers: [...message.headers, { name: canonicalHeaderName(name), value }] };
}

/** The tag of From or To, undefined when it has none. */
export function tagOf(message: SipMessage, name: 'From' | 'To'): string | undefined {
  const value = header(message, name);
  return value === undefined ? undefined : parseNameAddr(value)?.params.get('tag');
}
