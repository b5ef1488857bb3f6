/** What is done to a message: each mutation takes latin-1 text and gives some. */
import { ADDRESSES, INTEGERS, OVERFLOWS, RAW, URIS } from './anomalies.ts';
import { baseMessage } from './base-message.ts';
import type { Chance } from './chance.ts';

type Mutation = (text: string, chance: Chance) => string;

const MAX_BYTES = 60_000;
const anomaly = (chance: Chance): string => {
  const kind = chance.below(10);
  if (kind === 0) return chance.pick(OVERFLOWS);
  if (kind <= 2) return chance.pick(INTEGERS);
  if (kind === 3) return chance.pick(ADDRESSES);
  if (kind === 4) return chance.pick(URIS);
  return chance.pick(RAW);
};

/** Where the element at `at` begins and ends, by the characters that separate elements. */
function elementAt(text: string, at: number): readonly [number, number] {
  const isSeparator = (code: number): boolean => ' \t\r\n;,:<>"=@/?'.includes(String.fromCharCode(code));
  let [start, end] = [at, at];
  while (start > 0 && !isSeparator(text.charCodeAt(start - 1)) && at - start < 200) start--;
  while (end < text.length && !isSeparator(text.charCodeAt(end)) && end - at < 200) end++;
  return [start, end];
}

const headEnd = (text: string): number => {
  const blank = text.indexOf('\r\n\r\n');
  return blank < 0 ? text.length : blank;
};

/** The header lines, changed by `change`, in their place. */
function withLines(text: string, change: (lines: string[]) => void): string {
  const end = headEnd(text);
  const [start = '', ...lines] = text.slice(0, end).split('\r\n');
  change(lines);
  return [start, ...lines].join('\r\n') + text.slice(end);
}

const replaceElement: Mutation = (text, chance) => {
  const [start, end] = elementAt(
    text,
    chance.below(chance.oneIn(4) ? text.length : Math.min(headEnd(text), text.length)),
  );
  return text.slice(0, start) + anomaly(chance) + text.slice(end);
};
const insert: Mutation = (text, chance) => {
  const at = chance.below(text.length + 1);
  return text.slice(0, at) + anomaly(chance) + text.slice(at);
};
const cutOut: Mutation = (text, chance) => {
  const at = chance.below(text.length);
  return text.slice(0, at) + text.slice(at + chance.below(30));
};
const truncate: Mutation = (text, chance) => text.slice(0, chance.below(text.length));
const flip: Mutation = (text, chance) => {
  const at = chance.below(text.length);
  return text.slice(0, at) + String.fromCharCode(chance.below(256)) + text.slice(at + 1);
};
const repeatLine: Mutation = (text, chance) =>
  withLines(text, (lines) => {
    const line = chance.pick(lines.length === 0 ? ['X: y'] : lines);
    const times = chance.oneIn(10) ? chance.pick([50, 255, 256, 257, 2000]) : 1;
    const copies: string[] = Array.from({ length: times }, () => line);
    lines.splice(chance.below(lines.length + 1), 0, ...copies);
  });
const dropLine: Mutation = (text, chance) =>
  withLines(text, (lines) => lines.splice(chance.below(lines.length + 1), 1));
const swapLines: Mutation = (text, chance) =>
  withLines(text, (lines) => {
    const [line = ''] = lines.splice(chance.below(lines.length + 1), 1);
    lines.splice(chance.below(lines.length + 1), 0, line);
  });
const headerBomb: Mutation = (text, chance) =>
  withLines(text, (lines) => {
    const count = chance.pick([10, 200, 256, 1000]);
    for (let n = 0; n < count; n++) lines.push(chance.oneIn(2) ? `X-${n}: ${n}` : `Via: SIP/2.0/UDP h${n}`);
  });
const fold: Mutation = (text, chance) => {
  const at = chance.below(Math.max(headEnd(text), 1));
  return `${text.slice(0, at)}\r\n${chance.pick([' ', '\t', '   '])}${text.slice(at)}`;
};
const changeCase: Mutation = (text, chance) => {
  const at = chance.below(text.length);
  const part = text.slice(at, at + 20);
  return text.slice(0, at) + (chance.oneIn(2) ? part.toLowerCase() : part.toUpperCase()) + text.slice(at + 20);
};
const COMPACT: Readonly<Record<string, string>> = { Via: 'v', From: 'f', To: 't', 'Call-ID': 'i', Contact: 'm' };
const makeCompact: Mutation = (text) =>
  text.replace(/\r\n(Via|From|To|Call-ID|Contact):/g, (_whole, name: string) => `\r\n${COMPACT[name] ?? name} :`);
const wrongLength: Mutation = (text, chance) =>
  text.replace(/Content-Length: \d+/, `Content-Length: ${chance.pick(INTEGERS)}`);
const manyParams: Mutation = (text, chance) =>
  withLines(text, (lines) => {
    const at = chance.below(Math.max(lines.length, 1));
    lines[at] =
      `${lines[at] ?? 'X: y'}${';p=1'.repeat(chance.pick([2, 300]))}${chance.oneIn(2) ? ';tag=2;branch=z9hG4bK' : ''}`;
  });

const MUTATIONS: readonly Mutation[] = [
  replaceElement,
  replaceElement,
  replaceElement,
  replaceElement,
  insert,
  insert,
  cutOut,
  truncate,
  flip,
  flip,
  repeatLine,
  dropLine,
  swapLines,
  headerBomb,
  fold,
  changeCase,
  makeCompact,
  wrongLength,
  manyParams,
];

/** The message of that number. */
export function mutated(chance: Chance, transport: string, index: number): Buffer {
  let text = baseMessage(chance, transport, index);
  for (let times = 1 + chance.below(4); times > 0 && text.length > 0; times--)
    text = chance.pick(MUTATIONS)(text, chance);
  return Buffer.from(text.slice(0, MAX_BYTES), 'latin1');
}

/** The same with a Content-Length that is right, so that a stream can be read on behind it. */
export function framed(data: Buffer): Buffer {
  const text = data.toString('latin1');
  const blank = text.indexOf('\r\n\r\n');
  const head = (blank < 0 ? text : text.slice(0, blank)).replace(
    /\r\n(?:content-length|l)[ \t]*:(?:[^\r]|\r\n[ \t])*/gi,
    '',
  );
  const body = blank < 0 ? '' : text.slice(blank + 4);
  const start = head.replace(/^[\r\n]+/, '').trimEnd();
  return Buffer.from(`${start === '' ? 'X' : start}\r\nContent-Length: ${body.length}\r\n\r\n${body}`, 'latin1');
}
