/** The header lines of an application: drachtio-protocol §5.1. */
import { canonicalHeaderName, type SipHeader } from '../message/index.ts';

/** These are the engine's own; an application cannot set them. */
const OWN = new Set(['via', 'route', 'record-route', 'rseq', 'content-length', 'v', 'l']);
const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]+$/;

/** Canonical names, or '' for lines that are dropped. Applications use few names, so they are remembered. */
const spelling = new Map<string, string>();
const MAX_REMEMBERED = 2000;

/** Reads the lines; drops what is malformed or the engine's own. Folded lines are joined. */
export function parseAppHeaders(lines: readonly string[]): SipHeader[] {
  const headers: SipHeader[] = [];
  let isDropped = true;
  for (const line of lines) {
    if (line.startsWith(' ') || line.startsWith('\t')) {
      const last = headers.pop();
      if (last !== undefined) headers.push(isDropped ? last : { ...last, value: `${last.value} ${line.trim()}` });
      continue;
    }
    const colon = line.indexOf(':');
    const name = colon <= 0 ? '' : spell(line.slice(0, colon).trimEnd());
    isDropped = name === '';
    if (!isDropped) headers.push({ name, value: line.slice(colon + 1).trim() });
  }
  return headers;
}

function spell(name: string): string {
  const known = spelling.get(name);
  if (known !== undefined) return known;
  const lower = name.toLowerCase();
  const spelled = !TOKEN.test(name) || OWN.has(lower) ? '' : canonical(name, lower);
  if (spelling.size < MAX_REMEMBERED) spelling.set(name, spelled);
  return spelled;
}

function canonical(name: string, lower: string): string {
  const known = canonicalHeaderName(lower);
  if (known !== lower) return known;
  if (lower.startsWith('x-')) return name;
  return lower.replace(/(?:^|-)[a-z]/g, (letters) => letters.toUpperCase());
}

/** The value of the first header of that canonical name. */
export function findHeader(headers: readonly SipHeader[], name: string): string | undefined {
  for (const line of headers) if (line.name === name) return line.value;
  return undefined;
}

/** Whether a body is SDP by its first line, for applications that leave Content-Type out. */
function looksLikeSdp(body: Buffer): boolean {
  return body.length > 3 && body[0] === 0x76 && body[1] === 0x3d && body[2] === 0x30;
}

/** The Content-Type line that is missing: none, one for SDP, or undefined when nobody can know it. */
export function missingContentType(headers: readonly SipHeader[], body: Buffer): readonly SipHeader[] | undefined {
  if (body.length === 0 || findHeader(headers, 'Content-Type') !== undefined) return [];
  return looksLikeSdp(body) ? [{ name: 'Content-Type', value: 'application/sdp' }] : undefined;
}
