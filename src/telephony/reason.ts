/**
 * Reason headers (RFC 3326) in canonical form: of each protocol we know one value, its cause a number in range, its
 * text printable. What one side says about the end of a call reaches the other in no other shape.
 */
import { parseParams, splitOutside, unquote } from '../sip/message/index.ts';

const MAX_TEXT = 64;
const PROTOCOLS = [
  { name: 'Q.850', min: 1, max: 127 },
  { name: 'SIP', min: 100, max: 699 },
] as const;

/** The canonical value, Q.850 first; undefined when nothing of it can be used. */
export function canonicalReason(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const values = splitOutside(value, ',');
  const kept = PROTOCOLS.flatMap((protocol) => {
    const found = values.map((each) => readValue(each, protocol)).find((each) => each !== undefined);
    return found === undefined ? [] : [found];
  });
  return kept.length === 0 ? undefined : kept.join(', ');
}

function readValue(value: string, protocol: (typeof PROTOCOLS)[number]): string | undefined {
  const [name = '', ...rest] = splitOutside(value, ';');
  if (name.toUpperCase() !== protocol.name) return undefined;
  const params = parseParams(rest.join(';'));
  const cause = /^\d{1,3}$/.exec(params?.get('cause') ?? '')?.[0];
  if (cause === undefined || Number(cause) < protocol.min || Number(cause) > protocol.max) return undefined;
  // Nothing that could end the quoted string, the value or the line.
  const text = unquote(params?.get('text') ?? '')
    .replace(/[^\w .:/()-]/gu, '')
    .slice(0, MAX_TEXT);
  return `${protocol.name};cause=${Number(cause)}${text === '' ? '' : `;text="${text}"`}`;
}
